// SPDX-License-Identifier: GPL-3.0-only
// Looks names up for the whole engine: libcurl's own resolver takes a thread for each connection that is made, and where a name server
// does not answer, each of them hangs for half a minute. Here the threads are made at the start and never more; each name is looked up
// once at a time, however many wait for it. Thread: any.
#pragma once

#include "access/cidr.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

struct NameAnswer
{
    enum class Kind : uint8_t {
        Found,
        Failed,   // there is no such name, or nobody answers for it
        Busy,     // too many names wait for a thread already
        TimedOut, // of wait() only
    };
    Kind kind = Kind::Failed;
    std::vector<IpAddress> addresses; // Found: in the order in which they are to be tried
};

struct NameLookUp
{
    std::vector<IpAddress> addresses; // empty: the name cannot be resolved
    bool isUnknown = false;           // there is no such name, or no address of it: an answer, not the lack of one
};

// Its system's: getaddrinfo(). Blocks, up to half a minute.
NameLookUp systemLookUp(const std::string &name);

class Resolver
{
public:
    // May block; called from several threads at a time, and may outlive the resolver.
    using LookUp = std::function<NameLookUp(const std::string &name)>;
    using NowMs = std::function<int64_t()>; // steady
    using Done = std::function<void(const NameAnswer &answer)>;

    static constexpr size_t threadCount = 8;
    static constexpr size_t mostSuspects = threadCount / 2; // look-ups at a time of names that failed last
    static constexpr size_t mostQueued = 256;               // names that wait for a thread
    static constexpr size_t mostNames = 4096;               // that are remembered
    static constexpr int64_t keptMs = 60'000;
    static constexpr int64_t failureKeptMs = 5'000;
    static constexpr int64_t patienceMs = 1'000; // then the last good answer is used while a look-up goes on
    // The last good answer is used no longer than this (RFC 8767 section 5 suggests one to three days), and not once the name is unknown.
    static constexpr int64_t staleMs = 24 * 60 * 60'000;

    // std::system_error: no thread is left (makeThread()).
    explicit Resolver(LookUp lookUp = systemLookUp);
    Resolver(LookUp lookUp, NowMs now);
    ~Resolver(); // forgets who waits, and does not wait for look-ups that hang
    Resolver(const Resolver &) = delete;
    Resolver &operator=(const Resolver &) = delete;

    // The answer, if one is known. Else nothing: done is called once, on a thread of the resolver's and under its lock, so that it must not
    // call back. Not after cancel(*ticket).
    std::optional<NameAnswer> resolve(const std::string &name, Done done, uint64_t *ticket);
    void cancel(uint64_t ticket);
    // The last answer that was good and is not older than staleMs: for who has waited for patienceMs.
    std::optional<NameAnswer> lastGood(const std::string &name) const;
    // Waits for the answer. isCancelled is asked now and then; true ends the wait as a failure.
    NameAnswer wait(const std::string &name, int64_t timeoutMs, const std::function<bool()> &isCancelled);

private:
    struct State;
    const std::shared_ptr<State> m_state; // with the threads: one that hangs in a look-up stays behind
};

} // namespace llmproxy
