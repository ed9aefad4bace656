// SPDX-License-Identifier: GPL-3.0-only
// What run and the first process in the sandbox say to each other, whole, in pieces and wrong.
#include "sandbox_link.h"
#include "test_registry.h"

#include <sys/socket.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

struct Pair
{
    Pair() { socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends); }
    ~Pair()
    {
        close(ends[0]);
        if (ends[1] >= 0)
            close(ends[1]);
    }
    void endWith(std::string_view bytes)
    {
        [[maybe_unused]] const ssize_t sent = send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL);
        close(ends[1]);
        ends[1] = -1;
    }
    int ends[2] = {-1, -1};
};

} // namespace

class TstSandboxLink : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void startsSurviveTheWay()
    {
        const SandboxStart start{true, {"printf", "%s|", "", "a b", "\xff\n"}, {"A=1", "EMPTY=", "LONG=" + std::string(100'000, 'x')}};
        const auto read = sandboxStart(textOf(start));
        QVERIFY(read.has_value());
        QVERIFY(read->isForeground);
        QCOMPARE(read->arguments, start.arguments);
        QCOMPARE(read->variables, start.variables);
        QVERIFY(!sandboxStart(textOf({false, {"true"}, {}}))->isForeground);
    }

    void wrongStartsAreNone_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("no count") << QByteArray("1");
        QTest::newRow("nothing to start") << QByteArray("10\0A=1\0", 7);
        QTest::newRow("fewer than said") << QByteArray("13\0a\0b\0", 7);
        QTest::newRow("no number") << QByteArray("1x\0a\0", 5);
    }

    void wrongStartsAreNone()
    {
        QFETCH(QByteArray, text);
        QVERIFY(!sandboxStart(text.toStdString()).has_value());
    }

    void messages()
    {
        Pair pair;
        QVERIFY(sendSandbox(pair.ends[1], SandboxMessage::Type::Ready, "10"));
        QVERIFY(sendSandbox(pair.ends[1], SandboxMessage::Type::Stopped, {}));
        const auto first = receiveSandbox(pair.ends[0]), second = receiveSandbox(pair.ends[0]);
        QVERIFY(first && first->type == SandboxMessage::Type::Ready && first->payload == "10");
        QVERIFY(second && second->type == SandboxMessage::Type::Stopped && second->payload.empty());
    }

    void brokenOff_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::newRow("nothing") << QByteArray();
        QTest::newRow("half a header") << QByteArray("R\1\0", 3);
        QTest::newRow("half a payload") << QByteArray("R\4\0\0\0ab", 7);
        QTest::newRow("too long") << QByteArray("R\0\0\0\x7f", 5);
    }

    void brokenOff()
    {
        QFETCH(QByteArray, bytes);
        Pair pair;
        pair.endWith({bytes.constData(), static_cast<size_t>(bytes.size())});
        QVERIFY(!receiveSandbox(pair.ends[0]).has_value());
        QVERIFY(!sendSandbox(pair.ends[0], SandboxMessage::Type::Signal, "x"));
    }
};

REGISTER_TEST(TstSandboxLink)
#include "tst_sandbox_link.moc"
