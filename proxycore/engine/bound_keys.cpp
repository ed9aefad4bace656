// SPDX-License-Identifier: GPL-3.0-only
#include "engine/bound_keys.h"

#include <algorithm>

namespace llmproxy {

namespace {

// The project as the decision will leave it.
Project *changedProject(Decision &decision, const Snapshot &now, const std::string &id)
{
    for (Change &change : decision.changes) {
        auto *const put = std::get_if<PutProject>(&change);
        if (put && put->project.id.toStdString() == id)
            return &put->project;
    }
    const ProjectPtr project = now.project(id);
    if (!project)
        return nullptr;
    decision.changes.emplace_back(PutProject{project->record});
    return &std::get<PutProject>(decision.changes.back()).project;
}

void unbind(Decision &decision, const Snapshot &now, const BoundKey &bound)
{
    Project *const project = changedProject(decision, now, bound.projectId);
    if (!project)
        return;
    for (ProviderKey &key : project->providers) {
        if (key.provider.toStdString() == bound.provider)
            key.sealedUrl.clear();
    }
}

} // namespace

void tellBoundKeys(Decision &decision, const Snapshot &now, const std::vector<BoundKey> &bound, bool isDatabaseOlder, const OriginOf &originOf)
{
    for (const BoundKey &one : bound) {
        if (isDatabaseOlder)
            unbind(decision, now, one);
        AuditEvent event(Action::ProjectUpdate, "system", isDatabaseOlder ? "failure" : "success");
        event.projectId = one.projectId;
        event.detail("changed", "key_origin").detail("provider", one.provider).detail("origin", originOf(one.provider, one.baseUrl));
        event.detail("reason", isDatabaseOlder ? "database_restored" : "schema_upgrade");
        decision.events.push_back(std::move(event));
    }
}

} // namespace llmproxy
