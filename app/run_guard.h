// SPDX-License-Identifier: GPL-3.0-only
// A second process that outlives `llm-proxy run` when that is killed, and revokes its token then. Made before
// any thread; it waits on a pipe whose other end only `run` holds. Thread: main.
#pragma once

#include <functional>
#include <string>

namespace llmproxy {

class RunGuard
{
public:
    // Forks. In the new process revoke(id) is called when this one dies between protect() and release().
    explicit RunGuard(const std::function<void(const std::string &tokenId)> &revoke);
    ~RunGuard();
    RunGuard(const RunGuard &) = delete;
    RunGuard &operator=(const RunGuard &) = delete;

    void protect(const std::string &tokenId);
    // The token is revoked: nothing to do any more.
    void release();

private:
    void send(const std::string &text) const;
    int m_fd = -1;
    int m_pid = -1;
};

} // namespace llmproxy
