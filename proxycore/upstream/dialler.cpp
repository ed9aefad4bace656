// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/dialler.h"

#include "base/clock.h"
#include "upstream/connection.h"

#include <algorithm>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace llmproxy {

DialTarget::DialTarget(BaseUrl base, std::string socketPath)
    : url(std::move(base)), unixSocket(std::move(socketPath)), authority(url.authority()),
      poolKey((url.tls ? "s " : "p ") + authority + " " + unixSocket)
{
}

// A socket while curl is connecting it.
class Dialler::CurlSocket final : public PollHandler, public Deletable
{
public:
    CurlSocket(Dialler &dialler, int fd) : m_dialler(dialler), m_fd(fd) {}
    ~CurlSocket() override { leave(); }
    // At once: curl closes it, and the next one may have the same number.
    void leave()
    {
        if (std::exchange(m_added, false))
            m_dialler.m_poller.remove(m_fd, this);
    }
    void watch(int what)
    {
        const uint32_t events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
        if (m_added)
            m_dialler.m_poller.change(m_fd, events, this);
        else
            m_dialler.m_poller.add(m_fd, events, this);
        m_added = true;
    }
    void onReady(uint32_t events) override
    {
        int what = 0;
        if (events & EPOLLIN)
            what |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
            what |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
            what |= CURL_CSELECT_ERR;
        m_dialler.act(m_fd, what);
    }

private:
    Dialler &m_dialler;
    int m_fd;
    bool m_added = false;
};

Dialler::Dialler(Poller &poller, DialConfig config)
    : m_poller(poller), m_config(std::move(config)), m_proxyAuthorization(llmproxy::proxyAuthorization(m_config.httpProxy)), m_multi(curl_multi_init()),
      m_timer(poller, [this] { act(CURL_SOCKET_TIMEOUT, 0); })
{
    curl_multi_setopt(m_multi, CURLMOPT_SOCKETFUNCTION, &Dialler::onSocket);
    curl_multi_setopt(m_multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(m_multi, CURLMOPT_TIMERFUNCTION, &Dialler::onTimer);
    curl_multi_setopt(m_multi, CURLMOPT_TIMERDATA, this);
}

Dialler::Dial::Dial() = default;
Dialler::Dial::Dial(Dial &&) noexcept = default;
Dialler::Dial::~Dial() = default;

Dialler::~Dialler()
{
    *m_alive = false;
    for (auto &[id, dial] : m_dials)
        forget(dial);
    m_sockets.clear();
    curl_multi_cleanup(m_multi);
}

void Dialler::forget(Dial &dial)
{
    if (dial.ticket != 0)
        m_config.resolver->cancel(dial.ticket);
    if (!dial.easy)
        return;
    curl_multi_remove_handle(m_multi, dial.easy);
    curl_easy_cleanup(dial.easy);
}

uint64_t Dialler::dial(const DialTarget &target, int64_t timeoutMs, Done done)
{
    const uint64_t id = m_nextId++;
    Dial &dial = m_dials[id];
    try {
        dial.done = std::move(done);
        dial.untilUs = Clock::steadyUs() + timeoutMs * 1000;
        dial.plan = std::make_unique<ConnectionPlan>(target, m_config);
        lookUp(id);
    } catch (...) {
        cancel(id); // its caller has no id for that, and may be gone when the answer comes
        throw;
    }
    return id;
}

bool Dialler::isForwarded(const DialTarget &target) const
{
    return !m_config.httpProxy.empty() && isForwardedByProxy(target, m_config);
}

// It threw: what waits for it would wait for ever.
void Dialler::tryFor(uint64_t id, const std::function<void()> &work)
{
    if (!guarded("dialler", work))
        end(id, {false, Reason::InternalError});
}

// It may have been cancelled meanwhile.
void Dialler::end(uint64_t id, DialFailure failure)
{
    const auto found = m_dials.find(id);
    if (found == m_dials.end())
        return;
    Dial dial = std::move(found->second);
    m_dials.erase(found);
    forget(dial);
    dial.done(nullptr, failure);
}

void Dialler::lookUp(uint64_t id)
{
    Dial &dial = m_dials[id];
    if (const Reason reason = dial.plan->refusal(); reason != Reason::None) {
        fail(id, {false, reason});
        return;
    }
    while (const std::string *name = dial.plan->nextName()) {
        const auto told = [this, alive = m_alive, id, number = ++dial.lookUps](const NameAnswer &answer) {
            m_poller.post([this, alive, id, number, answer] {
                if (*alive)
                    tryFor(id, [&] { lookedUp(id, number, answer); });
            });
        };
        if (!dial.patience) // before anybody is asked: who answers stops it
            dial.patience = std::make_unique<Timer>(m_poller, [this, id] { tryFor(id, [this, id] { waitedFor(id); }); });
        const std::optional<NameAnswer> known = m_config.resolver ? m_config.resolver->resolve(*name, told, &dial.ticket) : NameAnswer{};
        if (!known) {
            dial.patience->start(std::clamp<int64_t>((dial.untilUs - Clock::steadyUs()) / 1000, 0, Resolver::patienceMs));
            return;
        }
        if (const Reason reason = dial.plan->take(*known); reason != Reason::None) {
            fail(id, {false, reason});
            return;
        }
    }
    connect(id);
}

// number: which of its look-ups this answers; another one may be under way, or none.
void Dialler::lookedUp(uint64_t id, int number, const NameAnswer &answer)
{
    const auto found = m_dials.find(id);
    if (found == m_dials.end() || found->second.ticket == 0 || found->second.lookUps != number)
        return;
    Dial &dial = found->second;
    dial.ticket = 0;
    dial.patience->stop();
    if (const Reason reason = dial.plan->take(answer); reason != Reason::None)
        fail(id, {false, reason});
    else
        lookUp(id);
}

// A name server that does not answer: the last good answer will do, else it is waited for as long as connecting may take.
void Dialler::waitedFor(uint64_t id)
{
    Dial &dial = m_dials[id];
    if (const auto last = m_config.resolver->lastGood(*dial.plan->nextName())) {
        m_config.resolver->cancel(dial.ticket);
        lookedUp(id, dial.lookUps, *last);
        return;
    }
    const int64_t leftMs = (dial.untilUs - Clock::steadyUs()) / 1000;
    if (leftMs > 0)
        dial.patience->start(leftMs);
    else
        fail(id, {true, Reason::UpstreamConnectTimeout});
}

void Dialler::connect(uint64_t id)
{
    Dial &dial = m_dials[id];
    dial.easy = curl_easy_init();
    dial.plan->prepareConnection(dial.easy);
    curl_easy_setopt(dial.easy, CURLOPT_BUFFERSIZE, 1024L); // curl reads no bodies here
    const int64_t leftMs = (dial.untilUs - Clock::steadyUs()) / 1000;
    curl_easy_setopt(dial.easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max<int64_t>(leftMs, 1)));
    curl_easy_setopt(dial.easy, CURLOPT_PRIVATE, reinterpret_cast<void *>(id));
    curl_multi_add_handle(m_multi, dial.easy);
}

