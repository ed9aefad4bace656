// SPDX-License-Identifier: GPL-3.0-only
// The referenced secrets in memory. Nobody waits for a source: snapshots peek, values arrive as updates. A value is asked for again
// after 30 s, so that it is never older than the 60 s of the contract while its source answers; while its source is away the last
// good one serves for SECRET_STALE_MAX from when it was read (0: until the source first says that it has none). Owned by the engine.
// Thread: any, one lock, held for moments; what is due is done on a thread of its own ("secrets").
#pragma once

#include "secrets/source.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>

namespace llmproxy {

enum class SecretState : uint8_t {
    Ready,
    Pending, // its source was asked and has not answered yet
    Away,    // its source has none, or does not answer and the last value is too old
};

class SecretCache
{
public:
    SecretCache(SecretSources sources, int64_t staleMaxMs);
    ~SecretCache(); // stop()
    SecretCache(const SecretCache &) = delete;
    SecretCache &operator=(const SecretCache &) = delete;

    // inUse: what is kept fresh; the rest is forgotten. changed: what peek() says of this reference is something else now; called
    // without the lock, on any thread but that of the peek() that asks.
    using InUse = std::function<std::set<std::string>()>;
    using Changed = std::function<void(const std::string &reference)>;
    void observe(InUse inUse, Changed changed); // before start()
    void start();
    // No call to changed after it. Who waits in whenAnswered() is told.
    void stop();

    // Scheme, form, and place allowed; nothing is read.
    Outcome check(const std::string &reference) const;
    struct Peeked
    {
        SharedSecret value; // null: not Ready
        SecretState state = SecretState::Away;
        std::string_view problem = {}; // why the source's last value is no credential, as the end of a sentence; empty: it had none, or it is one
    };
    // Asks the source when it never was.
    Peeked peek(const std::string &reference);
    // then runs when the source has answered, or after atMostMs: at once on this thread, or on another one. A value that was no
    // credential is asked for again first.
    void whenAnswered(const std::string &reference, int64_t atMostMs, std::function<void()> then);
    // The same, blocking; for a job's thread.
    Peeked wait(const std::string &reference, int64_t atMostMs, const std::atomic<bool> &cancelled);

    // Blocks until every source that was asked has answered and changed has run for it, or for atMostMs. For commands, which look once.
    void settle(int64_t atMostMs);

    // What the thread does: asks again what is due, forgets what is too old. Tests call it with a clock of theirs.
    void tick();

private:
    struct Shared;
    SecretSource *sourceOf(const std::string &reference) const;
    void ask(const std::string &reference);
    void forgetProblem(const std::string &reference);
    void run();

    const SecretSources m_sources;
    const std::shared_ptr<Shared> m_shared; // with answers that come late
    InUse m_inUse;
    std::thread m_thread;
};

} // namespace llmproxy
