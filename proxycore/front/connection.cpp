// SPDX-License-Identifier: GPL-3.0-only
// Reading: heads and bodies. Writing is in connection_write.cpp, deadlines and the client's leaving in connection_end.cpp.
#include "front/connection.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/masking.h"
#include "base/random.h"
#include "base/threads.h"
#include "front/fetch_metadata.h"
#include "front/plain_handlers.h"
#include "front/routes.h"
#include "front/server.h"
#include "secrets/secret.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

// Ruling 20: bodies slower than this, averaged over a minute, are ended.
constexpr int64_t minBodyBytesPerSecond = 1024;
constexpr int64_t bodyWindowUs = 60'000'000;

bool isSaneRequestId(std::string_view id)
{
    if (id.empty() || id.size() > 128)
        return false;
    for (const std::string_view prefix : {"tok-", "sk-", "api_", "ghp_", "AIza"}) {
        if (id.find(prefix) != std::string_view::npos)
            return false; // somebody's key, not an id
    }
    if (redactText(id) != id)
        return false;
    return std::all_of(id.begin(), id.end(), [](char c) {
        return isAsciiAlnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
    });
}

} // namespace

Connection::Connection(Server &server, int fd, Peer peer, const TlsIdentity *identity)
    : m_server(server), m_socket(fd, identity), m_peer(peer), m_requestPeer(std::move(peer)),
      m_body(BodyReader::Kind::Request, server.config().maxHeaderSize), m_handler(server.poller()),
      m_deadline(server.poller(), [this] { onDeadline(); }, this),
      m_again(server.poller(), [this] { readAgain(); }, this),
      m_writeDeadline(server.poller(), [this] { onWriteStalled(); }, this)
{
}

Poller &Connection::poller()
{
    return m_server.poller();
}

void Connection::open()
{
    m_interest = EPOLLIN | EPOLLRDHUP;
    poller().add(m_socket.fd(), m_interest, this);
    m_deadline.start(m_server.config().headTimeoutMs);
}

void Connection::drain()
{
    m_draining = true;
    if (m_state == State::Head && m_in.empty() && backlog() == 0)
        closeNow(false);
}

void Connection::kill()
{
    const bool unfinished = m_handler || backlog() > 0; // a finished answer may still be in the kernel's buffer
    if (m_handler)
        m_handler->onShutdown();
    if (m_state != State::Closed)
        closeNow(unfinished);
}

void Connection::onReady(uint32_t events)
{
    if (m_state == State::Closed)
        return;
    if (m_socket.isHandshaking()) {
        shakeHands();
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP)) {
        if (m_state == State::Linger && !(events & EPOLLERR))
            closeNow(false); // both sides are done; what we sent last may still be on its way
        else
            clientGone();
        return;
    }
    if (events & EPOLLOUT)
        pump();
    if (m_state == State::Closed)
        return;
    if ((events & EPOLLIN) && !wantsRead())
        readAhead();
    else if (events & EPOLLIN)
        readSome();
    else if (events & EPOLLRDHUP)
        onPeerFin();
}

// A handler threw, or we did. Its request ends as our trouble: answered when nothing of the answer has gone yet, else broken off.
void Connection::onBroken() noexcept
{
    m_consuming = false;
    const bool isTold = guarded("front", [this] {
        const bool hasBegun = m_headSent;
        Refusal fault = refusal(Reason::InternalError, "the server made a mistake; its log says more");
        fault.isOurTrouble = true;
        if (m_handler && m_state == State::Request)
            faultBody(fault);
        else
            abort();
        if (hasBegun && m_state != State::Closed)
            abort();
    });
    if (!isTold)
        guarded("front", [this] { abort(); });
}

