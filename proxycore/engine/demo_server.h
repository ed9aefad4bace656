// SPDX-License-Identifier: GPL-3.0-only
// Serves the demo provider's answers on a local socket, chunk after chunk, through the same front that
// serves clients. Thread: its engine thread.
#pragma once

#include "demo/demo_provider.h"
#include "front/stream.h"

namespace llmproxy {

class DemoHandler final : public RequestHandler
{
public:
    DemoHandler(RequestHead &&head, ServerStream &stream);
    void start() override {}
    void onBody(std::string_view bytes) override { m_body.append(bytes); }
    void onBodyEnd() override;
    void onBodyFault(const Refusal &fault) override { m_stream.refuse(fault); }
    void onWritable() override {}
    void onClientGone() override { m_timer.stop(); }
    void onShutdown() override { m_timer.stop(); }

private:
    void sendNext();

    RequestHead m_head;
    ServerStream &m_stream;
    std::string m_body;
    DemoReply m_reply;
    size_t m_next = 0;
    Timer m_timer;
};

} // namespace llmproxy
