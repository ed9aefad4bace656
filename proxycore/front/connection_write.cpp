// SPDX-License-Identifier: GPL-3.0-only
// The writing half of Connection: response framing (RFC 9112 sections 6 and 7), flushing, endings.
#include "front/connection.h"

#include "base/clock.h"
#include "front/server.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace llmproxy {

namespace {

// RFC 9110 section 5.6.7, made once a second and thread.
const std::string &httpDate()
{
    thread_local int64_t second = 0;
    thread_local std::string text;
    const int64_t now = Clock::wallMs() / 1000;
    if (now != second) {
        second = now;
        const auto time = static_cast<time_t>(now);
        tm utc{};
        gmtime_r(&time, &utc);
        char buffer[64];
        strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        text = buffer;
    }
    return text;
}

void appendField(std::string *out, std::string_view name, std::string_view value)
{
    out->append(name).append(": ").append(value).append("\r\n");
}

// What is sent event by event. nginx holds back what it passes on, 4 to 8 KiB of it, unless the answer says otherwise.
bool isEventStream(std::string_view contentType)
{
    static constexpr std::string_view types[] = {"text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson", "application/ndjson", "application/jsonl"};
    const std::string_view type = trimmed(contentType.substr(0, contentType.find(';')));
    return std::any_of(std::begin(types), std::end(types), [type](std::string_view one) { return equalsIgnoreCase(type, one); });
}

constexpr std::string_view exposedHeaders = "X-Request-ID, X-Upstream-Request-ID, X-LLM-Proxy, X-LLM-Proxy-Error, Retry-After, X-RateLimit-Limit, "
                                            "X-RateLimit-Remaining, X-RateLimit-Reset, x-should-retry";

} // namespace

void Connection::sendContinue()
{
    if (m_headSent || m_bodyDone)
        return;
    static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
    m_out.append(line);
    const bool answered = m_answered;
    flush();
    m_answered = answered; // an interim response is no answer
}

void Connection::sendHead(const ResponseHead &head, std::optional<int64_t> contentLength)
{
    const bool bodyless = head.status == 204 || head.status == 304 || head.status < 200;
    m_noBodyOut = bodyless || m_head.method == "HEAD";
    m_chunkedOut = !contentLength && !m_noBodyOut && m_head.minorVersion == 1;
    m_responseLength = contentLength.value_or(-1);
    if (!contentLength && !m_noBodyOut && m_head.minorVersion == 0)
        m_keepAlive = false; // ends with the connection
    // Answered before the body came whole: what is left of it is never read as a request.
    if (m_draining || m_server.isDraining() || !m_bodyDone)
        m_keepAlive = false;
    m_headSent = true;
    m_out.append("HTTP/1.1 ").append(std::to_string(head.status)).append(" ");
    m_out.append(head.reason.empty() ? reasonPhrase(head.status) : std::string_view(head.reason)).append("\r\n");
    const bool isUnbuffered = isEventStream(head.headers.value("content-type")) || (m_asksForStream && head.status == 200);
    bool hasDate = false;
    for (const Header &header : head.headers) {
        if (isUnbuffered && equalsIgnoreCase(header.name, "x-accel-buffering"))
            continue; // for the nginx in front of its provider
        hasDate = hasDate || equalsIgnoreCase(header.name, "date");
        appendField(&m_out, header.name, header.value);
    }
    if (!hasDate)
        appendField(&m_out, "Date", httpDate());
    if (isUnbuffered)
        appendField(&m_out, "X-Accel-Buffering", "no");
    if (!m_origin.empty()) { // fetch.spec.whatwg.org, CORS protocol: also on refusals, or a page cannot read why
        appendField(&m_out, "Access-Control-Allow-Origin", m_origin);
        appendField(&m_out, "Access-Control-Expose-Headers", exposedHeaders);
    }
    if (!m_server.config().corsOrigins.empty())
        appendField(&m_out, "Vary", "Origin");
    if (m_hsts) // RFC 6797 section 7.2: over TLS only; a year
        appendField(&m_out, "Strict-Transport-Security", "max-age=31536000");
    if (contentLength && !(head.status == 204 || head.status < 200))
        appendField(&m_out, "Content-Length", std::to_string(*contentLength));
    else if (m_chunkedOut)
        appendField(&m_out, "Transfer-Encoding", "chunked");
    appendField(&m_out, "X-Request-ID", m_head.requestId);
    appendField(&m_out, "X-LLM-Proxy", "1");
    if (!m_keepAlive)
        appendField(&m_out, "Connection", head.status == 426 ? "close, Upgrade" : "close"); // RFC 9110 section 7.8
    else if (m_head.minorVersion == 0)
        appendField(&m_out, "Connection", "keep-alive");
    m_out.append("\r\n");
}

