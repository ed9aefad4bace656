// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/access_token.h"
#include "secrets/credential_digest.h"
#include "secrets/key_ring.h"
#include "secrets/sealed_text.h"
#include "test_registry.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <set>
#include <sys/stat.h>
#include <type_traits>
#include <zlib.h>

using namespace llmproxy;

namespace {

MasterKey master(char fill)
{
    return {Secret(std::string(32, fill)), "environment"};
}

void write(const QString &path, const QByteArray &text, mode_t mode = 0600)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
    file.close();
    chmod(path.toUtf8().constData(), mode);
}

} // namespace

class TstSecrets : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aDigestKnowsItsCredentialAlone()
    {
        const CredentialDigest digest(Secret("management-token-0123456789abcdef"));
        QVERIFY(digest.matches("management-token-0123456789abcdef"));
        for (const char *other : {"", "management-token-0123456789abcdeF", "management-token-0123456789abcde", "management-token-0123456789abcdef "})
            QVERIFY2(!digest.matches(other), other);
        QVERIFY(CredentialDigest().isEmpty() && !CredentialDigest().matches("") && CredentialDigest(Secret()).isEmpty());
    }

    void secretsCannotBeCopiedOrPrinted()
    {
        static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
        static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_convertible_v<Secret, std::string_view>);
        Secret one("abc");
        Secret two = std::move(one);
        QVERIFY(one.isEmpty()); // NOLINT: what a moved-from secret keeps is the point
        QCOMPARE(two.reveal(), std::string_view("abc"));
        QVERIFY(two.equals("abc") && !two.equals("abd") && !two.equals("ab") && !two.equals("") && !two.equals("abcd"));
    }

    void tokensHaveTheForm()
    {
        static constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        std::set<std::string> seen;
        for (int i = 0; i < 200; ++i) {
            const Secret token = generateAccessToken();
            const std::string text(token.reveal());
            QCOMPARE(text.size(), size_t{42});
            QCOMPARE(text.substr(0, 4), std::string("tok-"));
            QVERIFY(text.find_first_not_of(digits, 4) == std::string::npos);
            QVERIFY(isWellFormedAccessToken(text));
            QVERIFY(seen.insert(text).second);
            const std::string body = text.substr(4, 32);
            const auto crc = crc32(0, reinterpret_cast<const Bytef *>(body.data()), 32);
            uint64_t read = 0;
            for (const char c : text.substr(36))
                read = read * 62 + static_cast<uint64_t>(std::string_view(digits).find(c));
            QCOMPARE(read, static_cast<uint64_t>(crc));
            std::string typo = text;
            typo[10] = typo[10] == 'a' ? 'b' : 'a';
            QVERIFY(!isWellFormedAccessToken(typo));
        }
        for (const char *bad : {"", "tok-", "tok-1234567890abcdef", "sk-" "Pzn20709d3sIaxCIc60prCk3nigHuH7C3y5zv6"})
            QVERIFY2(!isWellFormedAccessToken(bad), bad);
    }

    void hashIsKeyed()
    {
        const Secret one(std::string(32, 'a'));
        const Secret two(std::string(32, 'b'));
        QVERIFY(hashAccessToken(one, "tok-x") == hashAccessToken(one, "tok-x"));
        QVERIFY(hashAccessToken(one, "tok-x") != hashAccessToken(two, "tok-x"));
        QVERIFY(hashAccessToken(one, "tok-x") != hashAccessToken(one, "tok-y"));
    }

    void sealsAreBoundToTheirPlace()
    {
        const KeyRing ring = KeyRing::create(master('k'));
        const std::string sealed = ring.seal(Secret("sk-live"), "project", "p1", "openai.api_key");
        QVERIFY(sealed.rfind("enc:v1:", 0) == 0);
        QVERIFY(sealed.find("sk-live") == std::string::npos);
        QVERIFY(sealed != ring.seal(Secret("sk-live"), "project", "p1", "openai.api_key")); // a fresh nonce each time
        QVERIFY(ring.unseal(sealed, "project", "p1", "openai.api_key")->equals("sk-live"));
        QVERIFY(!ring.unseal(sealed, "project", "p2", "openai.api_key"));
        QVERIFY(!ring.unseal(sealed, "project", "p1", "anthropic.api_key"));
        QVERIFY(!ring.unseal(sealed, "token", "p1", "openai.api_key"));
        for (size_t at = 0; at < sealed.size(); ++at) {
            std::string changed = sealed;
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            QVERIFY2(!ring.unseal(changed, "project", "p1", "openai.api_key"), std::to_string(at).c_str());
        }
    }

    void ringOpensWithItsKeyOnly()
    {
        const KeyRing ring = KeyRing::create(master('k'));
        const std::string sealed = ring.seal(Secret("x"), "t", "i", "f");
        const auto again = KeyRing::open(master('k'), ring.record());
        QVERIFY(again.ok());
        QVERIFY(again->unseal(sealed, "t", "i", "f")->equals("x"));
        QVERIFY(again->tokenHashKey().equals(ring.tokenHashKey().reveal()));
        QVERIFY(!KeyRing::open(master('w'), ring.record()).ok());
        MasterKey other = master('k');
        other.source = "generated";
        QVERIFY(!KeyRing::open(other, ring.record()).ok());
    }

    void masterKeyFromItsSources()
    {
        QTemporaryDir dir;
        const std::string data = dir.path().toStdString();
        QVERIFY(!loadMasterKey({}, "", data, false).ok());
        const auto made = loadMasterKey({}, "", data, true);
        QVERIFY(made.ok());
        struct stat info{};
        QCOMPARE(stat((data + "/encryption.key").c_str(), &info), 0);
        QCOMPARE(info.st_mode & 0777, mode_t{0600});
        const auto again = loadMasterKey({}, "", data, false);
        QVERIFY(again.ok());
        QVERIFY(again->key.equals(made->key.reveal()));
        const QString path = dir.filePath(QStringLiteral("own.key"));
        write(path, QByteArray(32, 'z').toBase64() + "\n");
        QVERIFY(loadMasterKey({}, path.toStdString(), data, false)->key.equals(std::string(32, 'z')));
        write(path, QByteArray(32, 'z').toBase64() + "\n", 0644);
        QVERIFY(!loadMasterKey({}, path.toStdString(), data, false).ok());
        write(path, QByteArray(31, 'z').toBase64());
        QVERIFY(!loadMasterKey({}, path.toStdString(), data, false).ok());
        QVERIFY(loadMasterKey(Secret(std::string(32, 'e')), "", data, false)->key.equals(std::string(32, 'e')));
    }

    void base64IsStrict()
    {
        QCOMPARE(toBase64("hello"), std::string("aGVsbG8="));
        QVERIFY(fromBase64("aGVsbG8=")->equals("hello"));
        for (const char *bad : {"", "aGVsbG8", "aGVsbG8==", "aGVs bG8=", "aGVsbG8=\n", "aGVsbG8-", "====", "a==="})
            QVERIFY2(!fromBase64(bad), bad);
    }
};

REGISTER_TEST(TstSecrets)
#include "tst_secrets.moc"
