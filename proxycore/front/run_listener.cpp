// SPDX-License-Identifier: GPL-3.0-only
#include "front/run_listener.h"

#include "base/log.h"
#include "front/listener.h"
#include "front/server.h"

namespace llmproxy {

namespace {

constexpr int64_t drainLookMs = 500;

} // namespace

RunListener::RunListener(Server &server, ServerStream &stream)
    : m_server(server), m_stream(stream), m_timer(stream.poller(), [this] { lookForDrain(); }, &stream.breakable())
{
}

void RunListener::start()
{
    ListenPoint point{*IpAddress::parse("127.0.0.1")};
    ListenProblem problem;
    const int fd = openTcpListener(point, &point.port, &problem, false);
    if (fd < 0) {
        m_stream.refuse(refusal(Reason::ServiceUnavailable, problem.text)); // this is gone at the end of the turn
        return;
    }
    m_number = m_server.listenPrivately(fd);
    m_address = point.text();
    logInfo("listening for a command", {{"address", m_address}});
    m_timer.start(drainLookMs);
    ResponseHead head;
    head.headers.add("Content-Type", "application/json");
    head.headers.add("Cache-Control", "no-store");
    m_stream.sendHead(head, std::nullopt);
    m_stream.sendBody("{\"url\":\"http://" + m_address + "\"}\n");
    m_stream.flush();
}

// Its own connections are not ended here: this may be the end of one of their turns. A drain lets their requests come to an end.
RunListener::~RunListener()
{
    if (m_address.empty())
        return;
    logInfo("no longer listening for a command", {{"address", m_address}});
    m_server.poller().post([server = &m_server, number = m_number] {
        if (!server->isDraining())
            server->endPrivate(number);
    });
}

// The drain has closed the listener; the caller must not hold it up, and learns that the server stops.
void RunListener::lookForDrain()
{
    if (m_server.isDraining())
        m_stream.finish(); // this is gone at the end of the turn
    else
        m_timer.start(drainLookMs);
}

} // namespace llmproxy
