// SPDX-License-Identifier: GPL-3.0-only
// Opens connections to providers with libcurl: happy eyeballs, proxies and verified TLS are its work (CURLOPT_CONNECT_ONLY through the multi
// interface); names and HTTP are ours. One per engine thread, on its epoll set. Thread: its poller's.
#pragma once

#include "access/host_rules.h"
#include "base/reason.h"
#include "front/poller.h"
#include "upstream/profile.h"
#include "upstream/upstream_socket.h"

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace llmproxy {

class ConnectionPlan;
class Resolver;
struct NameAnswer;

struct DialConfig
{
    std::string httpsProxy, httpProxy, noProxy, caFile; // HTTPS_PROXY and HTTP_PROXY, else ALL_PROXY; NO_PROXY, SSL_CERT_FILE
    HostRules hosts;
    Resolver *resolver = nullptr;            // outlives all that connect; null: addresses and localhost only
};

// Made once for each base URL: taking one apart for each request cost 3 % of it.
struct DialTarget
{
    BaseUrl url;
    std::string unixSocket;
    std::string authority; // of url
    std::string poolKey;

    DialTarget() = default;
    DialTarget(BaseUrl base, std::string socketPath);
};

struct DialFailure
{
    bool timedOut = false;
    Reason reason = Reason::None;
};

class Dialler
{
public:
    using Done = std::function<void(std::unique_ptr<UpstreamSocket>, DialFailure)>;
    Dialler(Poller &poller, DialConfig config);
    ~Dialler();

    // Calls done once, never from inside dial(). The id cancels.
    uint64_t dial(const DialTarget &target, int64_t timeoutMs, Done done);
    void cancel(uint64_t id);
    // The connection ends at an HTTP proxy: its requests name the whole URL and carry proxyAuthorization().
    bool isForwarded(const DialTarget &target) const;
    const std::string &proxyAuthorization() const { return m_proxyAuthorization; }

private:
    class CurlSocket;
    struct Dial
    {
        Done done;
        int64_t untilUs = 0;
        std::unique_ptr<ConnectionPlan> plan; // lives as long as its handshake
        CURL *easy = nullptr;                 // null: names are looked up
        std::unique_ptr<Timer> patience;      // while they are
        uint64_t ticket = 0;                  // of the look-up that it waits for
        int lookUps = 0;

        ~Dial();
        Dial();
        Dial(Dial &&) noexcept;
    };
    void forget(int fd);
    void tryFor(uint64_t id, const std::function<void()> &work);
    void lookUp(uint64_t id);
    void lookedUp(uint64_t id, int lookUp, const NameAnswer &answer);
    void waitedFor(uint64_t id);
    void connect(uint64_t id);
    void end(uint64_t id, DialFailure failure);
    void fail(uint64_t id, DialFailure failure);
    void forget(Dial &dial);
    static int onSocket(CURL *easy, curl_socket_t fd, int what, void *self, void *perSocket);
    static int onTimer(CURLM *multi, long timeoutMs, void *self);
    void act(int fd, int events);
    void collect();

    Poller &m_poller;
    DialConfig m_config;
    const std::string m_proxyAuthorization;
    CURLM *m_multi;
    Timer m_timer;
    uint64_t m_nextId = 1;
    std::unordered_map<uint64_t, Dial> m_dials;
    std::unordered_map<int, Posted<CurlSocket>> m_sockets;
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

} // namespace llmproxy
