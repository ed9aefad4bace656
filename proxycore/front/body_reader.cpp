// SPDX-License-Identifier: GPL-3.0-only
#include "front/body_reader.h"

#include "front/head_rules.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr size_t maxTrailers = 100;
constexpr size_t maxTrailerBytes = 32 * 1024;
constexpr int maxSizeDigits = 15; // below 2^60

int hexValue(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool isBlank(char c)
{
    return c == ' ' || c == '\t';
}

// RFC 9110 section 5.6.4: no bare CR or LF, NUL or another control character stands in a quoted string, escaped or not.
bool isQuotable(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 || byte == '\t') && byte != 0x7f;
}

} // namespace

void BodyReader::reset()
{
    m_state = State::Length;
    m_left = 0;
    m_digits = 0;
    m_overhead = 0;
    m_trailers.clear();
}

void BodyReader::begin(bool chunked, int64_t contentLength)
{
    if (chunked)
        m_state = State::Size;
    else if (contentLength > 0)
        m_left = static_cast<uint64_t>(contentLength);
    else
        m_state = contentLength < 0 && m_kind == Kind::Response ? State::UntilClose : State::Complete;
}

size_t BodyReader::feed(std::string_view bytes, const Sink &sink)
{
    size_t at = 0;
    while (at < bytes.size() && m_state != State::Complete && m_state != State::Failed) {
        if (m_state == State::Length || m_state == State::UntilClose || m_state == State::Chunk) {
            at += feedData(bytes.substr(at), sink);
        } else if (m_state == State::Trailers) {
            at += feedTrailers(bytes.substr(at));
        } else {
            m_state = ++m_overhead > m_maxOverhead ? State::Failed : afterLineByte(bytes[at]);
            ++at;
        }
    }
    return at;
}

size_t BodyReader::feedData(std::string_view bytes, const Sink &sink)
{
    const size_t size = m_state == State::UntilClose ? bytes.size() : static_cast<size_t>(std::min<uint64_t>(bytes.size(), m_left));
    m_overhead = 0;
    sink(bytes.substr(0, size));
    if (m_state == State::UntilClose)
        return size;
    m_left -= size;
    if (m_left == 0)
        m_state = m_state == State::Chunk ? State::ChunkEnd : State::Complete;
    return size;
}

BodyReader::State BodyReader::afterSizeByte(char c)
{
    if (m_state == State::Size) {
        m_left = 0;
        m_digits = 0;
    }
    if (const int value = hexValue(c); value >= 0) {
        m_left = m_left * 16 + static_cast<uint64_t>(value);
        return ++m_digits > maxSizeDigits ? State::Failed : State::SizeDigits;
    }
    if (m_digits == 0)
        return State::Failed;
    return isBlank(c) ? State::SizeBlank : c == ';' ? State::NameStart : c == '\r' ? State::SizeEnd : State::Failed;
}

// RFC 9112 section 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ). Blanks stand before and behind a
// semicolon or equals sign, nowhere else: not at the end of the line.
BodyReader::State BodyReader::afterExtensionByte(State state, char c)
{
    const bool token = isTokenChar(static_cast<unsigned char>(c));
    const State next = c == ';' ? State::NameStart : c == '\r' ? State::SizeEnd : State::Failed;
    switch (state) {
    case State::SizeBlank:
    case State::ValueBlank:
        return isBlank(c) ? state : c == ';' ? State::NameStart : State::Failed;
    case State::NameStart:
        return isBlank(c) ? state : token ? State::Name : State::Failed;
    case State::Name:
        return token ? state : isBlank(c) ? State::NameBlank : c == '=' ? State::ValueStart : next;
    case State::NameBlank:
        return isBlank(c) ? state : c == '=' ? State::ValueStart : c == ';' ? State::NameStart : State::Failed;
    case State::ValueStart:
        return isBlank(c) ? state : c == '"' ? State::Quoted : token ? State::Value : State::Failed;
    case State::Value:
        return token ? state : isBlank(c) ? State::ValueBlank : next;
    case State::Quoted:
        return c == '"' ? State::QuotedEnd : c == '\\' ? State::Escaped : isQuotable(c) ? state : State::Failed;
    case State::Escaped:
        return isQuotable(c) ? State::Quoted : State::Failed;
    case State::QuotedEnd:
        return isBlank(c) ? State::ValueBlank : next;
    default:
        return State::Failed;
    }
}

BodyReader::State BodyReader::afterLineByte(char c)
{
    switch (m_state) {
    case State::Size:
    case State::SizeDigits:
        return afterSizeByte(c);
    case State::SizeEnd:
        if (c != '\n')
            return State::Failed;
        if (m_left > 0)
            return State::Chunk;
        m_trailers = "\r\n";
        m_trailersScanned = 0;
        return State::Trailers;
    case State::ChunkEnd:
        return c == '\r' ? State::ChunkEndLf : State::Failed;
    case State::ChunkEndLf:
        return c == '\n' ? State::Size : State::Failed;
    default:
        return afterExtensionByte(m_state, c);
    }
}

size_t BodyReader::feedTrailers(std::string_view bytes)
{
    const size_t before = m_trailers.size();
    m_trailers.append(bytes.substr(0, maxTrailerBytes + 1));
    size_t end = 0;
    const HeadScan scan = scanHead(m_trailers, m_trailersScanned, &m_trailersScanned, &end);
    if (scan == HeadScan::NeedMore && m_trailers.size() <= maxTrailerBytes)
        return bytes.size();
    const bool good = scan == HeadScan::Complete && end <= maxTrailerBytes
                      && areTrailers(std::string_view(m_trailers).substr(2, end - 2), maxTrailers);
    m_state = good ? State::Complete : State::Failed;
    std::string().swap(m_trailers);
    return good ? end - before : bytes.size();
}

bool BodyReader::finish()
{
    if (m_state == State::UntilClose)
        m_state = State::Complete;
    return m_state == State::Complete;
}

} // namespace llmproxy
