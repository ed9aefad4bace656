// SPDX-License-Identifier: GPL-3.0-only
#include "front/body_reader.h"

#include "front/head_rules.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr size_t maxTrailers = 100;
constexpr size_t maxTrailerBytes = 32 * 1024;

} // namespace

BodyReader::BodyReader(Kind kind, size_t maxOverhead) : m_kind(kind), m_maxOverhead(maxOverhead)
{
    llhttp_settings_init(&m_settings);
    m_settings.on_headers_complete = &BodyReader::headersComplete;
    m_settings.on_body = &BodyReader::body;
    m_settings.on_message_complete = &BodyReader::messageComplete;
    m_settings.on_chunk_header = &BodyReader::chunkHeader;
    reset();
}

void BodyReader::reset()
{
    llhttp_init(&m_parser, m_kind == Kind::Request ? HTTP_REQUEST : HTTP_RESPONSE, &m_settings);
    m_parser.data = this;
    m_overhead = 0;
    m_trailers.clear();
    m_noBody = m_inTrailers = m_complete = m_failed = false;
}

bool BodyReader::begin(std::string_view head, bool noBody)
{
    m_noBody = noBody;
    const llhttp_errno_t error = llhttp_execute(&m_parser, head.data(), head.size());
    if (error != HPE_OK && !(error == HPE_PAUSED && m_complete))
        m_failed = true;
    return !m_failed;
}

size_t BodyReader::feed(std::string_view bytes, const Sink &sink)
{
    if (m_complete || m_failed || bytes.empty())
        return 0;
    if (m_inTrailers)
        return feedTrailers(bytes);
    m_sink = &sink;
    m_bodyInCall = 0;
    const llhttp_errno_t error = llhttp_execute(&m_parser, bytes.data(), bytes.size());
    m_sink = nullptr;
    size_t used = bytes.size();
    if (error != HPE_OK) {
        if (error == HPE_PAUSED && m_inTrailers) {
            used = static_cast<size_t>(llhttp_get_error_pos(&m_parser) - bytes.data());
            return used + feedTrailers(bytes.substr(used));
        }
        if (error == HPE_PAUSED && m_complete)
            used = static_cast<size_t>(llhttp_get_error_pos(&m_parser) - bytes.data());
        else
            m_failed = true;
    }
    m_overhead = m_bodyInCall > 0 ? 0 : m_overhead + used;
    if (m_overhead > m_maxOverhead && !m_complete)
        m_failed = true;
    return used;
}

int BodyReader::chunkHeader(llhttp_t *parser)
{
    auto *self = static_cast<BodyReader *>(parser->data);
    self->m_inTrailers = parser->content_length == 0; // the last chunk
    if (!self->m_inTrailers)
        return 0;
    self->m_trailers = "\r\n";
    self->m_trailersScanned = 0;
    return HPE_PAUSED;
}

size_t BodyReader::feedTrailers(std::string_view bytes)
{
    const size_t before = m_trailers.size();
    m_trailers.append(bytes.substr(0, maxTrailerBytes + 1));
    size_t end = 0;
    const HeadScan scan = scanHead(m_trailers, m_trailersScanned, &m_trailersScanned, &end);
    if (scan == HeadScan::NeedMore && m_trailers.size() <= maxTrailerBytes)
        return bytes.size();
    m_complete = scan == HeadScan::Complete && end <= maxTrailerBytes
                 && areTrailers(std::string_view(m_trailers).substr(2, end - 2), maxTrailers);
    m_failed = !m_complete;
    std::string().swap(m_trailers);
    return m_complete ? end - before : bytes.size();
}

bool BodyReader::finish()
{
    if (m_complete)
        return true;
    if (m_failed || m_inTrailers || llhttp_message_needs_eof(&m_parser) == 0)
        return false;
    m_complete = true;
    return true;
}

int BodyReader::headersComplete(llhttp_t *parser)
{
    // Upgrades are answered before this or not offered; what follows is an ordinary body.
    parser->upgrade = 0;
    return static_cast<BodyReader *>(parser->data)->m_noBody ? 1 : 0;
}

int BodyReader::body(llhttp_t *parser, const char *at, size_t length)
{
    auto *self = static_cast<BodyReader *>(parser->data);
    self->m_bodyInCall += length;
    if (self->m_sink)
        (*self->m_sink)({at, length});
    return 0;
}

int BodyReader::messageComplete(llhttp_t *parser)
{
    static_cast<BodyReader *>(parser->data)->m_complete = true;
    return HPE_PAUSED;
}

} // namespace llmproxy
