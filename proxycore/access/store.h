// SPDX-License-Identifier: GPL-3.0-only
// How projects and tokens change: one door, implemented by storage. A change is decided on the storage
// thread against the newest state, written with its audit event in one transaction, published as a new
// snapshot, and only then answered. Several waiting changes share one commit (group commit).
#pragma once

#include "access/records.h"
#include "access/snapshot.h"
#include "audit/event.h"
#include "base/result.h"

#include <functional>
#include <variant>
#include <vector>

namespace llmproxy {

struct PutProject { Project project; }; // insert or replace
struct PutToken { Token token; };
struct RemoveToken { QString id; };
using Change = std::variant<PutProject, PutToken, RemoveToken>;

struct Decision
{
    std::vector<Change> changes;
    std::vector<AuditEvent> events; // what the changes are called, in order
    // Before the commit, with the seq of the last event: what changes outside the database takes it along, so that a start after
    // a kill knows whether it was committed. False fails the change. Not called when events have no seq (auditing disabled).
    std::function<bool(int64_t seq)> carry = {};
};

// What a change does to rights. One that takes them away is not put off while the audit table lags behind its file, and is tried
// longer when another process locks the database.
enum class Rights { Give, Take };

class AccessStore
{
public:
    virtual ~AccessStore() = default;

    // Runs on the storage thread; must not block. An Error changes nothing and writes no event here.
    using Decide = std::function<Result<Decision>(const Snapshot &now)>;
    // Runs on the storage thread after the snapshot is published (or with the Error).
    using Done = std::function<void(const Outcome &failure)>;
    virtual void submit(Decide decide, Done done, Rights rights = Rights::Give) = 0;
};

} // namespace llmproxy
