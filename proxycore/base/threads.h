// SPDX-License-Identifier: GPL-3.0-only
// Where threads are made, and where an exception ends. Threads are made at start, when a system that has none left can be told in
// a sentence and nothing has been promised yet; what runs later hands its work to them. Nothing of ours throws on purpose once it
// runs, but memory and libraries may: an exception ends at the few places that call into everything else (a poller's callbacks,
// a management call, a job, a thread), where somebody can be told. Thread: any.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace llmproxy {

// A running thread of this name (at most 15 characters). At start only: std::system_error when the system has none left, which
// Engine::start() says. An exception that comes out of work ends the process, on purpose and after a line in the log: what the
// thread was in the middle of is not known, and the next start repairs what a kill leaves.
std::thread makeThread(std::string name, std::function<void()> work);

// The same for what can do without, at any time: false when the system has no thread left, and work is not run.
bool tryThread(std::thread &thread, std::string name, std::function<void()> work) noexcept;
// The same for work that may never return (a read that hangs in the kernel): nobody waits for it. It owns all that it uses.
bool tryDetachedThread(std::string name, std::function<void()> work) noexcept;

// Runs it; an exception is logged (where: "management", "job", …) and makes it false.
bool guarded(std::string_view where, const std::function<void()> &work) noexcept;
// To be called in a catch (...): the same line in the log, for what runs too often to be wrapped.
void logException(std::string_view where) noexcept;

} // namespace llmproxy
