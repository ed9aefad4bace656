// SPDX-License-Identifier: GPL-3.0-only
#include "front/body_reader.h"

namespace llmproxy {

BodyReader::BodyReader(Kind kind, size_t maxOverhead) : m_kind(kind), m_maxOverhead(maxOverhead)
{
    llhttp_settings_init(&m_settings);
    m_settings.on_headers_complete = &BodyReader::headersComplete;
    m_settings.on_body = &BodyReader::body;
    m_settings.on_message_complete = &BodyReader::messageComplete;
    reset();
}

void BodyReader::reset()
{
    llhttp_init(&m_parser, m_kind == Kind::Request ? HTTP_REQUEST : HTTP_RESPONSE, &m_settings);
    m_parser.data = this;
    m_overhead = 0;
    m_noBody = m_complete = m_failed = false;
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
    m_sink = &sink;
    m_bodyInCall = 0;
    const llhttp_errno_t error = llhttp_execute(&m_parser, bytes.data(), bytes.size());
    m_sink = nullptr;
    size_t used = bytes.size();
    if (error != HPE_OK) {
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

bool BodyReader::finish()
{
    if (m_complete)
        return true;
    if (m_failed || llhttp_message_needs_eof(&m_parser) == 0)
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