void Connection::sendBody(std::string_view bytes)
{
    m_responseBytes += static_cast<int64_t>(bytes.size());
    if (bytes.empty() || m_noBodyOut || m_state == State::Closed)
        return;
    if (m_chunkedOut) {
        char size[24];
        const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
        m_out.append(size, static_cast<size_t>(length)).append(bytes).append("\r\n");
    } else {
        m_out.append(bytes);
    }
}

void Connection::flush()
{
    m_sendTo = m_out.size();
    pump(true);
}

// Sends up to where flush() was last called; what was appended since then is held. isFlush: the handler may be on the stack; the
// next EPOLLOUT tells it that it may write, or a fast reader would make it call itself without end.
void Connection::pump(bool isFlush)
{
    if (m_state == State::Closed)
        return;
    while (m_outAt < m_sendTo) {
        const ssize_t sent = m_socket.write(m_out.data() + m_outAt, m_sendTo - m_outAt);
        if (sent == -2) {
            clientGone();
            return;
        }
        if (sent < 0) {
            if (!m_writeDeadline.isActive())
                m_writeDeadline.start(m_server.config().writeTimeoutMs);
            m_owesWritable = true;
            compactOutput();
            updateInterest();
            return;
        }
        m_answered = true;
        m_outAt += static_cast<size_t>(sent);
        if (m_writeDeadline.isActive())
            m_writeDeadline.start(m_server.config().writeTimeoutMs);
    }
    m_writeDeadline.stop();
    compactOutput();
    if (m_state == State::Linger) {
        linger();
        return;
    }
    const bool owed = m_owesWritable && m_handler;
    m_owesWritable = owed && isFlush;
    if (owed || (m_interest & EPOLLOUT))
        updateInterest();
    if (owed && !isFlush)
        m_handler->onWritable();
}

// Thousands of open streams hold no empty buffers, and a slow reader's does not creep.
void Connection::compactOutput()
{
    if (m_outAt == m_out.size()) {
        m_outAt = m_sendTo = 0;
        m_out.clear();
        if (m_out.capacity() > lowWaterBytes)
            std::string().swap(m_out);
    } else if (m_outAt > highWaterBytes) {
        m_out.erase(0, m_outAt);
        m_sendTo -= m_outAt;
        m_outAt = 0;
    }
}

void Connection::finish()
{
    if (m_state == State::Closed || !m_handler)
        return;
    m_handler.reset(); // it lives until the turn ends
    if (m_chunkedOut)
        m_out.append("0\r\n\r\n");
    m_responseDone = true;
    flush();
    if (m_state == State::Closed)
        return;
    if (!m_consuming)
        nextRequest();
}

void Connection::abort()
{
    m_handler.reset();
    closeNow(true);
}

void Connection::refuse(const Refusal &refusal)
{
    if (m_headSent) {
        abort();
        return;
    }
    if (!m_bodyDone)
        m_keepAlive = false;
    const std::string body = refusalBody(m_dialect, refusal);
    ResponseHead head;
    head.status = refusal.status;
    head.headers.add("Content-Type", "application/json");
    head.headers.add("X-LLM-Proxy-Error", std::string(nameOf(refusal.code)));
    head.headers.add("X-Content-Type-Options", "nosniff"); // a refusal can hold a part of what was asked
    if (refusal.retryAfter >= 0)
        head.headers.add("Retry-After", std::to_string(refusal.retryAfter));
    if (refusal.rateLimit >= 0) {
        head.headers.add("X-RateLimit-Limit", std::to_string(refusal.rateLimit));
        head.headers.add("X-RateLimit-Remaining", std::to_string(std::max<int64_t>(refusal.rateRemaining, 0)));
        head.headers.add("X-RateLimit-Reset", std::to_string(std::max<int64_t>(refusal.rateReset, 0)));
    }
    if (refusal.retryIsUseless)
        head.headers.add("x-should-retry", "false");
    if (!refusal.allow.empty())
        head.headers.add("Allow", refusal.allow);
    if (refusal.status == 426) {
        head.headers.add("Upgrade", "HTTP/1.1");
        m_keepAlive = false;
    }
    if (refusal.status == 401)
        head.headers.add("WWW-Authenticate", "Bearer");
    sendHead(head, static_cast<int64_t>(body.size()));
    sendBody(body);
    if (m_handler) {
        finish();
        return;
    }
    // Refused by front itself: there is no handler yet.
    m_responseDone = true;
    flush();
    if (m_state != State::Closed && !m_consuming)
        nextRequest();
}

void Connection::pauseBody()
{
    m_bodyPaused = true;
    updateInterest();
}

void Connection::resumeBody()
{
    if (!m_bodyPaused)
        return;
    m_bodyPaused = false;
    if (m_state == State::Request && !m_bodyDone) {
        m_windowUs = Clock::steadyUs(); // the time in which we did not read is not the client's
        m_windowBytes = 0;
        m_deadline.start(m_server.config().bodyTimeoutMs);
    }
    updateInterest();
}

} // namespace llmproxy
