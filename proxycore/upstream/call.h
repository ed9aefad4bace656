// SPDX-License-Identifier: GPL-3.0-only
// One request to a provider and its answer, on a pooled or new connection. What was written is never
// written again: an unknown outcome is reported, not repeated. Owned by its exchange, which deletes it
// only at the end of a turn. Thread: its poller's.
#pragma once

#include "base/recycled.h"
#include "front/body_reader.h"
#include "front/head_rules.h"
#include "upstream/dialler.h"

#include <optional>

namespace llmproxy {

class UpstreamPool;

enum class UpstreamFaultKind {
    Unreachable, // never connected, or broken before a head came
    Timeout,     // connect, first byte or idle
    BadAnswer,   // not HTTP that we relay
    Truncated,   // broken after the head
    Busy,        // not even tried: too many names wait to be resolved
};

struct UpstreamFault
{
    UpstreamFaultKind kind = UpstreamFaultKind::Unreachable;
    Reason reason = Reason::None;
};

class UpstreamEvents
{
public:
    virtual ~UpstreamEvents() = default;
    virtual void onUpstreamHead(ResponseHead &&head, const ResponseFraming &framing) = 0;
    virtual void onUpstreamBody(std::string_view bytes) = 0;
    virtual void onUpstreamRead() = 0; // one read was delivered whole: flush
    virtual void onUpstreamEnd() = 0;
    virtual void onUpstreamFault(const UpstreamFault &fault) = 0;
    virtual void onUpstreamWritable() = 0; // body backlog under the low-water mark
    // The call or one of these threw. The call is over, and says nothing more.
    virtual void onUpstreamBroken() noexcept = 0;
};

struct UpstreamRequest
{
    std::shared_ptr<const DialTarget> target;
    std::string head; // request line and fields, with the empty line
    bool chunkedBody = false;
    bool hasBody = false;
    bool isHead = false;
    int64_t connectTimeoutMs = 0, firstByteTimeoutMs = 0, idleTimeoutMs = 0;
};

class UpstreamCall final : public PollHandler, public Deletable, public Recycled<UpstreamCall>
{
public:
    UpstreamCall(UpstreamPool &pool, UpstreamRequest request, UpstreamEvents &events);
    ~UpstreamCall() override;

    void start();
    void sendBody(std::string_view bytes);
    void endBody();
    size_t backlog() const { return m_out.size() - m_outAt; }
    void pauseReading();
    void resumeReading();
    // Closes the connection at once with RST; no more events.
    void cancel();
    // Clock::steadyUs() of a connection, and of the first byte sent on it; 0: not yet.
    int64_t dialledUs() const { return m_dialledUs; }
    int64_t firstByteUs() const { return m_firstByteUs; }
    // The whole head reached the socket: the provider may have parsed it.
    bool headWritten() const { return m_headWritten; }

    void onReady(uint32_t events) override;
    void onBroken() noexcept override;
    void writeNow(); // the pool's, at the end of a turn

private:
    void connected(std::unique_ptr<UpstreamSocket> socket);
    void writeSome();
    void readSome();
    bool deliver(std::string_view bytes); // false: stop reading
    bool takeHead(std::string_view *bytes);
    void onEof(bool broken);
    void complete();
    void fail(UpstreamFaultKind kind, Reason reason);
    void onTimeout();
    void updateInterest();
    void drop(bool reset);

    UpstreamPool &m_pool;
    UpstreamRequest m_request;
    UpstreamEvents &m_events;
    std::unique_ptr<UpstreamSocket> m_socket;
    uint64_t m_dialId = 0;
    std::string m_out;
    size_t m_outAt = 0;
    size_t m_headLeft = 0, m_headSize = 0; // bytes of the head: not yet written, all
    std::string m_in;      // an incomplete response head
    size_t m_scanned = 0;  // of m_in, searched for the head's end already
    int m_interimHeads = 0;
    BodyReader m_reader;
    Timer m_timer;
    Timer m_again;
    int64_t m_dialledUs = 0, m_firstByteUs = 0;
    int m_keepAliveSeconds = -1;
    bool m_headWritten = false;
    bool m_writesSoon = false;     // in the pool's list for the end of this turn
    bool m_bodyEnded = false;
    bool m_writeBroken = false;
    bool m_full = false;           // the owner waits for onUpstreamWritable()
    bool m_gotHead = false;
    bool m_paused = false;
    bool m_closed = false;
    bool m_reusable = false;
    bool m_leftover = false;
};

// Idle connections of one engine thread, by target.
class UpstreamPool
{
public:
    UpstreamPool(Poller &poller, DialConfig config);
    ~UpstreamPool();
    Poller &poller() { return m_poller; }
    Dialler &dialler() { return m_dialler; }
    std::string &scratch() { return m_scratch; }
    // Output buffers go from request to request: a head is over what malloc keeps at hand.
    std::string takeBuffer();
    void giveBuffer(std::string &&buffer);
    // A connection that has neither an end nor bytes unread right now, inside OpenSSL neither, or null.
    std::unique_ptr<UpstreamSocket> take(const std::string &key);
    // A head waits for the body that comes in the same turn: one send for both.
    void writeAtEndOfTurn(UpstreamCall *call);
    void forget(UpstreamCall *call);
    void put(const std::string &key, std::unique_ptr<UpstreamSocket> socket, int64_t idleMs);
    // Closed at the end of this turn: what it read or wrote may be on the stack.
    void retire(std::unique_ptr<UpstreamSocket> socket);

private:
    class Idle;
    friend class Idle;
    void drop(Idle *idle);

    Poller &m_poller;
    Dialler m_dialler;
    std::string m_scratch;
    std::vector<UpstreamCall *> m_unwritten;
    std::vector<std::unique_ptr<UpstreamSocket>> m_retired;
    std::vector<std::string> m_buffers;
    std::unordered_map<std::string, std::vector<std::unique_ptr<Idle>>> m_idle;
};

} // namespace llmproxy
