// SPDX-License-Identifier: GPL-3.0-only
// How a connection ends: the client's half-close or leaving, deadlines, lingering.
#include "base/clock.h"
#include "front/connection.h"
#include "front/server.h"

namespace llmproxy {

namespace {

// Ruling 14: a FIN within this time of the request's last byte is a half-close.
constexpr int64_t halfCloseUs = 100'000;
// How long a closing connection may still send what we discard, so that our answer is not lost to a RST.
constexpr int64_t lingerMs = 2'000;

} // namespace

void Connection::onPeerFin()
{
    if (m_state == State::Head && (m_parked || !m_readToEnd) && !wantsRead()) {
        m_halfClosed = true; // what came before it is read when the answers have gone
        updateInterest();
        return;
    }
    if (m_state != State::Request) {
        m_halfClosed = true;
        if (backlog() > 0)
            linger(); // the last answer is still on its way
        else
            closeNow(false);
        return;
    }
    if (!m_bodyDone && m_bodyPaused && !finEndsBodyEarly()) {
        m_finBehindBody = true; // says nothing before the bytes in front of it are read
        updateInterest();
        return;
    }
    const bool early = m_bodyDone && !m_answered && Clock::steadyUs() - m_requestDoneUs <= halfCloseUs;
    if ((m_bodyDone && (m_halfClosed || early)) || m_bodyFaulty) { // it is refused whatever else comes; it may read why
        m_halfClosed = true;
        updateInterest();
        return;
    }
    clientGone();
}

// The client's end stands behind bytes that we have not read yet: are they all of the declared body?
bool Connection::finEndsBodyEarly() const
{
    const int64_t unread = m_head.chunked ? -1 : m_socket.unread();
    return unread >= 0 && unread < m_head.contentLength - m_bodyBytes;
}

void Connection::onDeadline()
{
    switch (m_state) {
    case State::Head:
        if (backlog() > 0 && (m_in.empty() || !wantsRead()))
            m_deadline.start(m_server.config().keepaliveTimeoutMs); // the last answer is still read: CLIENT_WRITE_TIMEOUT watches
        else if (m_in.empty())
            closeNow(false); // idle: nothing was asked
        else
            refuseHead({408, Reason::RequestTimeout, "the request head did not arrive within REQUEST_HEAD_TIMEOUT"});
        return;
    case State::Request:
        if (m_bodyPaused) // we are the slow ones
            m_deadline.start(m_server.config().bodyTimeoutMs);
        else
            faultBody(refusal(Reason::RequestTimeout, "the request body stopped or was slower than 1 KiB/s"));
        return;
    case State::Linger:
        if (backlog() > 0) // it still reads: CLIENT_WRITE_TIMEOUT watches
            m_deadline.start(m_server.config().writeTimeoutMs);
        else
            closeNow(false);
        return;
    case State::Closed:
        return;
    }
}

void Connection::onWriteStalled()
{
    if (m_state != State::Closed)
        clientGone();
}

void Connection::linger()
{
    m_state = State::Linger;
    m_deadline.start(backlog() > 0 ? m_server.config().writeTimeoutMs : lingerMs);
    if (backlog() > 0) {
        updateInterest(); // flush() comes back here
        return;
    }
    if (m_halfClosed) {
        closeNow(false);
        return;
    }
    m_socket.endWriting();
    updateInterest();
}

void Connection::clientGone()
{
    if (m_handler)
        m_handler->onClientGone(); // its own call may have led here
    m_handler.reset();
    if (m_state != State::Closed)
        closeNow(true);
}

void Connection::closeNow(bool reset)
{
    if (m_state == State::Closed)
        return;
    m_state = State::Closed;
    m_deadline.stop();
    m_writeDeadline.stop();
    m_again.stop();
    poller().remove(m_socket.fd(), this);
    m_socket.close(reset);
    if (m_server.hooks().connectionClosed && !m_peer.localSocket)
        m_server.hooks().connectionClosed(m_peer.address);
    poller().defer([server = &m_server, this] { server->forget(this); });
}

} // namespace llmproxy
