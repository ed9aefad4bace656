// SPDX-License-Identifier: GPL-3.0-only
#include "front/client_socket.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace llmproxy {

ClientSocket::ClientSocket(int fd, const TlsIdentity *identity) : m_fd(fd)
{
    if (!identity)
        return;
    m_handshaking = true;
    m_tls = identity->newSession(fd);
    m_broken = m_tls == nullptr; // out of memory: the handshake fails
}

ClientSocket::~ClientSocket()
{
    close(false);
}

// A TLS client begins with the byte 22 (RFC 8446 section 5.1), HTTP with a method in capitals.
bool ClientSocket::isPlainHttp()
{
    char first = 0;
    m_sawFirstByte = recv(m_fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
    return m_sawFirstByte && first >= 'A' && first <= 'Z';
}

ClientSocket::Handshake ClientSocket::handshake()
{
    if (m_broken)
        return Handshake::Failed;
    if (!m_sawFirstByte && isPlainHttp()) {
        SSL_free(m_tls);
        m_tls = nullptr;
        m_handshaking = false;
        return Handshake::PlainHttp;
    }
    ERR_clear_error();
    const int result = SSL_do_handshake(m_tls);
    m_wantsWrite = false;
    if (result == 1) {
        m_handshaking = false;
        return Handshake::Done;
    }
    const int error = SSL_get_error(m_tls, result);
    m_wantsWrite = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || m_wantsWrite)
        return Handshake::Again;
    m_broken = true;
    const char *const reason = ERR_reason_error_string(ERR_peek_error());
    if (m_sawFirstByte)
        m_problem = reason ? reason : "the client closed the connection";
    return Handshake::Failed;
}

ssize_t ClientSocket::failed(int result)
{
    const int error = SSL_get_error(m_tls, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -1;
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    m_broken = true;
    return -2;
}

ssize_t ClientSocket::read(char *buffer, size_t size)
{
    if (!m_tls) {
        const ssize_t got = recv(m_fd, buffer, size, 0);
        return got >= 0 ? got : (errno == EAGAIN || errno == EINTR ? -1 : -2);
    }
    ERR_clear_error();
    const int got = SSL_read(m_tls, buffer, static_cast<int>(std::min<size_t>(size, INT_MAX)));
    m_writeWantsRead = false;
    m_drained = got <= 0; // what OpenSSL still holds is the beginning of a record: epoll shows its rest
    return got > 0 ? got : failed(got);
}

ssize_t ClientSocket::write(const char *bytes, size_t size)
{
    if (!m_tls) {
        ssize_t sent = 0;
        do {
            sent = send(m_fd, bytes, size, MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        return sent >= 0 ? sent : (errno == EAGAIN ? -1 : -2);
    }
    ERR_clear_error();
    const int sent = SSL_write(m_tls, bytes, static_cast<int>(std::min<size_t>(size, INT_MAX)));
    if (sent > 0)
        return sent;
    m_writeWantsRead = SSL_get_error(m_tls, sent) == SSL_ERROR_WANT_READ;
    return failed(sent) == -1 ? -1 : -2;
}

bool ClientSocket::hasPending() const
{
    return m_tls && !m_handshaking && !m_drained && SSL_has_pending(m_tls) == 1;
}

int64_t ClientSocket::unread() const
{
    int bytes = 0;
    return m_tls || ioctl(m_fd, FIONREAD, &bytes) != 0 ? -1 : bytes;
}

void ClientSocket::endWriting()
{
    if (m_tls && !m_broken && !m_handshaking) {
        ERR_clear_error();
        SSL_shutdown(m_tls);
    }
    ::shutdown(m_fd, SHUT_WR);
}

void ClientSocket::close(bool reset)
{
    if (m_fd < 0)
        return;
    if (reset) {
        const ::linger option{1, 0};
        setsockopt(m_fd, SOL_SOCKET, SO_LINGER, &option, sizeof option);
    } else if (m_tls && !m_broken && !m_handshaking && !(SSL_get_shutdown(m_tls) & SSL_SENT_SHUTDOWN)) {
        ERR_clear_error();
        SSL_shutdown(m_tls);
    }
    SSL_free(m_tls);
    m_tls = nullptr;
    ::close(m_fd);
    m_fd = -1;
}

} // namespace llmproxy