void Connection::shakeHands()
{
    const ClientSocket::Handshake result = m_socket.handshake();
    if (result == ClientSocket::Handshake::Failed) {
        if (!m_socket.handshakeProblem().empty())
            m_server.handshakeFailed(m_peer, m_socket.handshakeProblem());
        closeNow(false);
        return;
    }
    if (result == ClientSocket::Handshake::PlainHttp) {
        m_server.handshakeFailed(m_peer, "the client sent HTTP without TLS; its URL has to begin with https://");
        m_firstRequest = false;
        refuseHead({400, Reason::BadRequest, "this port speaks TLS and got plain HTTP; begin the URL with https://"});
        return;
    }
    updateInterest();
    if (result == ClientSocket::Handshake::Done)
        readSome(); // the first request may have come with the last of the handshake
}

void Connection::readSome()
{
    std::string &buffer = m_server.scratch();
    const ssize_t got = m_socket.read(buffer.data(), buffer.size());
    if (got == 0) {
        m_readToEnd = true;
        onPeerFin();
    } else if (got == -2) {
        clientGone();
    } else if (got > 0) {
        const bool holdsSecrets = m_state == State::Head || m_isManagement;
        if (m_state != State::Linger) // there it is dropped
            consume({buffer.data(), static_cast<size_t>(got)});
        if (holdsSecrets)
            wipe(buffer.data(), static_cast<size_t>(got)); // until the next read it would stand there, credentials and all
    }
    if (m_state == State::Closed)
        return;
    if (m_socket.isTls()) {
        if (m_outAt < m_sendTo)
            pump(); // it may have waited for this
        if (m_state != State::Closed)
            updateInterest();
    }
}

// Something comes before its turn. Plain, it stays where it is. Under TLS it is read, up to a limit: only so a close_notify
// is seen, and the client's leaving with it.
void Connection::readAhead()
{
    const size_t most = m_server.config().maxHeaderSize;
    if (!m_socket.isTls() || m_state != State::Request || !m_bodyDone || m_in.size() > most) {
        updateInterest(true);
        return;
    }
    std::string &buffer = m_server.scratch();
    ssize_t got = 0;
    do { // all that OpenSSL holds: epoll does not show it again
        got = m_socket.read(buffer.data(), buffer.size());
        if (got > 0)
            m_in.append(buffer.data(), static_cast<size_t>(got));
    } while (got > 0 && m_in.size() <= most && m_socket.hasPending());
    if (got == 0) {
        m_readToEnd = true;
        onPeerFin();
    } else if (got == -2) {
        clientGone();
    }
}

// What OpenSSL or we ourselves have kept back.
void Connection::readAgain()
{
    if (m_parked && backlog() <= highWaterBytes) {
        m_parked = false;
        std::string waiting;
        waiting.swap(m_in);
        consume(waiting);
    } else if (wantsRead()) {
        readSome();
    }
}

void Connection::consume(std::string_view bytes)
{
    m_consuming = true;
    while (!bytes.empty() && (m_state == State::Head || m_state == State::Request)) {
        if (m_state == State::Head && m_in.empty() && backlog() > highWaterBytes) {
            m_in.append(bytes); // who does not read our answers is not given more of them
            m_parked = true;
            bytes = {};
        } else if (m_state == State::Head) {
            consumeHead(&bytes);
        } else if (!m_bodyDone) {
            consumeBody(&bytes);
        } else {
            m_in.append(bytes); // the next request waits for its turn
            bytes = {};
        }
        if (m_responseDone && m_state != State::Closed)
            nextRequest();
    }
    m_consuming = false;
    if (m_state == State::Head && m_readToEnd && !m_parked)
        onPeerFin(); // nothing comes that could complete or follow it
    if (m_state != State::Closed)
        updateInterest();
}

