// SPDX-License-Identifier: GPL-3.0-only
// The listener on loopback that a server with TLS opens for one command: it lives as long as this, or this process, and the server.
// Thread: main.
#pragma once

#include <memory>
#include <string>
#include <thread>

namespace llmproxy {

struct ControlSocket;

class PrivateListener
{
public:
    // Null: problem says why.
    static std::unique_ptr<PrivateListener> open(const ControlSocket &socket, std::string *problem);
    ~PrivateListener();
    PrivateListener(const PrivateListener &) = delete;
    PrivateListener &operator=(const PrivateListener &) = delete;

    const std::string &url() const { return m_url; } // http://127.0.0.1:41234

private:
    explicit PrivateListener(int fd) : m_fd(fd) {}
    std::string ask();
    void watch();

    int m_fd, m_end = -1; // the connection; what ends the thread
    std::string m_url;
    std::thread m_watch; // says so when the server ends first
};

} // namespace llmproxy
