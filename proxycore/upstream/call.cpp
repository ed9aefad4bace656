// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/call.h"

#include "base/clock.h"
#include "base/threads.h"
#include "front/stream.h"
#include "secrets/secret.h"

#include <charconv>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t maxResponseHead = 256 * 1024;
constexpr size_t maxResponseFields = 1000;
constexpr int maxInterimHeads = 20;
// Shorter than what servers keep idle connections for: a request on a dying one is a 502, never a repeat.
constexpr int64_t defaultIdleMs = 15'000;
// TLS reads in one turn before others get theirs.
constexpr int maxReadsPerTurn = 16;

// "Keep-Alive: timeout=5"
int keepAliveSeconds(const Headers &headers)
{
    const std::string_view value = headers.value("keep-alive");
    const size_t at = value.find("timeout=");
    int seconds = -1;
    if (at != std::string_view::npos)
        std::from_chars(value.data() + at + 8, value.data() + value.size(), seconds);
    return seconds;
}

UpstreamFaultKind kindOf(const DialFailure &failure)
{
    if (failure.reason == Reason::UpstreamResolverBusy)
        return UpstreamFaultKind::Busy;
    return failure.timedOut ? UpstreamFaultKind::Timeout : UpstreamFaultKind::Unreachable;
}

} // namespace

UpstreamCall::UpstreamCall(UpstreamPool &pool, UpstreamRequest request, UpstreamEvents &events)
    : m_pool(pool), m_request(std::move(request)), m_events(events),
      m_reader(BodyReader::Kind::Response, maxResponseHead), m_timer(pool.poller(), [this] { onTimeout(); }, this),
      m_again(pool.poller(), [this] {
          if (!m_closed && !m_paused)
              readSome();
      }, this)
{
}

UpstreamCall::~UpstreamCall()
{
    cancel();
    m_pool.giveBuffer(std::move(m_out));
    if (m_writesSoon)
        m_pool.forget(this);
}

void UpstreamCall::start()
{
    m_out = std::move(m_request.head);
    m_headLeft = m_headSize = m_out.size();
    m_bodyEnded = !m_request.hasBody;
    if (auto socket = m_pool.take(m_request.target->poolKey)) {
        connected(std::move(socket));
        return;
    }
    m_dialId = m_pool.dialler().dial(*m_request.target, m_request.connectTimeoutMs,
                                     [this](std::unique_ptr<UpstreamSocket> socket, const DialFailure &failure) {
                                         m_dialId = 0;
                                         runFor(this, [&] {
                                             if (socket)
                                                 connected(std::move(socket));
                                             else
                                                 fail(kindOf(failure), failure.reason);
                                         });
                                     });
}

void UpstreamCall::connected(std::unique_ptr<UpstreamSocket> socket)
{
    m_socket = std::move(socket);
    m_dialledUs = Clock::steadyUs();
    m_socket->setOwner(this);
    m_timer.start(m_request.firstByteTimeoutMs);
    if (m_bodyEnded || backlog() > m_headLeft) {
        writeSome();
        return;
    }
    m_writesSoon = true;
    m_pool.writeAtEndOfTurn(this);
}

void UpstreamCall::writeNow()
{
    m_writesSoon = false;
    if (m_socket && !m_closed)
        writeSome();
}

void UpstreamCall::sendBody(std::string_view bytes)
{
    if (m_closed || m_writeBroken || bytes.empty())
        return;
    if (m_request.chunkedBody) {
        char size[24];
        const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
        m_out.append(size, static_cast<size_t>(length)).append(bytes).append("\r\n");
    } else {
        m_out.append(bytes);
    }
    if (m_socket)
        writeSome();
    m_full = !m_closed && backlog() > highWaterBytes;
}

void UpstreamCall::endBody()
{
    if (m_closed || m_bodyEnded)
        return;
    m_bodyEnded = true;
    if (m_request.chunkedBody && !m_writeBroken)
        m_out.append("0\r\n\r\n");
    if (m_socket)
        writeSome();
}

