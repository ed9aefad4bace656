// SPDX-License-Identifier: GPL-3.0-only
// The answer on its way back: relayed as it arrives, looked at in passing, bounded by back-pressure.
#include "exchange/exchange.h"

#include "base/clock.h"

namespace llmproxy {

namespace {

// Ruling 19, and what front writes itself.
constexpr std::string_view stopsHere[] = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "proxy-authenticate", "proxy-authorization", "content-length", "set-cookie", "set-cookie2", "alt-svc",
    "strict-transport-security", "x-request-id", "x-llm-proxy", "x-llm-proxy-error", "x-upstream-request-id",
};

bool hasPrefix(std::string_view name, std::string_view prefix)
{
    return name.size() >= prefix.size() && equalsIgnoreCase(name.substr(0, prefix.size()), prefix);
}

bool returns(const Header &header, std::string_view connection)
{
    for (const std::string_view name : stopsHere) {
        if (equalsIgnoreCase(header.name, name))
            return false;
    }
    if (hasPrefix(header.name, "access-control-"))
        return false;
    // RFC 9110 section 7.6.1: an option never names what is for all recipients; without its type the client would guess.
    return connection.empty() || hasPrefix(header.name, "content-") || !listContains(connection, header.name);
}

} // namespace

void Exchange::onUpstreamHead(ResponseHead &&head, const ResponseFraming &framing)
{
    if (m_concluded)
        return;
    m_upstreamStatus = head.status;
    m_firstByteUs = Clock::steadyUs();
    releaseHeld();
    ResponseHead answer;
    answer.status = head.status;
    answer.reason = head.reason;
    const std::string connection = head.headers.joined("connection");
    std::string upstreamId;
    for (const Header &header : head.headers) {
        if (equalsIgnoreCase(header.name, "x-request-id") || equalsIgnoreCase(header.name, "request-id"))
            upstreamId = header.value;
        if (returns(header, connection))
            answer.headers.push_back(header);
    }
    if (!upstreamId.empty())
        answer.headers.add("X-Upstream-Request-ID", upstreamId);
    m_readsUsage = m_readsUsage && m_usage.begin(lowerCased(head.headers.value("content-type")), m_profile->countsReasoningApart);
    const std::string coding = head.headers.joined("content-encoding");
    if (m_readsUsage && !coding.empty() && !equalsIgnoreCase(coding, "identity")) {
        m_decoder = ContentDecoder::ofAnswer(coding); // ruling 17: relayed untouched, a copy is looked into
        m_readsUsage = m_decoder != nullptr;
    }
    m_filterUsage = m_filterUsage && mediaType(head.headers.value("content-type")) == "text/event-stream"
                    && !head.headers.find("content-encoding");
    std::optional<int64_t> length;
    if (framing.contentLength >= 0 && !m_filterUsage)
        length = framing.contentLength;
    m_stream.sendHead(answer, length); // goes out with what came with it, at the end of this read
}

void Exchange::onUpstreamBody(std::string_view bytes)
{
    if (m_concluded)
        return;
    if (m_readsUsage)
        readUsage(bytes);
    if (m_filterUsage)
        m_stream.sendBody(m_usageFilter.pass(bytes));
    else
        m_stream.sendBody(bytes);
}

void Exchange::readUsage(std::string_view bytes)
{
    if (!m_decoder) {
        m_usage.feed(bytes);
    } else if (!m_decoder->feed(bytes, [this](std::string_view plain) { m_usage.feed(plain); })) {
        m_readsUsage = false;
        m_usage.forget(); // what cannot be read to its end is unknown, never half a number
    }
}

// An answer that ended before its end was used all the same, as far as it came.
Usage Exchange::settledUsage() const
{
    const bool isCut = m_readsUsage && m_stream.headSent() && !m_complete && m_upstreamStatus < 300;
    Usage usage = isCut ? m_usage.settled(m_metersText ? m_requestText.bytes() : -1) : m_usage.usage();
    if (namesKey(usage.serviceTier))
        usage.serviceTier.clear();
    usage.model.clear(); // toldModel() says which
    return usage;
}

void Exchange::onUpstreamRead()
{
    if (m_concluded)
        return;
    m_stream.flush();
    if (!m_concluded && m_call && m_stream.backlog() > highWaterBytes)
        m_call->pauseReading();
}

void Exchange::onWritable()
{
    if (m_concluded || !m_call)
        return;
    if (m_stream.backlog() < lowWaterBytes)
        m_call->resumeReading();
}

void Exchange::onUpstreamWritable()
{
    if (m_concluded)
        return;
    releaseHeld();
    m_stream.resumeBody();
}

void Exchange::onUpstreamEnd()
{
    if (m_concluded)
        return;
    if (m_filterUsage)
        m_stream.sendBody(m_usageFilter.rest());
    if (!m_stream.isHeldByLength())
        m_stream.flush(); // only the end itself is held (ruling 36)
    if (m_concluded)
        return;
    const bool good = m_upstreamStatus < 500;
    m_complete = true;
    conclude(good ? OutcomeResult::Success : OutcomeResult::Error, m_upstreamStatus, good ? Reason::None : Reason::UpstreamStatus, [this](bool ok) {
        if (ok)
            m_stream.finish();
        else
            m_stream.abort(); // ruling 36: without its event the answer does not come to its end
    });
}

static const char *unreachableMessage(Reason reason)
{
    switch (reason) {
    case Reason::UpstreamMetadataAddress:
        return "the provider's address is a cloud metadata address, which is never connected to; check the project's base_url";
    case Reason::UpstreamLinkLocalAddress:
        return "the provider's address is link-local, which ALLOW_LINK_LOCAL_UPSTREAM does not allow; check the project's base_url";
    case Reason::UpstreamInsecureAddress:
        return "the provider's name resolves to a public address, where http:// would send the key unencrypted; use https:// in the project's base_url";
    default:
        return "the provider could not be reached or closed the connection";
    }
}

static Refusal faultRefusal(const UpstreamFault &fault)
{
    Refusal no;
    switch (fault.kind) {
    case UpstreamFaultKind::Timeout:
        no = refusal(Reason::UpstreamTimeout, "the provider did not answer in time");
        break;
    case UpstreamFaultKind::Busy:
        no = refusal(Reason::ServiceUnavailable, "too many provider names are waiting to be resolved; try again");
        no.retryAfter = 1;
        break;
    case UpstreamFaultKind::BadAnswer:
        no = refusal(Reason::UpstreamUnreachable, "the provider's answer is not valid HTTP");
        break;
    case UpstreamFaultKind::Unreachable:
    case UpstreamFaultKind::Truncated:
        no = refusal(Reason::UpstreamUnreachable, unreachableMessage(fault.reason));
        break;
    }
    no.isOurTrouble = true;
    no.reason = fault.reason;
    return no;
}

// The provider's side threw, perhaps out of our own callbacks. Answered where that is possible, else broken off.
void Exchange::onUpstreamBroken() noexcept
{
    m_stream.breakable().onBroken();
}

void Exchange::onUpstreamFault(const UpstreamFault &fault)
{
    if (m_concluded)
        return;
    if (m_stream.headSent()) {
        // Cleanly broken: no final chunk, no invented bytes, the client sees that it is not whole.
        if (m_filterUsage)
            m_stream.sendBody(m_usageFilter.rest());
        conclude(OutcomeResult::Error, m_upstreamStatus, fault.reason, nullptr);
        m_stream.flush();
        m_stream.abort();
        return;
    }
    refuse(faultRefusal(fault));
}

} // namespace llmproxy
