// SPDX-License-Identifier: GPL-3.0-only
#include "engine/demo_server.h"

namespace llmproxy {

DemoHandler::DemoHandler(RequestHead &&head, ServerStream &stream)
    : m_head(std::move(head)), m_stream(stream), m_timer(stream.poller(), [this] { sendNext(); }, &stream.breakable())
{
}

void DemoHandler::onBodyEnd()
{
    m_reply = demoReply(m_head.method, m_head.path, m_body);
    ResponseHead head;
    head.status = m_reply.status;
    head.headers.add("Content-Type", m_reply.contentType);
    if (m_reply.streamed) {
        m_stream.sendHead(head, std::nullopt);
        m_stream.flush();
        sendNext();
        return;
    }
    std::string body;
    for (const DemoChunk &chunk : m_reply.chunks)
        body += chunk.bytes;
    m_stream.sendHead(head, static_cast<int64_t>(body.size()));
    m_stream.sendBody(body);
    m_stream.finish();
}

void DemoHandler::sendNext()
{
    if (m_next > 0) {
        m_stream.sendBody(m_reply.chunks[m_next - 1].bytes);
        m_stream.flush();
    }
    if (m_next == m_reply.chunks.size()) {
        m_stream.finish();
        return;
    }
    m_timer.start(m_reply.chunks[m_next++].delayMs);
}

} // namespace llmproxy
