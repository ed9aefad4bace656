// SPDX-License-Identifier: GPL-3.0-only
#include "front/tcp_liveness.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace llmproxy {

namespace {

constexpr int on = 1;
constexpr int silenceSeconds = 60, probeSeconds = 30, probes = 4;
// What the probes need. Keep-alive alone says nothing while data is unacknowledged: retransmitting goes on for a quarter of an hour.
constexpr unsigned unansweredMs = (silenceSeconds + probes * probeSeconds) * 1000;

} // namespace

void detectDeadPeer(int socket)
{
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &silenceSeconds, sizeof silenceSeconds);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &probeSeconds, sizeof probeSeconds);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unansweredMs, sizeof unansweredMs);
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

} // namespace llmproxy