// Later: never from inside dial(), nor from the timer that goes with it.
void Dialler::fail(uint64_t id, DialFailure failure)
{
    m_poller.post([this, alive = m_alive, id, failure] {
        if (*alive)
            end(id, failure);
    });
}

void Dialler::cancel(uint64_t id)
{
    const auto found = m_dials.find(id);
    if (found == m_dials.end())
        return;
    forget(found->second);
    m_dials.erase(found);
}

int Dialler::onSocket(CURL *, curl_socket_t fd, int what, void *self, void *)
{
    auto *dialler = static_cast<Dialler *>(self);
    if (what == CURL_POLL_REMOVE) {
        dialler->forget(fd);
        return 0;
    }
    auto &socket = dialler->m_sockets.try_emplace(fd, dialler->m_poller).first->second;
    if (!socket)
        socket = std::make_unique<CurlSocket>(*dialler, fd);
    socket->watch(what);
    return 0;
}

// Its onReady() may have brought curl to this.
void Dialler::forget(int fd)
{
    const auto found = m_sockets.find(fd);
    if (found == m_sockets.end())
        return;
    found->second->leave();
    found->second.reset();
    m_sockets.erase(found);
}

int Dialler::onTimer(CURLM *, long timeoutMs, void *self)
{
    auto *dialler = static_cast<Dialler *>(self);
    if (timeoutMs < 0)
        dialler->m_timer.stop();
    else
        dialler->m_timer.start(timeoutMs);
    return 0;
}

void Dialler::act(int fd, int events)
{
    int running = 0;
    curl_multi_socket_action(m_multi, fd, events, &running);
    collect();
}

void Dialler::collect()
{
    const std::shared_ptr<bool> alive = m_alive;
    int left = 0;
    while (*alive) {
        const CURLMsg *message = curl_multi_info_read(m_multi, &left);
        if (!message)
            break;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        const CURLcode code = message->data.result;
        void *priv = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &priv);
        const auto found = m_dials.find(reinterpret_cast<uint64_t>(priv));
        if (found == m_dials.end())
            continue;
        Dial dial = std::move(found->second);
        m_dials.erase(found);
        curl_socket_t fd = CURL_SOCKET_BAD;
        if (code == CURLE_OK)
            curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
        if (fd != CURL_SOCKET_BAD) {
            forget(fd);
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (dial.plan->hasTls()) {
                dial.done(std::make_unique<UpstreamSocket>(m_poller, m_multi, easy, fd), {});
                continue;
            }
            // curl closes what it takes for idle, and never sees us read and write here: the socket becomes ours alone.
            const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
            curl_multi_remove_handle(m_multi, easy);
            curl_easy_cleanup(easy);
            dial.done(own < 0 ? nullptr : std::make_unique<UpstreamSocket>(m_poller, own),
                      own < 0 ? DialFailure{false, Reason::UpstreamConnectFailed} : DialFailure{});
            continue;
        }
        curl_multi_remove_handle(m_multi, easy);
        curl_easy_cleanup(easy);
        DialFailure failure;
        failure.timedOut = code == CURLE_OPERATION_TIMEDOUT;
        failure.reason = failure.timedOut ? Reason::UpstreamConnectTimeout
                         : code == CURLE_COULDNT_RESOLVE_HOST ? Reason::UpstreamDns
                         : code == CURLE_COULDNT_CONNECT ? Reason::UpstreamRefused
                         : isCertificateTrouble(code) ? Reason::UpstreamCertificate : Reason::UpstreamConnectFailed;
        dial.done(nullptr, failure);
    }
}

} // namespace llmproxy