void UpstreamCall::writeSome()
{
    while (backlog() > 0 && !m_writeBroken && !m_closed) {
        const ssize_t sent = m_socket->write(m_out.data() + m_outAt, backlog());
        if (sent == -1)
            break;
        if (sent < 0) {
            // The provider may have answered before it closed: read on, write no more.
            m_writeBroken = true;
            m_out.clear();
            m_outAt = 0;
            break;
        }
        m_outAt += static_cast<size_t>(sent);
        if (m_firstByteUs == 0)
            m_firstByteUs = Clock::steadyUs();
        if (!m_headWritten) {
            m_headLeft -= std::min(m_headLeft, static_cast<size_t>(sent));
            m_headWritten = m_headLeft == 0;
            if (m_headWritten)
                wipe(m_out.data(), m_headSize); // the provider's key stood in it, and a stream may last
        }
        if (!m_gotHead)
            m_timer.start(m_request.firstByteTimeoutMs);
    }
    if (backlog() == 0) {
        m_outAt = 0;
        m_out.clear();
        if (m_out.capacity() > lowWaterBytes)
            std::string().swap(m_out);
    } else if (m_outAt > highWaterBytes) {
        m_out.erase(0, m_outAt);
        m_outAt = 0;
    }
    updateInterest();
    if (m_full && backlog() < lowWaterBytes && !m_closed) {
        m_full = false;
        m_events.onUpstreamWritable();
    }
}

void UpstreamCall::updateInterest()
{
    if (!m_socket || m_closed)
        return;
    m_socket->watch((m_paused ? 0u : static_cast<uint32_t>(EPOLLIN | EPOLLRDHUP)) | (backlog() > 0 ? static_cast<uint32_t>(EPOLLOUT) : 0u));
}

void UpstreamCall::onReady(uint32_t events)
{
    if (m_closed)
        return;
    if (events & EPOLLOUT)
        writeSome();
    if (m_closed)
        return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        readSome();
}

void UpstreamCall::onBroken() noexcept
{
    guarded("upstream", [this] { cancel(); });
    m_events.onUpstreamBroken();
}

void UpstreamCall::readSome()
{
    std::string &buffer = m_pool.scratch();
    for (int turn = 0; turn < maxReadsPerTurn && !m_closed; ++turn) {
        const ssize_t got = m_socket->read(buffer.data(), buffer.size());
        if (got == -1)
            return;
        if (got <= 0) {
            onEof(got < 0);
            return;
        }
        if (!deliver({buffer.data(), static_cast<size_t>(got)}))
            return;
        if (!m_socket->mayHoldBytes() || m_paused)
            return;
    }
    if (!m_closed && !m_paused)
        m_again.start(0); // OpenSSL may hold bytes that epoll does not show
}

bool UpstreamCall::deliver(std::string_view bytes)
{
    if (m_gotHead)
        m_timer.start(m_request.idleTimeoutMs);
    while (!m_gotHead && !m_closed) {
        if (!takeHead(&bytes))
            return !m_closed;
    }
    if (m_closed)
        return false;
    const size_t used = m_reader.feed(bytes, [this](std::string_view span) {
        if (!m_closed)
            m_events.onUpstreamBody(span);
    });
    if (m_closed)
        return false;
    if (m_reader.hasFailed()) {
        m_events.onUpstreamRead();
        fail(UpstreamFaultKind::Truncated, Reason::UpstreamBadFraming);
        return false;
    }
    if (m_reader.isComplete()) {
        m_leftover = used < bytes.size();
        complete();
        return false;
    }
    m_events.onUpstreamRead();
    return !m_closed;
}