void Connection::consumeHead(std::string_view *bytes)
{
    if (m_in.empty() && !m_firstRequest)
        m_deadline.start(m_server.config().headTimeoutMs);
    const size_t limit = m_server.config().maxHeaderSize;
    // RFC 9112 section 2.2: ignore at least one empty line before the request line.
    while (m_in.empty() ? bytes->substr(0, 2) == "\r\n" : m_in == "\r" && bytes->substr(0, 1) == "\n") {
        bytes->remove_prefix(2 - m_in.size());
        m_in.clear();
        m_scanned = 0;
    }
    if (m_in.empty())
        m_beganUs = Clock::steadyUs();
    const size_t before = m_in.size();
    m_in.append(bytes->substr(0, limit + 4 - std::min(before, limit)));
    const size_t taken = m_in.size() - before;
    size_t resume = 0;
    size_t end = 0;
    const HeadScan scan = scanHead(m_in, m_scanned, &resume, &end);
    if (scan == HeadScan::Bad) {
        refuseHead({400, Reason::BadRequest, "a line of the request head does not end in CR LF, or there is a NUL in it"});
        *bytes = {};
        return;
    }
    if (scan == HeadScan::NeedMore || end > limit) {
        m_scanned = resume;
        bytes->remove_prefix(taken);
        if (m_in.find('\r') == std::string::npos && m_in.size() > m_server.config().head.maxTargetSize + 64)
            refuseHead({414, Reason::UriTooLong, "the request target is longer than MAX_TARGET_SIZE"});
        else if (scan == HeadScan::Complete || m_in.size() > limit)
            refuseHead({431, Reason::HeadersTooLarge, "the request head is larger than MAX_HEADER_SIZE"});
        return;
    }
    bytes->remove_prefix(end - before);
    std::string head;
    head.swap(m_in);
    wipe(head.data() + end, head.size() - end); // what came of the body with it
    head.resize(end);
    m_scanned = 0;
    beginRequest(head);
    wipe(head.data(), head.size()); // credentials stand in it
}

void Connection::beginRequest(std::string_view head)
{
    m_firstRequest = false;
    if (HeadFault fault = readRequestHead(head, m_server.config().head, &m_head); fault.status) {
        refuseHead(fault);
        return;
    }
    m_head.isWhole = true;
    m_head.beganUs = m_beganUs;
    m_body.begin(m_head.chunked, m_head.contentLength);
    m_keepAlive = m_head.keepAlive;
    m_isSameOrigin = isPageOfOurs();
    const std::string *id = m_head.headers.find("x-request-id");
    m_head.requestId = id && isSaneRequestId(*id) ? *id : randomUuid();
    m_requestPeer = m_server.resolvePeer(m_peer, m_head);
    m_state = State::Request;
    m_bodyDone = m_body.isComplete();
    m_bodyPaused = m_finBehindBody = m_bodyFaulty = false;
    m_requestDoneUs = m_bodyDone ? Clock::steadyUs() : 0;
    m_deadline.stop();
    m_dialect = dialectOf(m_head);
    m_hsts = wantsHsts();
    m_asksForStream = m_head.path.ends_with(":streamGenerateContent"); // Gemini's, which is a JSON array if nothing else is asked for
    m_isManagement = routeOf(m_head.path) == ServedBy::Management;
    if (const std::string *origin = m_head.headers.find("origin"); origin && routeOf(m_head.path) == ServedBy::Exchange && m_server.originAllowed(*origin))
        m_origin = *origin;
    const bool acme = !m_server.config().acmeWebroot.empty() && m_head.path.starts_with(acmePrefix);
    const bool takesAnyHost = acme || isOpenPath(m_head.path); // ruling 11: probes send what their makers chose
    if (!m_peer.localSocket && !takesAnyHost && !m_server.hostAllowed(m_head.host)) {
        refuseByFront(refusal(Reason::MisdirectedRequest, m_head.isAbsolute ? notAForwardProxy : "this Host is not served here; add it to ALLOWED_HOSTS"));
        return;
    }
    // RFC 9110 section 7.4: what is for https and came in clear may have been read on its way, unless TLS ended in front of us.
    if (m_head.isForTls && !m_socket.isTls() && !m_peer.localSocket && !m_server.isTrustedProxy(m_peer)) {
        refuseByFront(refusal(Reason::MisdirectedRequest, "an https address is not served on a connection without TLS"));
        return;
    }
    if (!m_peer.localSocket && !isOpenPath(m_head.path) && m_origin.empty() && isCrossSitePage(m_head.headers)) {
        refuseByFront(refusal(Reason::OriginNotAllowed, "a web page of another site may not send this; its origin is not in CORS_ALLOWED_ORIGINS"));
        return;
    }
    if (m_server.hooks().admitRequest && !m_peer.localSocket) {
        if (const Refusal full = m_server.hooks().admitRequest(m_requestPeer); full.code != Reason::None) {
            refuseByFront(full);
            return;
        }
    }
    if (!m_bodyDone) {
        m_windowUs = Clock::steadyUs();
        m_windowBytes = 0;
        m_deadline.start(m_server.config().bodyTimeoutMs);
    }
    // What the answer needs stays here, the rest moves on.
    RequestHead kept;
    kept.method = m_head.method;
    kept.minorVersion = m_head.minorVersion;
    kept.requestId = m_head.requestId;
    kept.chunked = m_head.chunked;
    kept.contentLength = m_head.contentLength;
    m_handler = m_server.hooks().makeHandler(std::exchange(m_head, std::move(kept)), *this);
    m_handler->start();
    if (m_handler && m_bodyDone)
        m_handler->onBodyEnd();
}

