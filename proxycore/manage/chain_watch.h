// SPDX-License-Identifier: GPL-3.0-only
// How far the audit log's chain was verified, and what was found. The engine looks at what is new when it starts, every hour, and when
// somebody reads doctor; all of it is verified by command. Thread: any.
#pragma once

#include "base/clock.h"
#include "storage/chain_mark.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace llmproxy {

struct AuditCheckReport;
struct ManageState;

class ChainWatch
{
public:
    // The last look of this run, or what is stored of an earlier one. nullopt: there was none in this run yet.
    std::optional<ChainMark> last() const;
    void set(ChainMark mark);

    enum class Begin { Fresh, Waits, Looks };
    // Fresh: the last look is younger than ten seconds, and good enough. Waits: one is being taken. Looks: the caller takes it, and
    // calls end(). done, which may be empty, is kept for end() in the last two.
    Begin begin(std::function<void()> done);
    void end();

private:
    mutable std::mutex m_lock;
    std::optional<ChainMark> m_mark;
    int64_t m_setMs = 0; // steady clock
    bool m_isLooking = false;
    std::vector<std::function<void()>> m_waiting;
};

// Verifies what came since the last look. done is called when that is over, on a thread of its own; it may be empty. False: the last
// look is fresh, or auditing is off, and done is not called.
bool verifyNew(const std::shared_ptr<ManageState> &state, std::function<void()> done);
// After a verification of all.
void noteVerified(const std::shared_ptr<ManageState> &state, const AuditCheckReport &report);

} // namespace llmproxy
