// SPDX-License-Identifier: GPL-3.0-only
// Both ends of the bench: a provider that answers as fast as it can, and clients that measure.
//   bench_peer upstream PORT [CERTIFICATE KEY]
//       answers 0.5 kB of JSON; with X-Chunks: N and X-Every: MS a stream of N events, each with the time it was sent
//   bench_peer rate PORT TOKEN REQUESTS_PER_SECOND SECONDS CONNECTIONS
//       open loop; prints {"requests","errors","p50_us","p99_us"} of the time from when a request is made to its last byte
//   bench_peer streams PORT TOKEN STREAMS CHUNKS EVERY_MS
//       prints "open" when each stream has its first event, then {"complete","first_p99_us","chunk_p50_us","chunk_p99_us"}
//   bench_peer idle PORT CONNECTIONS
//       opens them, prints "open", holds them until stdin ends
// Thread: one.
#include "base/clock.h"
#include "front/listener.h"
#include "front/server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

const std::string answerBody = R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":")"
                               + std::string(280, 'x') + R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}})";

int64_t numberOf(const RequestHead &head, const char *name)
{
    const std::string_view text = head.headers.value(name);
    return text.empty() ? 0 : std::atoll(std::string(text).c_str());
}

class Provider final : public RequestHandler
{
public:
    Provider(const RequestHead &head, ServerStream &stream)
        : m_stream(stream), m_left(numberOf(head, "x-chunks")), m_everyMs(numberOf(head, "x-every")), m_timer(stream.poller(), [this] { next(); })
    {
    }
    void start() override {}
    void onBody(std::string_view) override {}
    void onBodyEnd() override
    {
        ResponseHead head;
        head.status = 200;
        if (m_left > 0) {
            head.headers.add("Content-Type", "text/event-stream");
            m_stream.sendHead(head, std::nullopt);
            next();
            return;
        }
        head.headers.add("Content-Type", "application/json");
        m_stream.sendHead(head, static_cast<int64_t>(answerBody.size()));
        m_stream.sendBody(answerBody);
        m_stream.finish();
    }
    void onBodyFault(const Refusal &fault) override { m_stream.refuse(fault); }
    void onWritable() override {}
    void onClientGone() override { m_timer.stop(); }
    void onShutdown() override { m_timer.stop(); }

private:
    void next()
    {
        if (m_left-- <= 0) {
            m_stream.finish();
            return;
        }
        char text[160];
        const int size = std::snprintf(text, sizeof text, "data: {\"t\":%020lld,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"token of text\"}}]}\n\n",
                                       static_cast<long long>(Clock::steadyUs()));
        m_stream.sendBody({text, static_cast<size_t>(size)});
        m_stream.flush();
        m_timer.start(m_everyMs);
    }

    ServerStream &m_stream;
    int64_t m_left, m_everyMs;
    Timer m_timer;
};

int serveUpstream(uint16_t port, const char *certificate, const char *key)
{
    Poller poller;
    FrontConfig config;
    config.allowedHosts = {"*"};
    config.keepaliveTimeoutMs = 600'000;
    std::unique_ptr<TlsContext> tls;
    if (certificate) {
        auto made = TlsContext::create({certificate, key, "1.2", ""});
        if (!made)
            return std::fprintf(stderr, "%s\n", made.error().message.c_str()), 1;
        tls = std::move(*made);
        config.tls = tls.get();
    }
    FrontHooks hooks;
    hooks.makeHandler = [](RequestHead &&head, ServerStream &stream) { return std::make_unique<Provider>(head, stream); };
    Server server(poller, config, hooks);
    ListenProblem problem;
    const int fd = openTcpListener({*IpAddress::parse("127.0.0.1"), port}, &port, &problem);
    if (fd < 0)
        return std::fprintf(stderr, "%s\n", problem.text.c_str()), 1;
    server.listenOn(fd, false);
    std::puts("ready");
    std::fflush(stdout);
    poller.run();
    return 0;
}

int dial(uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    // One source address has 28,000 ports: many connections are spread over the loopback network.
    static uint32_t next = 0;
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(0x7f000002u + next++ % 64);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr *>(&source), sizeof source) != 0 || connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
        std::perror("connect");
        std::exit(1);
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

