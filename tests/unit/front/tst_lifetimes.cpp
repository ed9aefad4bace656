// SPDX-License-Identifier: GPL-3.0-only
// Whatever a handler or a feed calls on its stream, it is still there when the call returns.
#include "test_registry.h"

#include "front/listener.h"
#include "front/management_door.h"
#include "front/server.h"

#include <QScopeGuard>
#include <QTemporaryDir>

#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

// What a test knows of an object that may be gone.
struct Life
{
    int calls = 0; // that it made and that have not returned
    bool isOver = false, endedInCall = false, wasCalledBack = false;
    int writable = 0, gone = 0, faults = 0;
    std::function<void()> onEnd;
    void end()
    {
        if (onEnd)
            onEnd();
        isOver = true;
        endedInCall = endedInCall || calls > 0;
    }
    void during(const std::function<void()> &call)
    {
        const auto over = qScopeGuard([this] { --calls; });
        ++calls;
        call();
    }
};

class TestFeed final : public ManagementFeed
{
public:
    TestFeed(ServerStream &stream, Life &life, std::function<void()> onStart) : m_stream(stream), m_life(life), m_onStart(std::move(onStart)) {}
    ~TestFeed() override { m_life.end(); }
    void start() override
    {
        m_stream.sendHead(ResponseHead(), std::nullopt);
        m_onStart();
        tell();
    }
    void tell()
    {
        m_life.during([this] {
            m_stream.sendBody("event: alert\n\n");
            m_stream.flush();
        });
    }

private:
    ServerStream &m_stream;
    Life &m_life;
    std::function<void()> m_onStart;
};

// Does what the test says, and notes what it is told.
class TestHandler final : public RequestHandler
{
public:
    using Act = std::function<void(ServerStream &)>;
    TestHandler(ServerStream &stream, Life &life, Act act) : m_stream(stream), m_life(life), m_act(std::move(act)) {}
    ~TestHandler() override { m_life.end(); }
    void start() override { m_life.during([this] { m_act(m_stream); }); }
    void onBody(std::string_view) override { told(); }
    void onBodyEnd() override { told(); }
    void onBodyFault(const Refusal &fault) override
    {
        ++m_life.faults;
        m_stream.refuse(fault);
    }
    void onWritable() override
    {
        told();
        ++m_life.writable;
    }
    void onClientGone() override { ++m_life.gone; }
    void onShutdown() override {}

private:
    void told()
    {
        m_life.wasCalledBack = m_life.wasCalledBack || m_life.calls > 0;
        if (m_life.gone > 0)
            ++m_life.faults; // who left is not asked anything more
    }
    ServerStream &m_stream;
    Life &m_life;
    Act m_act;
};

} // namespace

class TstLifetimes : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void aFeedOutlivesItsOwnFlush();
    void aFeedOfAClientThatLeftEnds();
    void aHandlerOutlivesEachCall_data();
    void aHandlerOutlivesEachCall();
    void nobodyIsCalledBackFromTheirOwnFlush();
    void whoLeftIsToldNothingMore();
    void whoThrowsIsAnsweredFor_data();
    void whoThrowsIsAnsweredFor();
    void whoThrowsLaterIsClosed_data();
    void whoThrowsLaterIsClosed();

private:
    int client();
    void serve(FrontHooks hooks);
    FrontHooks handlerThat(TestHandler::Act act);
    FrontHooks watchedBy(std::function<void()> onStart);
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Poller> m_poller;
    DoorConfig m_door;
    Life m_life;
    TestFeed *m_feed = nullptr;
    int m_client = -1;
};

void TstLifetimes::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    m_poller = std::make_unique<Poller>();
    m_life = {};
    m_feed = nullptr;
    m_client = -1;
}

int TstLifetimes::client()
{
    const std::string path = m_folder->filePath(QStringLiteral("s")).toStdString();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::string ask = "GET /manage/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (::connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0 || write(fd, ask.data(), ask.size()) < 0)
        qFatal("no connection to the test's own server");
    return fd;
}

