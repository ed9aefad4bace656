// SPDX-License-Identifier: GPL-3.0-only
#include "base/threads.h"

#include "base/log.h"

#include <cstdlib>
#include <exception>
#include <pthread.h>
#include <utility>

namespace llmproxy {

namespace {

void runThread(const std::string &name, const std::function<void()> &work) noexcept
{
    pthread_setname_np(pthread_self(), name.c_str());
    if (guarded(name, work))
        return;
    guarded(name, [&name] { logError("a thread cannot go on; the process ends, and the next start repairs what was not finished", {{"thread", name}}); });
    std::_Exit(EXIT_FAILURE);
}

} // namespace

std::thread makeThread(std::string name, std::function<void()> work)
{
    return std::thread([name = std::move(name), work = std::move(work)] { runThread(name, work); });
}

bool tryThread(std::thread &thread, std::string name, std::function<void()> work) noexcept
{
    return guarded("threads", [&] { thread = makeThread(std::move(name), std::move(work)); });
}

bool tryDetachedThread(std::string name, std::function<void()> work) noexcept
{
    return guarded("threads", [&] { makeThread(std::move(name), std::move(work)).detach(); });
}

bool guarded(std::string_view where, const std::function<void()> &work) noexcept
{
    try {
        work();
        return true;
    } catch (...) {
        logException(where);
        return false;
    }
}

void logException(std::string_view where) noexcept
{
    try {
        try {
            throw;
        } catch (const std::exception &exception) {
            logError("exception", {{"where", std::string(where)}, {"what", exception.what()}});
        } catch (...) {
            logError("exception", {{"where", std::string(where)}, {"what", "unknown"}});
        }
    } catch (...) { // not even a line can be written
    }
}

} // namespace llmproxy