bool UpstreamCall::takeHead(std::string_view *bytes)
{
    const size_t before = m_in.size();
    m_in.append(*bytes);
    static constexpr std::string_view begin = "HTTP/";
    size_t end = 0;
    const HeadScan scan = scanHead(m_in, m_scanned, &m_scanned, &end);
    if (scan == HeadScan::Bad || m_in.compare(0, begin.size(), begin.substr(0, m_in.size())) != 0) {
        fail(UpstreamFaultKind::BadAnswer, Reason::UpstreamBadHead);
        return false;
    }
    if (scan == HeadScan::NeedMore) {
        if (m_in.size() > maxResponseHead)
            fail(UpstreamFaultKind::BadAnswer, Reason::UpstreamHeadTooLarge);
        return false;
    }
    const size_t size = end;
    bytes->remove_prefix(size - before);
    ResponseHead head;
    ResponseFraming framing;
    const std::string_view text = std::string_view(m_in).substr(0, size);
    if (size > maxResponseHead || !readResponseHead(text, maxResponseFields, &head, &framing) || head.status == 101) {
        fail(UpstreamFaultKind::BadAnswer, Reason::UpstreamBadHead);
        return false;
    }
    if (head.status < 200) { // 100, 103: nothing for our client
        m_in.clear();
        m_scanned = 0;
        if (++m_interimHeads > maxInterimHeads)
            fail(UpstreamFaultKind::BadAnswer, Reason::UpstreamBadHead);
        return !bytes->empty() && !m_closed;
    }
    // RFC 9112 section 6.3: these end with the head, whatever length they name.
    const bool bodyless = m_request.isHead || head.status == 204 || head.status == 304;
    m_reader.begin(framing.chunked && !bodyless, bodyless ? 0 : framing.contentLength);
    std::string().swap(m_in);
    m_gotHead = true;
    m_reusable = framing.keepAlive;
    m_keepAliveSeconds = keepAliveSeconds(head.headers);
    m_timer.start(m_request.idleTimeoutMs);
    m_events.onUpstreamHead(std::move(head), framing);
    if (m_closed)
        return false;
    if (m_reader.isComplete()) {
        m_leftover = !bytes->empty();
        complete();
        return false;
    }
    return true;
}

void UpstreamCall::onEof(bool broken)
{
    if (!m_gotHead) {
        fail(UpstreamFaultKind::Unreachable, broken ? Reason::UpstreamReset : Reason::UpstreamClosed);
        return;
    }
    m_reusable = false;
    if (!broken && m_reader.finish())
        complete();
    else
        fail(UpstreamFaultKind::Truncated, broken ? Reason::UpstreamReset : Reason::UpstreamTruncated);
}

void UpstreamCall::complete()
{
    // What the provider sent beyond its answer would be the next request's, and that may be another project's.
    const bool reuse = m_reusable && !m_leftover && m_bodyEnded && backlog() == 0 && !m_writeBroken && (!m_socket->holdsUnread() || m_socket->isQuiet());
    if (reuse) {
        m_closed = true;
        m_timer.stop();
        m_socket->setOwner(nullptr);
        m_socket->watch(EPOLLIN | EPOLLRDHUP);
        const int64_t idleMs = m_keepAliveSeconds < 0 ? defaultIdleMs : std::min<int64_t>(defaultIdleMs, (m_keepAliveSeconds - 1) * int64_t{1000});
        if (idleMs > 0)
            m_pool.put(m_request.target->poolKey, std::move(m_socket), idleMs);
        else
            m_pool.retire(std::move(m_socket));
    } else {
        drop(false);
    }
    m_events.onUpstreamEnd();
}

void UpstreamCall::fail(UpstreamFaultKind kind, Reason reason)
{
    if (m_closed)
        return;
    drop(true);
    m_events.onUpstreamFault({kind, reason});
}

void UpstreamCall::onTimeout()
{
    if (m_closed)
        return;
    if (m_paused) { // our client is the slow one
        m_timer.start(m_request.idleTimeoutMs);
        return;
    }
    if (m_gotHead)
        fail(UpstreamFaultKind::Timeout, Reason::UpstreamIdleTimeout);
    else
        fail(UpstreamFaultKind::Timeout, Reason::UpstreamFirstByteTimeout);
}

void UpstreamCall::pauseReading()
{
    m_paused = true;
    updateInterest();
}

void UpstreamCall::resumeReading()
{
    if (!m_paused || m_closed)
        return;
    m_paused = false;
    updateInterest();
    if (m_socket && m_socket->mayHoldBytes())
        readSome();
}

void UpstreamCall::cancel()
{
    if (!m_closed)
        drop(true);
}

void UpstreamCall::drop(bool reset)
{
    m_closed = true;
    m_timer.stop();
    m_again.stop();
    if (std::exchange(m_writesSoon, false))
        m_pool.forget(this);
    if (m_dialId != 0) {
        m_pool.dialler().cancel(m_dialId);
        m_dialId = 0;
    }
    if (m_socket) {
        if (reset)
            m_socket->resetOnClose();
        m_pool.retire(std::move(m_socket));
    }
}

} // namespace llmproxy
