// SPDX-License-Identifier: GPL-3.0-only
// What the project and token resources share about projects and lineages. Thread: any.
#pragma once

#include "access/snapshot.h"
#include "access/store.h"
#include "manage/call.h"

#include <set>
#include <string>
#include <vector>

namespace llmproxy {

Error projectNotFound();
// Null for unknown and for deleted ones.
ProjectPtr visibleProject(const Snapshot &now, const std::string &id);
QString storedEnvironment(const QString &environment);
// The project as it stands in the newest snapshot.
QJsonObject publishedProject(const ManageContext &context, const std::string &id);

// What a revocation did, or is about to do.
struct Revocation
{
    std::vector<Change> changes;
    std::vector<std::string> cutIds; // every token of the lineages: streams may outlive their token's grace
    std::set<std::shared_ptr<LineageState>> lineages;
    int64_t revoked = 0;
    int64_t alreadyRevoked = 0;

    // Running requests right now.
    int64_t activeStreams() const;
};

// Revokes every live token of the project.
Revocation revokeProject(const Snapshot &now, const std::string &projectId, int64_t nowMs);
// Revokes every live token of the lineage, and this token even when it has expired.
Revocation revokeLineage(const Snapshot &now, const TokenEntry &token, int64_t nowMs);

} // namespace llmproxy
