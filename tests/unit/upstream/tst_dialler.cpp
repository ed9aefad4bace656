// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "fake_names.h"
#include "front/listener.h"
#include "front/server.h"
#include "upstream/connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

// A listener on a free loopback port, and the connections that it accepted.
class Listener
{
public:
    Listener()
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        m_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(m_fd, reinterpret_cast<sockaddr *>(&address), size) == 0 && listen(m_fd, 16) == 0
            && getsockname(m_fd, reinterpret_cast<sockaddr *>(&address), &size) == 0)
            m_port = ntohs(address.sin_port);
    }
    ~Listener()
    {
        for (const int fd : m_accepted)
            close(fd);
        close(m_fd);
    }
    uint16_t port() const { return m_port; }
    int accepted() { return m_accepted.emplace_back(accept4(m_fd, nullptr, nullptr, SOCK_CLOEXEC)); }
    void closeLast()
    {
        close(m_accepted.back());
        m_accepted.pop_back();
    }

private:
    int m_fd = -1;
    uint16_t m_port = 0;
    std::vector<int> m_accepted;
};

DialConfig through(const std::string &proxy, const std::string &noProxy = {})
{
    DialConfig config;
    config.httpsProxy = proxy;
    config.noProxy = noProxy;
    return config;
}

} // namespace

class TstDialler : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void aConnectionStaysOursWhateverIsDialledNext();
    void aDeadPeerIsDetected();
    void allAddressesOfANameAreTried_data();
    void allAddressesOfANameAreTried();
    void aNameThatIsNotKnown();
    void theLastGoodAnswerIsUsedWhenALookUpHangs();
    void connectingIncludesTheLookUp();
    void whoCancelsWaitsForNoName();
    void tooManyNames();
    void whatGoesThroughAProxy_data();
    void whatGoesThroughAProxy();
    void whatAProxyForwards();
    void refusedAddressesAreNotDialled_data();
    void refusedAddressesAreNotDialled();
    void anAddressThatIsAllowedIsDialledAlone();
    void aProxyIsAskedForNoRefusedAddress();
    void theProxysNameIsLookedUp_data();
    void theProxysNameIsLookedUp();

private:
    DialFailure dialOnce(const DialTarget &target, int64_t timeoutMs = 10'000);

    std::unique_ptr<test::FakeNames> m_names;
    std::atomic<int64_t> m_nowMs{0};
    std::unique_ptr<Resolver> m_resolver;
    bool m_isConnected = false;
};

void TstDialler::init()
{
    m_names = std::make_unique<test::FakeNames>();
    m_resolver = std::make_unique<Resolver>(m_names->lookUp(), [this] { return m_nowMs.load(); });
}

void TstDialler::cleanup()
{
    m_names->hang(false);
    m_resolver.reset();
}

DialFailure TstDialler::dialOnce(const DialTarget &target, int64_t timeoutMs)
{
    Poller poller;
    DialConfig config;
    config.resolver = m_resolver.get();
    Dialler dialler(poller, config);
    DialFailure failure;
    dialler.dial(target, timeoutMs, [&](std::unique_ptr<UpstreamSocket> socket, const DialFailure &given) {
        m_isConnected = socket != nullptr;
        failure = given;
        poller.stop();
    });
    poller.run();
    return failure;
}