// One client asks; runs until somebody stops the poller.
void TstLifetimes::serve(FrontHooks hooks)
{
    Server server(*m_poller, FrontConfig(), std::move(hooks));
    std::string error;
    server.listenOn(openUnixListener(m_folder->filePath(QStringLiteral("s")).toStdString(), &error), true);
    m_client = client();
    m_poller->run();
    close(std::exchange(m_client, -1));
}

FrontHooks TstLifetimes::watchedBy(std::function<void()> onStart)
{
    m_door.openFeed = [this, onStart = std::move(onStart)](const RequestHead &, ServerStream &stream, const std::string &) {
        auto feed = std::make_unique<TestFeed>(stream, m_life, onStart);
        m_feed = feed.get();
        return feed;
    };
    FrontHooks hooks;
    hooks.makeHandler = [this](RequestHead &&head, ServerStream &stream) { return std::make_unique<ManagementDoor>(m_door, std::move(head), stream); };
    return hooks;
}

FrontHooks TstLifetimes::handlerThat(TestHandler::Act act)
{
    FrontHooks hooks;
    hooks.makeHandler = [this, act = std::move(act)](RequestHead &&, ServerStream &stream) { return std::make_unique<TestHandler>(stream, m_life, act); };
    return hooks;
}

void TstLifetimes::aFeedOutlivesItsOwnFlush()
{
    bool endedAfterwards = false;
    serve(watchedBy([&] {
        m_poller->post([&] {
            shutdown(m_client, SHUT_RDWR); // a write fails from here on, and nothing has said so yet
            m_feed->tell();
            m_poller->post([&] {
                endedAfterwards = m_life.isOver;
                m_poller->stop();
            });
        });
    }));
    QVERIFY(!m_life.endedInCall);
    QVERIFY(endedAfterwards);
}

void TstLifetimes::aFeedOfAClientThatLeftEnds()
{
    bool endedAfterwards = false;
    serve(watchedBy([&] {
        shutdown(m_client, SHUT_RDWR); // its first flush finds nobody
        m_poller->post([&] {
            endedAfterwards = m_life.isOver;
            m_poller->stop();
        });
    }));
    QVERIFY(!m_life.endedInCall);
    QVERIFY(endedAfterwards);
}

void TstLifetimes::aHandlerOutlivesEachCall_data()
{
    QTest::addColumn<QString>("call");
    for (const char *call : {"flush", "finish", "abort", "refuse", "flush, left", "finish, left", "refuse, left"})
        QTest::newRow(call) << QString::fromLatin1(call);
}

void TstLifetimes::aHandlerOutlivesEachCall()
{
    QFETCH(QString, call);
    serve(handlerThat([&](ServerStream &stream) {
        if (call.endsWith(QLatin1String("left")))
            shutdown(m_client, SHUT_RDWR);
        if (call.startsWith(QLatin1String("refuse"))) {
            stream.refuse(refusal(Reason::BadRequest, "no"));
        } else if (call == QLatin1String("abort")) {
            stream.abort();
        } else {
            stream.sendHead(ResponseHead(), std::nullopt);
            stream.sendBody("all");
            call.startsWith(QLatin1String("flush")) ? stream.flush() : stream.finish();
        }
        m_poller->stop();
    }));
    QVERIFY(!m_life.endedInCall);
    QVERIFY(m_life.isOver); // with the server at the latest
    QCOMPARE(m_life.faults, 0);
}

void TstLifetimes::nobodyIsCalledBackFromTheirOwnFlush()
{
    const std::string block(4 << 20, 'x'); // more than a socket takes
    serve(handlerThat([&](ServerStream &stream) {
        stream.sendHead(ResponseHead(), std::nullopt);
        stream.sendBody(block);
        stream.flush();
        std::string buffer(1 << 20, '\0');
        while (stream.backlog() > 0) { // the client catches up while its handler still writes
            if (recv(m_client, buffer.data(), buffer.size(), 0) <= 0)
                break;
            stream.flush();
        }
        // The turn after the next: EPOLLOUT has come by then.
        m_poller->post([this] { m_poller->post([this] { m_poller->post([this] { m_poller->stop(); }); }); });
    }));
    QVERIFY(!m_life.wasCalledBack);
    QCOMPARE(m_life.writable, 1);
}

