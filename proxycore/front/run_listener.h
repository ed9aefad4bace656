// SPDX-License-Identifier: GPL-3.0-only
// GET /run-listener, on the control socket alone: a listener on 127.0.0.1, at a port that the kernel chooses, for as long as the caller
// keeps the connection. `llm-proxy run` asks for it beside a server with TLS, whose certificate fits no loopback address (ruling 24).
// The answer is one line, {"url":"http://127.0.0.1:41234"}, and goes on without a byte until one of the two ends. The listener serves
// tokens as others do, and no management. Thread: its connection's engine thread, which serves the command too.
#pragma once

#include "front/management_door.h"
#include "front/poller.h"

#include <string>

namespace llmproxy {

class Server;

class RunListener final : public ManagementFeed
{
public:
    static constexpr std::string_view path = "/run-listener";

    RunListener(Server &server, ServerStream &stream); // server outlives its poller's work
    ~RunListener() override;
    void start() override;

private:
    void lookForDrain();

    Server &m_server;
    ServerStream &m_stream;
    Timer m_timer;
    std::string m_address; // empty: nothing listens
    int m_number = 0;
};

} // namespace llmproxy