std::string requestText(const std::string &token, int64_t chunks, int64_t everyMs)
{
    const std::string body = R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say something."}]})";
    std::string text = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token
                       + "\r\nContent-Type: application/json\r\nUser-Agent: bench\r\nAccept: application/json\r\n";
    if (chunks > 0)
        text += "X-Chunks: " + std::to_string(chunks) + "\r\nX-Every: " + std::to_string(everyMs) + "\r\n";
    return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

long long percentile(std::vector<int64_t> &values, double part)
{
    if (values.empty())
        return -1;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<size_t>(static_cast<double>(values.size()) * part))];
}

// Reads answers off one connection: with Content-Length, or chunked to the last chunk.
class Client : public PollHandler
{
public:
    Client(Poller &poller, uint16_t port) : m_poller(poller), m_fd(dial(port)) { m_poller.add(m_fd, EPOLLIN, this); }
    ~Client() override
    {
        m_poller.remove(m_fd, this);
        close(m_fd);
    }
    void send(const std::string &text)
    {
        m_in.clear();
        if (::send(m_fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
            ended(false);
    }
    void onReady(uint32_t) override
    {
        char buffer[16384];
        const ssize_t got = recv(m_fd, buffer, sizeof buffer, 0);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) {
                m_poller.remove(m_fd, this);
                ended(false);
            }
            return;
        }
        m_in.append(buffer, static_cast<size_t>(got));
        received();
        const size_t head = m_in.find("\r\n\r\n");
        if (head == std::string::npos)
            return;
        const size_t length = m_in.find("Content-Length: ");
        if (length < head) {
            if (m_in.size() >= head + 4 + static_cast<size_t>(std::atoll(m_in.c_str() + length + 16)))
                ended(m_in.compare(9, 3, "200") == 0);
        } else if (m_in.size() > 5 && m_in.compare(m_in.size() - 5, 5, "0\r\n\r\n") == 0) {
            ended(m_in.compare(9, 3, "200") == 0);
        }
    }

protected:
    virtual void received() {}
    virtual void ended(bool good) = 0;
    Poller &m_poller;
    int m_fd;
    std::string m_in;
};

// ---- rate

class RateClient final : public Client
{
public:
    using Free = std::function<void(RateClient *, bool)>;
    RateClient(Poller &poller, uint16_t port, Free free) : Client(poller, port), m_free(std::move(free)) {}
    int64_t dueUs = 0;

private:
    void ended(bool good) override { m_free(this, good); }
    Free m_free;
};

int runRate(uint16_t port, const std::string &token, int64_t perSecond, int64_t seconds, int count)
{
    Poller poller;
    const std::string text = requestText(token, 0, 0);
    std::vector<int64_t> times;
    int64_t errors = 0, begun = 0, done = 0;
    const int64_t total = perSecond * seconds;
    std::deque<int64_t> waiting;
    std::vector<RateClient *> idle;
    const int64_t startUs = Clock::steadyUs() + 100'000;
    const auto begin = [&](RateClient *client, int64_t due) {
        client->dueUs = due;
        client->send(text);
    };
    std::vector<std::unique_ptr<RateClient>> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(std::make_unique<RateClient>(poller, port, [&](RateClient *client, bool good) {
            ++done;
            errors += !good;
            times.push_back(Clock::steadyUs() - client->dueUs);
            if (done == total) {
                poller.stop();
            } else if (waiting.empty()) {
                idle.push_back(client);
            } else {
                const int64_t due = waiting.front();
                waiting.pop_front();
                begin(client, due);
            }
        }));
        idle.push_back(clients.back().get());
    }
    std::function<void()> tick;
    Timer timer(poller, [&] { tick(); });
    tick = [&] {
        while (begun < total && startUs + begun * 1'000'000 / perSecond <= Clock::steadyUs()) {
            // Counted from here: the timer's millisecond is nobody's latency. One that waits for a connection waits.
            const int64_t due = Clock::steadyUs();
            ++begun;
            if (idle.empty()) {
                waiting.push_back(due);
            } else {
                RateClient *client = idle.back();
                idle.pop_back();
                begin(client, due);
            }
        }
        if (begun < total)
            timer.start(1); // spinning would take a whole processor from what is measured
    };
    tick();
    poller.run();
    std::printf("{\"requests\":%lld,\"errors\":%lld,\"p50_us\":%lld,\"p99_us\":%lld}\n", static_cast<long long>(done), static_cast<long long>(errors),
                percentile(times, 0.5), percentile(times, 0.99));
    return 0;
}