// A page that was loaded from where this request goes to. A trusted proxy says under which address that is (the right-most value is its own).
bool Connection::isPageOfOurs() const
{
    const std::string *origin = m_head.headers.find("origin");
    if (!origin)
        return false;
    const bool isBehindProxy = m_server.isTrustedProxy(m_peer);
    const auto said = [&](const char *name) {
        const std::string list = isBehindProxy ? m_head.headers.joined(name) : std::string();
        return std::string(trimmed(std::string_view(list).substr(list.rfind(',') + 1)));
    };
    const std::string scheme = said("x-forwarded-proto"), forwardedHost = said("x-forwarded-host");
    const std::string host = forwardedHost.empty() ? std::string(m_head.headers.value("host")) : forwardedHost;
    return isOrigin(*origin, scheme.empty() ? (m_socket.isTls() ? "https" : "http") : scheme, host);
}

// Ruling 11: a browser must not be bound to https for names that other programs on its machine share.
bool Connection::wantsHsts() const
{
    return m_socket.isTls() && !m_head.host.empty() && !isLocalName(m_head.host);
}

// Nothing of the request before may show in the answer to the next one.
void Connection::forgetRequest()
{
    m_head = RequestHead();
    m_origin.clear();
    m_asksForStream = m_headSent = m_answered = m_responseDone = m_owesWritable = m_chunkedOut = m_noBodyOut = false;
    m_responseLength = -1;
    m_responseBytes = m_bodyBytes = 0;
    m_requestPeer = m_peer;
    m_body.reset();
}

void Connection::refuseHead(const HeadFault &fault)
{
    m_state = State::Request;
    m_bodyDone = false; // where the body ends is not known: never read on
    m_keepAlive = false;
    // A head that was not read to its end has said by then which path it is for.
    m_dialect = m_head.path.empty() ? dialectOf(glanceAtHead(m_in)) : dialectOf(m_head);
    m_in.clear();
    if (m_head.requestId.empty())
        m_head.requestId = randomUuid();
    m_hsts = wantsHsts();
    refuseByFront(refusal(fault.code, fault.message));
}

// No end goes past those who count them.
void Connection::refuseByFront(const Refusal &refusal)
{
    m_head.beganUs = m_beganUs;
    if (m_server.hooks().refused && !m_peer.localSocket)
        m_server.hooks().refused(m_requestPeer, m_head, refusal);
    refuse(refusal);
}

