// SPDX-License-Identifier: GPL-3.0-only
#include "access/snapshot.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

// Of a lineage of its own, when none is given.
TokenPtr token(int number, const std::string &lineage = {})
{
    const std::string id = "id-" + std::to_string(number);
    TokenHash hash{};
    for (size_t i = 0; i < 4; ++i)
        hash[i] = static_cast<unsigned char>((static_cast<unsigned>(number) * 2654435761u) >> (8 * i));
    hash[8] = static_cast<unsigned char>(number);
    hash[9] = static_cast<unsigned char>(number >> 8);
    hash[10] = static_cast<unsigned char>(number >> 16);
    TokenTerms terms;
    terms.createdMs = number;
    return std::make_shared<const TokenEntry>(TokenTexts{id, lineage.empty() ? id : lineage, "p", "a", "m", "n", ""}, terms, hash, nullptr,
                                              std::make_shared<LineageState>());
}

} // namespace

class TstSnapshot : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void findsByHashAndId()
    {
        Snapshot snapshot;
        constexpr int count = 20'000;
        for (int i = 0; i < count; ++i)
            snapshot.putToken(token(i));
        QCOMPARE(snapshot.tokenCount(), size_t{count});
        for (int i = 0; i < count; i += 37) {
            const TokenPtr one = token(i);
            QCOMPARE(snapshot.tokenByHash(one->hash)->id(), one->id());
            QCOMPARE(snapshot.tokenById(one->id())->id(), one->id());
        }
        QVERIFY(!snapshot.tokenByHash(token(count + 1)->hash));
        snapshot.removeToken("id-5");
        QVERIFY(!snapshot.tokenById("id-5") && !snapshot.tokenByHash(token(5)->hash));
        QCOMPARE(snapshot.tokenCount(), size_t{count - 1});
    }

    void copiesDoNotSeeEachOther()
    {
        Snapshot first;
        first.putToken(token(1));
        Snapshot second(first);
        second.putToken(token(2));
        second.removeToken("id-1");
        QVERIFY(first.tokenById("id-1") && !first.tokenById("id-2"));
        QVERIFY(!second.tokenById("id-1") && second.tokenById("id-2"));
        Snapshot third(second);
        third.putToken(token(3));
        QVERIFY(!second.tokenById("id-3"));
        second.putToken(token(4)); // the copied one writes on: still apart
        QVERIFY(!third.tokenById("id-4"));
    }

    // A lineage is found whole, whether its first token is still there or not, and over the growth of the shards.
    void findsLineages()
    {
        Snapshot snapshot;
        snapshot.putToken(token(1));
        snapshot.putToken(token(2, "id-1"));
        snapshot.putToken(token(3, "id-1"));
        snapshot.putToken(token(4));
        for (int i = 10; i < 50'000; ++i)
            snapshot.putToken(token(i));
        QCOMPARE(snapshot.lineage("id-1").size(), size_t{3});
        QCOMPARE(snapshot.lineage("id-4").size(), size_t{1});
        QCOMPARE(snapshot.lineage("id-2").size(), size_t{0}); // a successor's own id is no lineage
        snapshot.removeToken("id-1");
        QCOMPARE(snapshot.lineage("id-1").size(), size_t{2});
        snapshot.removeToken("id-2");
        snapshot.removeToken("id-3");
        QVERIFY(snapshot.lineage("id-1").empty());
    }

    void keepsEveryField()
    {
        TokenTerms terms;
        terms.maxRequests = 7;
        const TokenEntry entry({"i", "l", "p", "alg", "tok-1234****cdef", "Ünïcode", ""}, terms, TokenHash{1, 2, 3},
                               std::make_unique<const TokenRules>(std::vector<std::string>{"gpt-*"}, std::vector<std::string>{}, std::vector<std::string>{"10.0.0.0/8", "broken"}),
                               nullptr);
        const Token record = entry.record();
        QCOMPARE(record.id, QStringLiteral("i"));
        QCOMPARE(record.lineage, QStringLiteral("l"));
        QCOMPARE(record.hashAlg, QStringLiteral("alg"));
        QCOMPARE(record.name, QString::fromUtf8("Ünïcode"));
        QCOMPARE(record.note, QString());
        QCOMPARE(record.maxRequests, int64_t{7});
        QCOMPARE(record.hash.size(), qsizetype{32});
        QCOMPARE(record.allowedModels, QStringList{QStringLiteral("gpt-*")});
        QCOMPARE(record.allowedIps.size(), qsizetype{2});
        QCOMPARE(entry.rules().networks.size(), size_t{2}); // the broken one is nobody's, not everybody's
    }

    void readersSeeWhatIsPublished()
    {
        SnapshotHolder holder;
        SnapshotReader reader(holder);
        QCOMPARE(reader.current()->tokenCount(), size_t{0});
        auto next = std::make_shared<Snapshot>(*holder.current());
        next->putToken(token(1));
        holder.publish(next);
        QCOMPARE(reader.current()->tokenCount(), size_t{1});
        QCOMPARE(holder.current().get(), reader.current().get());
    }

    void listsInOrderOfCreation()
    {
        Snapshot snapshot;
        for (const int i : {5, 1, 3, 2, 4})
            snapshot.putToken(token(i));
        int64_t last = 0;
        for (const TokenPtr &one : snapshot.tokens()) {
            QVERIFY(one->terms.createdMs > last);
            last = one->terms.createdMs;
        }
        QCOMPARE(last, int64_t{5});
    }
};

REGISTER_TEST(TstSnapshot)
#include "tst_snapshot.moc"
