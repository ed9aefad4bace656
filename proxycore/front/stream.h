// SPDX-License-Identifier: GPL-3.0-only
// What front and a request's handler say to each other. One handler per request, created after the strict
// head, Host and address checks passed; destroyed by front at the end of the turn in which it called finish() or abort(), or
// was told onClientGone(): never inside a call that it made itself (Posted). onClientGone() may come out of any call that writes;
// whoever goes on afterwards finds a stream that takes everything and sends nothing.
// Thread: the connection's engine thread.
#pragma once

#include "front/http_types.h"
#include "front/poller.h"
#include "front/refusal.h"

#include <memory>
#include <optional>

namespace llmproxy {

// The response side and the body flow, implemented by Connection.
class ServerStream
{
public:
    virtual ~ServerStream() = default;
    virtual Poller &poller() = 0;
    // What a handler's timers and posted work break off when they throw.
    virtual Breakable &breakable() = 0;
    virtual const Peer &peer() const = 0;
    virtual void sendContinue() = 0;
    // contentLength: given when known (also for HEAD, 204 and 304); nullopt: chunked, or until close for
    // HTTP/1.0. Adds framing, Date, Connection, X-Request-ID and X-LLM-Proxy. Nothing is sent before flush().
    virtual void sendHead(const ResponseHead &head, std::optional<int64_t> contentLength) = 0;
    virtual void sendBody(std::string_view bytes) = 0;
    virtual void flush() = 0;
    // Ends the response: adds the final chunk, sends everything. The handler is gone afterwards.
    virtual void finish() = 0;
    // Breaks the connection with RST, drops unsent bytes. The handler is gone afterwards.
    virtual void abort() = 0;
    // Head and body in one step.
    virtual void refuse(const Refusal &refusal) = 0;
    // The web page's origin when CORS_ALLOWED_ORIGINS has it: the answer says so to the browser. Empty: none, or not in it.
    virtual const std::string &allowedOrigin() const = 0;
    // The web page was loaded from the address that it calls: no other page is involved.
    virtual bool isSameOrigin() const = 0;
    virtual bool headSent() const = 0;
    virtual bool isHeldByLength() const = 0; // the response declared its length
    virtual size_t backlog() const = 0;      // unsent bytes
    virtual int64_t bytesSent() const = 0;   // of this response's body
    virtual void pauseBody() = 0;
    virtual void resumeBody() = 0;
};

class RequestHandler : public Deletable
{
public:
    virtual void start() = 0; // right after creation
    virtual void onBody(std::string_view bytes) = 0;
    virtual void onBodyEnd() = 0;
    // Malformed or too slow body, or the handler itself threw: what the client would be told; the handler answers or aborts.
    virtual void onBodyFault(const Refusal &fault) = 0;
    virtual void onWritable() = 0; // the backlog was sent; never out of the handler's own flush()
    // The client left: cancel everything. Nothing else is called afterwards.
    virtual void onClientGone() = 0;
    // The answer must not come to its end: drain time is over.
    virtual void onShutdown() = 0;
};

// Reading of the upstream stops above the one and goes on below the other.
inline constexpr size_t highWaterBytes = 64 * 1024;
inline constexpr size_t lowWaterBytes = 16 * 1024;

} // namespace llmproxy