// ---- streams

struct StreamTotals
{
    std::vector<int64_t> first, chunk;
    int64_t open = 0, complete = 0, over = 0;
};

class StreamClient final : public Client
{
public:
    StreamClient(Poller &poller, uint16_t port, StreamTotals &totals, int64_t count) : Client(poller, port), m_totals(totals), m_count(count) {}
    void begin(const std::string &text)
    {
        m_sentUs = Clock::steadyUs();
        send(text);
    }

private:
    void received() override
    {
        const int64_t now = Clock::steadyUs();
        while (true) {
            const size_t at = m_in.find("data: {\"t\":", m_seen);
            if (at == std::string::npos || at + 31 > m_in.size())
                break;
            m_seen = at + 31;
            if (m_firstSeen) {
                m_totals.chunk.push_back(now - std::atoll(m_in.c_str() + at + 11));
            } else {
                m_firstSeen = true;
                m_totals.first.push_back(now - m_sentUs);
                if (++m_totals.open == m_count) {
                    std::puts("open");
                    std::fflush(stdout);
                }
            }
        }
        const size_t head = m_in.find("\r\n\r\n");
        if (head != std::string::npos && m_seen > head + 64) { // a long stream is not kept
            const size_t drop = m_seen - (head + 4);
            m_in.erase(head + 4, drop);
            m_seen -= drop;
        }
    }
    void ended(bool good) override
    {
        m_totals.complete += good;
        if (++m_totals.over == m_count)
            m_poller.stop();
    }

    StreamTotals &m_totals;
    int64_t m_count;
    int64_t m_sentUs = 0;
    size_t m_seen = 0;
    bool m_firstSeen = false;
};

int runStreams(uint16_t port, const std::string &token, int count, int64_t chunks, int64_t everyMs)
{
    Poller poller;
    StreamTotals totals;
    const std::string text = requestText(token, chunks, everyMs);
    std::vector<std::unique_ptr<StreamClient>> clients;
    Timer timer(poller, [&] {
        // Begun over one interval, so that the chunks do not all come at once.
        const size_t some = std::max<size_t>(1, static_cast<size_t>(count) / static_cast<size_t>(std::max<int64_t>(everyMs, 1)));
        for (size_t i = 0; i < some && clients.size() < static_cast<size_t>(count); ++i) {
            clients.push_back(std::make_unique<StreamClient>(poller, port, totals, count));
            clients.back()->begin(text);
        }
        if (clients.size() < static_cast<size_t>(count))
            timer.start(1);
    });
    timer.start(0);
    poller.run();
    std::printf("{\"complete\":%lld,\"first_p50_us\":%lld,\"first_p99_us\":%lld,\"chunk_p50_us\":%lld,\"chunk_p99_us\":%lld}\n", static_cast<long long>(totals.complete),
                percentile(totals.first, 0.5), percentile(totals.first, 0.99), percentile(totals.chunk, 0.5), percentile(totals.chunk, 0.99));
    return 0;
}

int holdIdle(uint16_t port, int count)
{
    std::vector<int> open;
    for (int i = 0; i < count; ++i)
        open.push_back(dial(port));
    std::puts("open");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    for (const int fd : open)
        close(fd);
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); // OpenSSL writes to a client that has left
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const std::string role = argc > 2 ? argv[1] : "";
    const auto port = static_cast<uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0);
    if (role == "upstream")
        return serveUpstream(port, argc > 4 ? argv[3] : nullptr, argc > 4 ? argv[4] : nullptr);
    if (role == "rate" && argc == 7)
        return runRate(port, argv[3], std::atoll(argv[4]), std::atoll(argv[5]), std::atoi(argv[6]));
    if (role == "streams" && argc == 7)
        return runStreams(port, argv[3], std::atoi(argv[4]), std::atoll(argv[5]), std::atoll(argv[6]));
    if (role == "idle" && argc == 4)
        return holdIdle(port, std::atoi(argv[3]));
    std::fprintf(stderr, "see the head of tests/bench/peer.cpp\n");
    return 2;
}
