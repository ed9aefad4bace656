// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/upstream_socket.h"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace llmproxy {

UpstreamSocket::UpstreamSocket(Poller &poller, int fd) : UpstreamSocket(poller, nullptr, nullptr, fd)
{
}

UpstreamSocket::UpstreamSocket(Poller &poller, CURLM *multi, CURL *easy, int fd) : m_poller(poller), m_multi(multi), m_easy(easy), m_fd(fd)
{
    m_poller.add(m_fd, m_watched, this);
}

void UpstreamSocket::watch(uint32_t events)
{
    if (events == m_watched)
        return;
    m_watched = events;
    m_poller.change(m_fd, events, this);
}

void UpstreamSocket::onReady(uint32_t events)
{
    if (m_owner)
        m_owner->onReady(events); // this may be gone now
}

void UpstreamSocket::onBroken() noexcept
{
    if (m_owner)
        m_owner->onBroken();
}

UpstreamSocket::~UpstreamSocket()
{
    m_poller.remove(m_fd, this);
    if (!m_easy) {
        ::close(m_fd);
        return;
    }
    curl_multi_remove_handle(m_multi, m_easy);
    curl_easy_cleanup(m_easy);
}

ssize_t UpstreamSocket::read(char *buffer, size_t size)
{
    if (!m_easy) {
        const ssize_t got = recv(m_fd, buffer, size, 0);
        return got >= 0 ? got : (errno == EAGAIN || errno == EINTR ? -1 : -2);
    }
    size_t got = 0;
    const CURLcode code = curl_easy_recv(m_easy, buffer, size, &got);
    if (code == CURLE_OK)
        return static_cast<ssize_t>(got);
    return code == CURLE_AGAIN ? -1 : -2;
}

ssize_t UpstreamSocket::write(const char *bytes, size_t size)
{
    if (!m_easy) {
        const ssize_t sent = send(m_fd, bytes, size, MSG_NOSIGNAL);
        return sent >= 0 ? sent : (errno == EAGAIN || errno == EINTR ? -1 : -2);
    }
    size_t sent = 0;
    const CURLcode code = curl_easy_send(m_easy, bytes, size, &sent);
    if (code == CURLE_OK)
        return static_cast<ssize_t>(sent);
    return code == CURLE_AGAIN ? -1 : -2;
}

bool UpstreamSocket::holdsUnread()
{
    if (!m_easy)
        return false;
    curl_tlssessioninfo *session = nullptr;
    if (!m_tls && curl_easy_getinfo(m_easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session && session->backend == CURLSSLBACKEND_OPENSSL)
        m_tls = static_cast<SSL *>(session->internals);
    return m_tls && SSL_has_pending(m_tls);
}

bool UpstreamSocket::isQuiet()
{
    char byte = 0;
    if (!m_easy)
        return recv(m_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
    return read(&byte, 1) == -1 && !holdsUnread();
}

void UpstreamSocket::resetOnClose()
{
    const ::linger option{1, 0};
    setsockopt(m_fd, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}

} // namespace llmproxy
