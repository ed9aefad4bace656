// SPDX-License-Identifier: GPL-3.0-only
// Reads a message's body as its head framed it (RFC 9112 section 6: length, chunked, until close), for both legs. Body bytes
// are handed out as views into the caller's buffer. Chunk extensions (RFC 9112 section 7.1.1) and trailers are checked, read within limits and dropped.
// Thread: its connection's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

class BodyReader
{
public:
    enum class Kind { Request, Response };
    using Sink = std::function<void(std::string_view)>;

    // maxOverhead: bytes of chunk lines between two bytes of body.
    BodyReader(Kind kind, size_t maxOverhead) : m_kind(kind), m_maxOverhead(maxOverhead) {}
    BodyReader(const BodyReader &) = delete;
    BodyReader &operator=(const BodyReader &) = delete;

    // contentLength -1: none; without either a request has no body, and a response's goes on until the close. 0 also for
    // what ends with its head: the answer to HEAD, 204, 304.
    void begin(bool chunked, int64_t contentLength);
    // Reads on; body spans go to sink during the call. Returns the bytes used: less than given only when
    // the message is complete (the rest is the next message) or failed.
    size_t feed(std::string_view bytes, const Sink &sink);
    // The peer closed: completes a body that ends with the connection. False: it is truncated.
    bool finish();
    bool isComplete() const { return m_state == State::Complete; }
    bool hasFailed() const { return m_state == State::Failed; }
    void reset();

private:
    enum class State {
        Size, SizeDigits, SizeBlank, NameStart, Name, NameBlank, ValueStart, Value, Quoted, Escaped, QuotedEnd, ValueBlank, SizeEnd,
        Chunk, ChunkEnd, ChunkEndLf, Trailers, Length, UntilClose, Complete, Failed
    };
    // One byte of a chunk's line or of the line end behind its data (RFC 9112 section 7.1).
    State afterLineByte(char c);
    State afterSizeByte(char c);
    static State afterExtensionByte(State state, char c);
    size_t feedData(std::string_view bytes, const Sink &sink);
    size_t feedTrailers(std::string_view bytes);

    const Kind m_kind;
    const size_t m_maxOverhead;
    State m_state = State::Length;
    uint64_t m_left = 0;   // of the chunk, or of the length
    int m_digits = 0;
    size_t m_overhead = 0; // bytes of chunk lines since the last body byte
    std::string m_trailers; // behind the last chunk, until the empty line; begins with a line end of ours
    size_t m_trailersScanned = 0;
};

} // namespace llmproxy