// Ruling 61, on both legs: the one that is dialled, and the one that a listener of ours accepts.
void TstDialler::aDeadPeerIsDetected()
{
    uint16_t port = 0;
    ListenProblem problem;
    const int listener = openTcpListener({*IpAddress::parse("127.0.0.1")}, &port, &problem);
    QVERIFY2(listener >= 0, problem.text.c_str());
    Poller poller;
    Dialler dialler(poller, {});
    std::unique_ptr<UpstreamSocket> dialled;
    dialler.dial(DialTarget({false, "127.0.0.1", port, ""}, ""), 5'000, [&](std::unique_ptr<UpstreamSocket> socket, const DialFailure &) {
        dialled = std::move(socket);
        poller.stop();
    });
    poller.run();
    QVERIFY(dialled);
    const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const auto option = [](int fd, int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        getsockopt(fd, level, name, &value, &size);
        return value;
    };
    for (const int fd : {dialled->fd(), accepted}) {
        QCOMPARE(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        QCOMPARE(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
        QCOMPARE(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 30);
        QCOMPARE(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
        QCOMPARE(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 180'000);
    }
    close(accepted);
    close(listener);
}

// libcurl closes connections that it takes for idle when it dials the next one; with a descriptor of the same number
// two requests would then share one socket.
void TstDialler::aConnectionStaysOursWhateverIsDialledNext()
{
    Poller poller;
    Dialler dialler(poller, {});
    Listener listener;
    const DialTarget target({false, "127.0.0.1", listener.port(), ""}, "");
    std::vector<std::unique_ptr<UpstreamSocket>> made;
    std::function<void()> dialNext = [&] {
        dialler.dial(target, 5'000, [&](std::unique_ptr<UpstreamSocket> socket, const DialFailure &) {
            made.push_back(std::move(socket));
            const int accepted = listener.accepted();
            if (made.size() == 1)
                listener.closeLast(); // its end is there, and not read yet
            else
                QCOMPARE(send(accepted, "other", 5, MSG_NOSIGNAL), ssize_t{5});
            made.size() < 9 ? dialNext() : poller.stop();
        });
    };
    dialNext();
    poller.run();
    QCOMPARE(made.size(), size_t{9});
    const UpstreamSocket &first = *made.front();
    for (size_t i = 1; i < made.size(); ++i)
        QVERIFY(made[i]->fd() != first.fd());
    char byte = 0;
    QCOMPARE(made.front()->read(&byte, 1), ssize_t{0}); // its own end, not what another was sent
}

void TstDialler::allAddressesOfANameAreTried_data()
{
    QTest::addColumn<QString>("host");
    QTest::newRow("a name") << QStringLiteral("upstream.test");
    QTest::newRow("with a dot") << QStringLiteral("upstream.test.");
}

// Nobody listens at the first address. libcurl asks nobody itself: this name is known here alone.
void TstDialler::allAddressesOfANameAreTried()
{
    QFETCH(const QString, host);
    Listener listener;
    m_names->answer(host.toStdString(), {"127.0.0.77", "127.0.0.1"});
    for (int i = 0; i < 2; ++i) {
        QCOMPARE(dialOnce(DialTarget({false, host.toStdString(), listener.port(), ""}, "")).reason, Reason::None);
        QVERIFY(m_isConnected);
    }
    QCOMPARE(m_names->lookUps(host.toStdString()), 1);
}

void TstDialler::aNameThatIsNotKnown()
{
    const DialFailure failure = dialOnce(DialTarget({true, "nowhere.test", 443, ""}, ""));
    QCOMPARE(failure.reason, Reason::UpstreamDns);
    QVERIFY(!failure.timedOut && !m_isConnected);
}

void TstDialler::theLastGoodAnswerIsUsedWhenALookUpHangs()
{
    Listener listener;
    const DialTarget target({false, "upstream.test", listener.port(), ""}, "");
    m_names->answer("upstream.test", {"127.0.0.1"});
    QCOMPARE(dialOnce(target).reason, Reason::None);
    m_nowMs += Resolver::keptMs;
    m_names->hang(true);
    QCOMPARE(dialOnce(target).reason, Reason::None);
    QVERIFY(m_isConnected);
}

void TstDialler::connectingIncludesTheLookUp()
{
    m_names->hang(true);
    const DialFailure failure = dialOnce(DialTarget({true, "upstream.test", 443, ""}, ""), 20);
    QVERIFY(failure.timedOut);
    QCOMPARE(failure.reason, Reason::UpstreamConnectTimeout);
}

void TstDialler::whoCancelsWaitsForNoName()
{
    Poller poller;
    DialConfig config;
    config.resolver = m_resolver.get();
    Dialler dialler(poller, config);
    m_names->hang(true);
    bool isTold = false;
    const uint64_t id = dialler.dial(DialTarget({true, "upstream.test", 443, ""}, ""), 10'000, [&](std::unique_ptr<UpstreamSocket>, const DialFailure &) { isTold = true; });
    QVERIFY(m_names->waitRunning(1));
    dialler.cancel(id);
    m_names->hang(false);
    QVERIFY(m_names->waitLookUps("upstream.test", 1));
    QCOMPARE(m_resolver->wait("another.test", 10'000, [] { return false; }).kind, NameAnswer::Kind::Failed); // it has told all before
    poller.post([&] { poller.stop(); });
    poller.run();
    QVERIFY(!isTold);
}

void TstDialler::tooManyNames()
{
    m_names->hang(true);
    uint64_t ticket = 0;
    for (size_t i = 0; i < Resolver::threadCount + Resolver::mostQueued; ++i) {
        QVERIFY(!m_resolver->resolve("name-" + std::to_string(i) + ".test", [](const NameAnswer &) {}, &ticket));
        if (i + 1 == Resolver::threadCount)
            QVERIFY(m_names->waitRunning(Resolver::threadCount));
    }
    QCOMPARE(dialOnce(DialTarget({true, "upstream.test", 443, ""}, "")).reason, Reason::UpstreamResolverBusy);
}

void TstDialler::whatGoesThroughAProxy_data()
{
    QTest::addColumn<QString>("url");
    QTest::addColumn<QString>("noProxy");
    QTest::addColumn<bool>("expected");
    const auto row = [](const char *url, const char *noProxy, bool expected) {
        QTest::addRow("%s without %s", url, noProxy) << QString::fromUtf8(url) << QString::fromUtf8(noProxy) << expected;
    };
    row("https://api.example.com", "", true);
    row("http://api.example.com", "", false); // HTTPS_PROXY is for https
    row("https://127.0.0.1", "", false);
    row("https://0x7f.1", "", false);
    row("https://[::1]:8443", "", false);
    row("https://localhost", "", false);
    row("https://Demo.LocalHost.", "", false);
    row("https://127.evil.example", "", true); // a name, and not this machine
    row("https://localhost.evil.example", "", true);
    row("https://api.example.com", "*", false);
    row("https://api.example.com", "*,other.org", true); // curl: alone only
    row("https://api.example.com", "example.com", false);
    row("https://api.example.com", ".example.com", false);
    row("https://API.example.com.", "other.org, Example.COM", false);
    row("https://myexample.com", "example.com", true);
    row("https://api.example.com", "other.org api.example.com", false);
    row("https://10.1.2.3", "10.0.0.0/8", false);
    row("https://10.1.2.3", "10.1.2.3", false);
    row("https://11.1.2.3", "10.0.0.0/8", true);
    row("https://10.example.com", "10.0.0.0/8", true);
    row("https://[fd00::7]", "fd00::/8", false);
    row("https://[fd00::7]", "[fd00::7]", false);
}

void TstDialler::whatGoesThroughAProxy()
{
    QFETCH(const QString, url);
    QFETCH(const QString, noProxy);
    const Result<BaseUrl> base = parseBaseUrl(url.toStdString());
    QVERIFY2(base.ok(), base ? "" : base.error().message.c_str());
    DialConfig config = through("http://proxy.test:3128", noProxy.toStdString());
    QTEST(!proxyFor(DialTarget(*base, ""), config).empty(), "expected");
    QVERIFY(proxyFor(DialTarget(*base, ""), {}).empty());
    config.httpProxy = std::exchange(config.httpsProxy, {}); // the same for the other scheme
    BaseUrl other = *base;
    other.tls = !other.tls;
    QTEST(!proxyFor(DialTarget(other, ""), config).empty(), "expected");
    QVERIFY(proxyFor(DialTarget(*base, ""), config).empty() || !base->tls);
}

// RFC 9112 section 3.2.2: http:// is for the proxy to forward, as curl asks it to. SOCKS and https:// are tunnels.
void TstDialler::whatAProxyForwards()
{
    const auto forwards = [](bool tls, const char *proxy) {
        DialConfig config;
        config.httpProxy = config.httpsProxy = proxy;
        return isForwardedByProxy(DialTarget({tls, "api.example.com", 80, ""}, ""), config);
    };
    QVERIFY(forwards(false, "http://proxy.test:3128") && forwards(false, "proxy.test:3128") && forwards(false, "https://proxy.test"));
    QVERIFY(!forwards(false, "socks5h://proxy.test") && !forwards(true, "http://proxy.test:3128") && !forwards(false, ""));
    QCOMPARE(proxyAuthorization("http://us%20er:p%40ss@proxy.test"), std::string("Proxy-Authorization: Basic dXMgZXI6cEBzcw==\r\n"));
    QCOMPARE(proxyAuthorization("proxy.test:3128"), std::string());
    QCOMPARE(proxyAuthorization(""), std::string());
}

void TstDialler::theProxysNameIsLookedUp_data()
{
    QTest::addColumn<QString>("proxy");
    QTest::addColumn<QStringList>("names"); // in this order
    const QStringList one{QStringLiteral("proxy.test")}, both{QStringLiteral("proxy.test"), QStringLiteral("api.example.com")};
    QTest::newRow("http") << QStringLiteral("http://user:secret@Proxy.test:3128") << one;
    QTest::newRow("without scheme") << QStringLiteral("proxy.test:3128") << one;
    QTest::newRow("socks5h") << QStringLiteral("socks5h://proxy.test") << one;
    QTest::newRow("socks5") << QStringLiteral("socks5://proxy.test") << both; // this side gives it an address
    QTest::newRow("an address") << QStringLiteral("http://192.0.2.1:3128") << QStringList();
}

void TstDialler::theProxysNameIsLookedUp()
{
    QFETCH(const QString, proxy);
    ConnectionPlan plan(DialTarget({true, "api.example.com", 443, ""}, ""), through(proxy.toStdString()));
    QStringList names;
    while (const std::string *name = plan.nextName()) {
        names.append(QString::fromStdString(*name));
        QCOMPARE(plan.take({NameAnswer::Kind::Found, {*IpAddress::parse("192.0.2.1")}}), Reason::None);
    }
    QTEST(names, "names");
}

void TstDialler::refusedAddressesAreNotDialled_data()
{
    QTest::addColumn<bool>("tls");
    QTest::addColumn<QString>("host");
    QTest::addColumn<QString>("address"); // of a name
    QTest::addColumn<Reason>("reason");
    const auto row = [](const char *what, bool tls, const char *host, const char *address, Reason reason) {
        QTest::newRow(what) << tls << QString::fromLatin1(host) << QString::fromLatin1(address) << reason;
    };
    row("metadata", true, "169.254.169.254", "", Reason::UpstreamMetadataAddress);
    row("metadata, a name", true, "a.test", "169.254.169.254", Reason::UpstreamMetadataAddress);
    row("metadata, NAT64", true, "a.test", "64:ff9b::a9fe:a9fe", Reason::UpstreamMetadataAddress);
    row("link-local", false, "169.254.1.1", "", Reason::UpstreamLinkLocalAddress);
    row("link-local, a name", true, "a.test", "fe80::1", Reason::UpstreamLinkLocalAddress);
    row("clear and public", false, "192.0.2.1", "", Reason::UpstreamInsecureAddress);
    row("clear and public, a name", false, "a.test", "192.0.2.1", Reason::UpstreamInsecureAddress);
    row("clear and not of this machine", false, "127.evil.test", "192.0.2.1", Reason::UpstreamInsecureAddress);
}

void TstDialler::refusedAddressesAreNotDialled()
{
    QFETCH(const bool, tls);
    QFETCH(const QString, host);
    QFETCH(const QString, address);
    if (!address.isEmpty())
        m_names->answer(host.toStdString(), {address.toStdString()});
    const DialFailure failure = dialOnce(DialTarget({tls, host.toStdString(), 443, ""}, ""));
    QTEST(failure.reason, "reason");
    QVERIFY(!m_isConnected && !failure.timedOut);
}

void TstDialler::anAddressThatIsAllowedIsDialledAlone()
{
    Listener listener;
    m_names->answer("upstream.test", {"169.254.169.254", "192.0.2.1", "127.0.0.1"});
    QCOMPARE(dialOnce(DialTarget({false, "upstream.test", listener.port(), ""}, "")).reason, Reason::None);
    QVERIFY(m_isConnected);
}

void TstDialler::aProxyIsAskedForNoRefusedAddress()
{
    const DialConfig remote = through("http://192.0.2.1:3128"), local = through("socks5://192.0.2.1:1080");
    QCOMPARE(ConnectionPlan(DialTarget({true, "169.254.169.254", 443, ""}, ""), remote).refusal(), Reason::UpstreamMetadataAddress);
    QCOMPARE(ConnectionPlan(DialTarget({true, "192.0.2.9", 443, ""}, ""), remote).refusal(), Reason::None);
    ConnectionPlan plan(DialTarget({true, "a.test", 443, ""}, ""), local); // this side looks the name up
    QCOMPARE(plan.refusal(), Reason::None);
    QCOMPARE(*plan.nextName(), std::string("a.test"));
    QCOMPARE(plan.take({NameAnswer::Kind::Found, {*IpAddress::parse("169.254.169.254")}}), Reason::UpstreamMetadataAddress);
}

REGISTER_TEST(TstDialler)
#include "tst_dialler.moc"
