// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/call.h"

#include "front/stream.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

// Enough for an agent's parallel calls; more are closed after use.
constexpr size_t maxIdlePerTarget = 64;
// As many as finish in one turn; each keeps a page from going back to the system after a wave.
constexpr size_t maxBuffers = 16;

} // namespace

// Waits in the epoll set: anything that happens to an idle connection is its end, but for TLS's own messages: session tickets may come
// long after the handshake.
class UpstreamPool::Idle final : public PollHandler
{
public:
    Idle(UpstreamPool &pool, std::string key, std::unique_ptr<UpstreamSocket> socket, int64_t idleMs)
        : m_pool(pool), m_key(std::move(key)), m_socket(std::move(socket)), m_timer(pool.m_poller, [this] { m_pool.drop(this); })
    {
        m_socket->setOwner(this);
        m_timer.start(idleMs);
    }
    std::unique_ptr<UpstreamSocket> release()
    {
        m_socket->setOwner(nullptr);
        return std::move(m_socket);
    }
    void onReady(uint32_t events) override
    {
        if ((events & ~static_cast<uint32_t>(EPOLLIN)) || !m_socket->mayHoldBytes() || !m_socket->isQuiet())
            m_pool.drop(this);
    }
    void onBroken() noexcept override { m_socket->watch(0); } // its time closes it
    const std::string &key() const { return m_key; }

private:
    UpstreamPool &m_pool;
    std::string m_key;
    std::unique_ptr<UpstreamSocket> m_socket;
    Timer m_timer;
};

UpstreamPool::UpstreamPool(Poller &poller, DialConfig config)
    : m_poller(poller), m_dialler(poller, std::move(config)), m_scratch(64 * 1024, '\0')
{
}

UpstreamPool::~UpstreamPool()
{
    m_idle.clear();
    m_retired.clear(); // before the dialler, whose curl they are of
}

std::unique_ptr<UpstreamSocket> UpstreamPool::take(const std::string &key)
{
    auto &list = m_idle[key];
    while (!list.empty()) {
        std::unique_ptr<UpstreamSocket> socket = list.back()->release();
        list.pop_back();
        if (socket->isQuiet()) // else an end or stray bytes since the last turn of the loop
            return socket;
    }
    return nullptr;
}

std::string UpstreamPool::takeBuffer()
{
    std::string buffer;
    if (!m_buffers.empty()) {
        buffer = std::move(m_buffers.back());
        m_buffers.pop_back();
    }
    return buffer;
}

void UpstreamPool::giveBuffer(std::string &&buffer)
{
    if (buffer.capacity() > lowWaterBytes || m_buffers.size() >= maxBuffers)
        return;
    buffer.assign(buffer.capacity(), '\0'); // the provider's key stood in it
    buffer.clear();
    m_buffers.push_back(std::move(buffer));
}

void UpstreamPool::writeAtEndOfTurn(UpstreamCall *call)
{
    if (m_unwritten.empty())
        m_poller.defer([this] {
            const std::vector<UpstreamCall *> calls = std::exchange(m_unwritten, {});
            for (UpstreamCall *one : calls)
                runFor(one, [one] { one->writeNow(); });
        });
    m_unwritten.push_back(call);
}

void UpstreamPool::forget(UpstreamCall *call)
{
    std::erase(m_unwritten, call);
}

void UpstreamPool::put(const std::string &key, std::unique_ptr<UpstreamSocket> socket, int64_t idleMs)
{
    auto &list = m_idle[key];
    if (list.size() < maxIdlePerTarget)
        list.push_back(std::make_unique<Idle>(*this, key, std::move(socket), idleMs));
    else
        retire(std::move(socket));
}

void UpstreamPool::retire(std::unique_ptr<UpstreamSocket> socket)
{
    socket->setOwner(nullptr);
    if (m_retired.empty())
        m_poller.defer([this] { m_retired.clear(); });
    m_retired.push_back(std::move(socket));
}

void UpstreamPool::drop(Idle *idle)
{
    auto &list = m_idle[idle->key()];
    const auto found = std::find_if(list.begin(), list.end(), [idle](const auto &item) { return item.get() == idle; });
    if (found == list.end())
        return;
    std::shared_ptr<Idle> dying(std::move(*found)); // it is on the stack
    list.erase(found);
    m_poller.defer([dying] {});
}

} // namespace llmproxy
