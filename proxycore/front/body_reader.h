// SPDX-License-Identifier: GPL-3.0-only
// Message framing through llhttp, for both legs: after head_rules has accepted a head, the same bytes go
// through llhttp, which must agree, and then reads the body (length, chunked, until close). Body bytes are
// handed out as views into the caller's buffer. Trailers are read within limits and dropped.
// Thread: its connection's.
#pragma once

#include <llhttp.h>

#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

class BodyReader
{
public:
    enum class Kind { Request, Response };
    using Sink = std::function<void(std::string_view)>;

    BodyReader(Kind kind, size_t maxOverhead);
    BodyReader(const BodyReader &) = delete;
    BodyReader &operator=(const BodyReader &) = delete;

    // noBody: the answer to HEAD. False: llhttp refuses or reads the head differently.
    bool begin(std::string_view head, bool noBody);
    // Reads on; body spans go to sink during the call. Returns the bytes used: less than given only when
    // the message is complete (the rest is the next message) or failed.
    size_t feed(std::string_view bytes, const Sink &sink);
    // The peer closed: completes a body that ends with the connection. False: it is truncated.
    bool finish();
    bool isComplete() const { return m_complete; }
    bool hasFailed() const { return m_failed; }
    void reset();

private:
    static int headersComplete(llhttp_t *parser);
    static int body(llhttp_t *parser, const char *at, size_t length);
    static int messageComplete(llhttp_t *parser);
    static int chunkHeader(llhttp_t *parser);
    // llhttp forgives a bare LF and folded lines in trailers; we do not. Returns the bytes used.
    size_t feedTrailers(std::string_view bytes);

    llhttp_t m_parser{};
    llhttp_settings_t m_settings{};
    Kind m_kind;
    size_t m_maxOverhead;
    size_t m_overhead = 0; // chunk headers, extensions and trailers since the last body byte
    size_t m_bodyInCall = 0;
    const Sink *m_sink = nullptr;
    std::string m_trailers; // behind the last chunk, until the empty line; begins with a line end of ours
    size_t m_trailersScanned = 0;
    bool m_inTrailers = false;
    bool m_noBody = false;
    bool m_complete = false;
    bool m_failed = false;
};

} // namespace llmproxy
