// SPDX-License-Identifier: GPL-3.0-only
// One client connection: reads heads strictly, one request at a time in order, writes answers, keeps
// deadlines. Owned by its Server, on one engine thread for life. Deleted only at the end of a turn.
#pragma once

#include "front/body_reader.h"
#include "front/client_socket.h"
#include "front/head_rules.h"
#include "front/stream.h"

#include <string>

namespace llmproxy {

class Server;

class Connection final : public PollHandler, public ServerStream
{
public:
    // identity: TLS with it; null: plain.
    Connection(Server &server, int fd, Peer peer, const TlsIdentity *identity);

    void open();
    // Idle ones close at once, others after their running answer.
    void drain();
    void kill();
    bool isIdle() const { return !m_handler; }
    const Peer &socketPeer() const { return m_peer; }
    RequestHandler *handler() const { return m_handler.get(); }

    // PollHandler
    void onReady(uint32_t events) override;
    void onBroken() noexcept override;
    // ServerStream
    Poller &poller() override;
    Breakable &breakable() override { return *this; }
    const Peer &peer() const override { return m_requestPeer; }
    void sendContinue() override;
    void sendHead(const ResponseHead &head, std::optional<int64_t> contentLength) override;
    void sendBody(std::string_view bytes) override;
    void flush() override;
    void finish() override;
    void abort() override;
    void refuse(const Refusal &refusal) override;
    const std::string &allowedOrigin() const override { return m_origin; }
    bool isSameOrigin() const override { return m_isSameOrigin; }
    bool headSent() const override { return m_headSent; }
    bool isHeldByLength() const override { return m_responseLength >= 0; }
    size_t backlog() const override { return m_out.size() - m_outAt; }
    int64_t bytesSent() const override { return m_responseBytes; }
    void pauseBody() override;
    void resumeBody() override;

private:
    void shakeHands();
    void readSome();
    void readAhead();
    void readAgain();
    void consume(std::string_view bytes);
    void consumeHead(std::string_view *bytes);
    void consumeBody(std::string_view *bytes);
    bool takeHead(std::string_view head);
    void beginRequest(std::string_view head);
    void forgetRequest();
    void refuseHead(const HeadFault &fault);
    void refuseByFront(const Refusal &refusal);
    bool finEndsBodyEarly() const;
    void faultBody(const Refusal &fault);
    void noteBodyProgress(size_t bytes);
    void onPeerFin();
    void onDeadline();
    void onWriteStalled();
    void nextRequest();
    void pump(bool isFlush = false);
    void compactOutput();
    void linger();
    void closeNow(bool reset);
    void clientGone();
    void updateInterest(bool strict = false);
    bool wantsRead() const;
    bool wantsHsts() const;
    bool isPageOfOurs() const;

    enum class State { Head, Request, Linger, Closed };

    Server &m_server;
    ClientSocket m_socket;
    Peer m_peer;
    Peer m_requestPeer;
    State m_state = State::Head;
    uint32_t m_interest = 0;
    std::string m_in;              // bytes of a head that is not complete, or of the next request
    size_t m_scanned = 0;          // of m_in, searched for the head's end already
    std::string m_out;
    size_t m_outAt = 0;
    size_t m_sendTo = 0;           // of m_out: what may go; the rest is held
    BodyReader m_body;
    Posted<RequestHandler> m_handler;
    RequestHead m_head;            // once it moved on, what the answer needs: method, version, requestId, framing
    std::string m_origin;          // in CORS_ALLOWED_ORIGINS
    Dialect m_dialect{};           // that its path's refusals speak
    Timer m_deadline;
    Timer m_again;                 // TLS holds bytes that epoll does not show
    Timer m_writeDeadline;
    int64_t m_beganUs = 0;         // when the first byte of the running head was read
    int64_t m_requestDoneUs = 0;   // when the request's last byte was read
    int64_t m_bodyBytes = 0;
    int64_t m_windowUs = 0, m_windowBytes = 0;
    int64_t m_responseLength = -1;
    int64_t m_responseBytes = 0;
    bool m_bodyDone = true;
    bool m_bodyFaulty = false;     // refused; the answer may still wait for its event
    bool m_bodyPaused = false;
    bool m_finBehindBody = false;  // a FIN that came while the body was paused, behind unread bytes
    bool m_headSent = false;
    bool m_asksForStream = false;  // whatever type the answer has
    bool m_hsts = false;           // this answer carries Strict-Transport-Security
    bool m_answered = false;       // a byte of this answer reached the socket
    bool m_chunkedOut = false;
    bool m_noBodyOut = false;
    bool m_keepAlive = true;
    bool m_halfClosed = false;
    bool m_readToEnd = false;      // the client's FIN was reached, all before it is read
    bool m_firstRequest = true;
    bool m_consuming = false;
    bool m_isManagement = false;   // keys of providers are in the request's body
    bool m_parked = false;         // m_in holds requests that wait until the client has read its answers
    bool m_responseDone = false;
    bool m_owesWritable = false;   // a write did not take all: onWritable() is due when the rest has gone
    bool m_draining = false;
    bool m_isSameOrigin = false;   // the page that makes this request is of the same origin
};

} // namespace llmproxy
