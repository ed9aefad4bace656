// SPDX-License-Identifier: GPL-3.0-only
// A second process that outlives this one when it is killed, and cleans up after it then: `run` revokes its token, a
// demo removes its folder. Created before any thread; it waits on a pipe whose other end only this process holds. Thread: main.
#pragma once

#include <functional>
#include <string>

namespace llmproxy {

class EndGuard
{
public:
    // Forks. In the new process cleanUp(what) is called when this one dies between protect() and release().
    explicit EndGuard(const std::function<void(const std::string &what)> &cleanUp);
    ~EndGuard();
    EndGuard(const EndGuard &) = delete;
    EndGuard &operator=(const EndGuard &) = delete;

    // At most once.
    void protect(const std::string &what);
    // It is cleaned up: nothing is left to do.
    void release();

private:
    void send(const std::string &text) const;
    int m_fd = -1;
    int m_pid = -1;
};

} // namespace llmproxy
