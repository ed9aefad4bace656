// SPDX-License-Identifier: GPL-3.0-only
// Tells a peer that is silent from one that is gone. Thread: any.
#pragma once

namespace llmproxy {

// NATs and firewalls forget a connection that was silent for 120 to 350 s, and a model may think longer than that (ruling 61): after
// 60 s of silence the kernel sends a probe every 30 s, which keeps the connection known on its way. A peer that has answered nothing
// for 180 s, neither probes nor data, is gone: epoll reports EPOLLERR, reads and writes fail with ETIMEDOUT. Connections that are
// accepted on a listener inherit this from it, as nginx's so_keepalive relies on, which saves five system calls for each.
void detectDeadPeer(int socket);

} // namespace llmproxy