void TstLifetimes::whoLeftIsToldNothingMore()
{
    serve(handlerThat([&](ServerStream &stream) {
        shutdown(m_client, SHUT_RDWR);
        stream.sendHead(ResponseHead(), std::nullopt);
        stream.flush();
        m_poller->post([this] { m_poller->stop(); });
    }));
    QCOMPARE(m_life.gone, 1);
    QCOMPARE(m_life.faults, 0); // onBodyEnd() among them
}

void TstLifetimes::whoThrowsIsAnsweredFor_data()
{
    QTest::addColumn<bool>("hasBegun");
    QTest::newRow("before its answer") << false;
    QTest::newRow("inside its answer") << true;
}

void TstLifetimes::whoThrowsIsAnsweredFor()
{
    QFETCH(bool, hasBegun);
    std::string answer;
    serve(handlerThat([&](ServerStream &stream) {
        if (hasBegun) {
            stream.sendHead(ResponseHead(), std::nullopt);
            stream.sendBody("half");
            stream.flush();
        }
        m_poller->post([] { throw std::runtime_error("nor does what is posted"); });
        m_poller->post([&] {
            std::string buffer(64 << 10, '\0');
            const ssize_t got = recv(m_client, buffer.data(), buffer.size(), MSG_DONTWAIT);
            answer = buffer.substr(0, static_cast<size_t>(std::max<ssize_t>(got, 0)));
            m_poller->stop();
        });
        throw std::runtime_error("no memory");
    }));
    QVERIFY(m_life.isOver);
    if (hasBegun)
        QVERIFY(!answer.empty() && answer.find("0\r\n\r\n") == std::string::npos); // it does not look whole
    else
        QVERIFY2(answer.starts_with("HTTP/1.1 500 "), answer.c_str());
}

void TstLifetimes::whoThrowsLaterIsClosed_data()
{
    QTest::addColumn<bool>("hasBegun");
    QTest::addColumn<bool>("byTimer");
    for (const bool hasBegun : {false, true}) {
        for (const bool byTimer : {false, true})
            QTest::addRow("%s, %s", hasBegun ? "inside its answer" : "before its answer", byTimer ? "a timer" : "posted work") << hasBegun << byTimer;
    }
}

// Out of what a handler left to be called later: the connection goes, and all that counted it.
void TstLifetimes::whoThrowsLaterIsClosed()
{
    QFETCH(bool, hasBegun);
    QFETCH(bool, byTimer);
    std::unique_ptr<Timer> timer;
    Timer late(*m_poller, [this] { m_poller->stop(); });
    late.start(10'000);
    FrontHooks hooks = handlerThat([&](ServerStream &stream) {
        if (hasBegun) {
            stream.sendHead(ResponseHead(), std::nullopt);
            stream.sendBody("half");
            stream.flush();
        }
        const auto fails = [] { throw std::runtime_error("no memory"); };
        timer = std::make_unique<Timer>(*m_poller, fails, &stream.breakable());
        if (byTimer)
            timer->start(1);
        else
            m_poller->post([&stream, fails] { runFor(&stream.breakable(), fails); });
    });
    hooks.makeHandler = [this, inner = std::move(hooks.makeHandler)](RequestHead &&head, ServerStream &stream) {
        m_life.onEnd = [this] { m_poller->post([this] { m_poller->stop(); }); };
        return inner(std::move(head), stream);
    };
    serve(std::move(hooks));
    QVERIFY(late.isActive()); // it ended by itself
    QVERIFY(m_life.isOver);
    QVERIFY(!m_life.endedInCall);
    QCOMPARE(m_life.faults, 1);
}

REGISTER_TEST(TstLifetimes)
#include "tst_lifetimes.moc"
