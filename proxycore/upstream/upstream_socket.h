// SPDX-License-Identifier: GPL-3.0-only
// One connection to a provider, as its call and the pool of idle ones see it. Thread: its poller's.
#pragma once

#include "front/poller.h"

#include <curl/curl.h>

#include <sys/types.h>

struct ssl_st; // OpenSSL's SSL

namespace llmproxy {

// A connected socket; reads and writes through curl when TLS is on it. In the epoll set for its whole life, whoever
// uses it: entering and leaving for each request would be four system calls of ten.
class UpstreamSocket final : public PollHandler
{
public:
    UpstreamSocket(Poller &poller, int fd); // plain: ours alone, closed here
    UpstreamSocket(Poller &poller, CURLM *multi, CURL *easy, int fd); // curl's, with TLS or a proxy on it
    ~UpstreamSocket() override;
    UpstreamSocket(const UpstreamSocket &) = delete;
    UpstreamSocket &operator=(const UpstreamSocket &) = delete;
    // Who hears of its events; may delete it in onReady(). watch(): EPOLLIN and EPOLLRDHUP as long as nothing else is said.
    void setOwner(PollHandler *owner) { m_owner = owner; }
    void watch(uint32_t events);
    void onReady(uint32_t events) override;
    void onBroken() noexcept override;
    int fd() const { return m_fd; }
    bool mayHoldBytes() const { return m_easy != nullptr; } // TLS: epoll does not show all
    // OpenSSL has read ahead: part of a record, session tickets, an end or bytes that nobody asked for.
    bool holdsUnread();
    // Nothing unread and no end, on the socket or inside OpenSSL. Reads what TLS sends on its own account (session tickets). The connection is
    // of no use afterwards if this is false: a byte may have been read.
    bool isQuiet();
    // > 0 bytes; 0 end; -1 would block; -2 broken.
    ssize_t read(char *buffer, size_t size);
    ssize_t write(const char *bytes, size_t size);
    void resetOnClose(); // RST instead of FIN

private:
    Poller &m_poller;
    PollHandler *m_owner = nullptr;
    uint32_t m_watched = EPOLLIN | EPOLLRDHUP;
    CURLM *m_multi = nullptr;
    CURL *m_easy = nullptr; // null: read and written directly
    ssl_st *m_tls = nullptr; // curl's, once it was read or written
    int m_fd;
};

} // namespace llmproxy
