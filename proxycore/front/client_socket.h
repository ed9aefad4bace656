// SPDX-License-Identifier: GPL-3.0-only
// A client's socket, plain or under TLS, with the same words for both. Owned by its connection. Thread: that one's.
#pragma once

#include "front/tls.h"

#include <cstddef>
#include <string>
#include <sys/types.h>

namespace llmproxy {

class ClientSocket
{
public:
    explicit ClientSocket(int fd, const TlsIdentity *identity = nullptr);
    ~ClientSocket();
    ClientSocket(const ClientSocket &) = delete;
    ClientSocket &operator=(const ClientSocket &) = delete;

    int fd() const { return m_fd; }
    bool isOpen() const { return m_fd >= 0; }
    bool isTls() const { return m_tls != nullptr; }
    // Until it says Done nothing is read or written. Again: when readable, or writable if wantsWrite(). PlainHttp: the client does not
    // speak TLS but HTTP, in clear, and so does this from here on.
    enum class Handshake { Done, Again, Failed, PlainHttp };
    Handshake handshake();
    bool isHandshaking() const { return m_handshaking; }
    bool wantsWrite() const { return m_wantsWrite; }
    // Why it failed; empty when the client only connected and left.
    const std::string &handshakeProblem() const { return m_problem; }

    // > 0 bytes; 0 the end (FIN or close_notify); -1 would block; -2 broken.
    ssize_t read(char *buffer, size_t size);
    ssize_t write(const char *bytes, size_t size);
    // A write that waits until something was read: epoll's EPOLLOUT says nothing about it.
    bool writeWantsRead() const { return m_writeWantsRead; }
    bool hasPending() const; // decrypted bytes that epoll does not show
    // Bytes that stand unread before a FIN; -1: under TLS nobody knows.
    int64_t unread() const;
    void endWriting();       // close_notify and FIN
    void close(bool reset);  // RST: unsent bytes are dropped, no close_notify

private:
    ssize_t failed(int result);
    bool isPlainHttp();

    int m_fd;
    SSL *m_tls = nullptr;
    std::string m_problem;
    bool m_handshaking = false;
    bool m_sawFirstByte = false; // of the handshake
    bool m_wantsWrite = false;
    bool m_writeWantsRead = false;
    bool m_drained = true; // the last read found no whole record
    bool m_broken = false; // SSL_shutdown must not be called any more
};

} // namespace llmproxy