void Connection::consumeBody(std::string_view *bytes)
{
    const size_t used = m_body.feed(*bytes, [this](std::string_view span) {
        m_bodyBytes += static_cast<int64_t>(span.size());
        if (!m_handler || m_bodyBytes > m_server.config().maxRequestSize)
            return;
        m_handler->onBody(span);
    });
    bytes->remove_prefix(used);
    if (m_state != State::Request)
        return;
    if (m_handler && m_bodyBytes > m_server.config().maxRequestSize) {
        *bytes = {};
        faultBody(refusal(Reason::RequestTooLarge, "the body is larger than MAX_REQUEST_SIZE"));
        return;
    }
    if (m_body.hasFailed()) {
        *bytes = {};
        faultBody(refusal(Reason::BadRequest, "the chunked body is malformed"));
        return;
    }
    noteBodyProgress(used);
    if (m_body.isComplete()) {
        m_bodyDone = true;
        m_requestDoneUs = Clock::steadyUs();
        m_deadline.stop();
        if (m_handler)
            m_handler->onBodyEnd();
    }
}

void Connection::faultBody(const Refusal &fault)
{
    m_keepAlive = false;
    m_bodyFaulty = true;
    m_deadline.stop();
    if (m_handler)
        m_handler->onBodyFault(fault);
}

void Connection::noteBodyProgress(size_t bytes)
{
    const int64_t now = Clock::steadyUs();
    m_windowBytes += static_cast<int64_t>(bytes);
    m_deadline.start(m_server.config().bodyTimeoutMs);
    if (now - m_windowUs < bodyWindowUs)
        return;
    if (m_windowBytes < minBodyBytesPerSecond * ((now - m_windowUs) / 1'000'000)) {
        onDeadline();
        return;
    }
    m_windowUs = now;
    m_windowBytes = 0;
}

void Connection::nextRequest()
{
    m_responseDone = false;
    if (!m_bodyDone || !m_keepAlive || m_draining || m_server.isDraining()) {
        linger();
        return;
    }
    forgetRequest();
    m_state = State::Head;
    m_scanned = 0;
    m_deadline.start(m_server.config().keepaliveTimeoutMs);
    if (m_consuming)
        return;
    if (!m_in.empty()) {
        std::string waiting;
        waiting.swap(m_in);
        consume(waiting);
    } else if (m_halfClosed) {
        // The kernel may hold further pipelined requests before the FIN.
        readSome();
    }
    if (m_state != State::Closed)
        updateInterest();
}

bool Connection::wantsRead() const
{
    if (m_readToEnd) // a half-close alone says nothing about what came before it
        return false;
    switch (m_state) {
    case State::Head: return !m_parked && backlog() <= highWaterBytes;
    case State::Linger: return true;
    case State::Request: return !m_bodyDone && !m_bodyPaused && !m_bodyFaulty;
    case State::Closed: break;
    }
    return false;
}

// Between a request and its answer a client says nothing: EPOLLIN stays set until it does, which saves two system calls
// of each request. strict: now.
void Connection::updateInterest(bool strict)
{
    if (m_socket.isHandshaking()) {
        const uint32_t shaking = m_socket.wantsWrite() ? static_cast<uint32_t>(EPOLLOUT) : static_cast<uint32_t>(EPOLLIN);
        if (std::exchange(m_interest, shaking) != shaking)
            poller().change(m_socket.fd(), shaking, this);
        return;
    }
    uint32_t wanted = m_halfClosed ? 0u : static_cast<uint32_t>(EPOLLRDHUP);
    if ((wantsRead() && m_socket.hasPending()) || (m_parked && backlog() <= highWaterBytes))
        m_again.start(0);
    if (wantsRead() || (!strict && m_state == State::Request && m_bodyDone && !m_readToEnd && (m_interest & EPOLLIN)))
        wanted |= EPOLLIN;
    if (m_state == State::Request && !m_bodyDone && m_bodyPaused && m_finBehindBody)
        wanted &= ~static_cast<uint32_t>(EPOLLRDHUP);
    if (m_outAt < m_sendTo ? !m_socket.writeWantsRead() : m_owesWritable)
        wanted |= EPOLLOUT;
    if (wanted != m_interest && m_socket.isOpen()) {
        m_interest = wanted;
        poller().change(m_socket.fd(), wanted, this);
    }
}

} // namespace llmproxy
