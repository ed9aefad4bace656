// SPDX-License-Identifier: GPL-3.0-only
#include "storage/entries.h"

#include "base/log.h"

#include <algorithm>

namespace llmproxy {

namespace {

std::vector<std::string> texts(const QStringList &list)
{
    std::vector<std::string> result;
    for (const QString &text : list)
        result.push_back(text.toStdString());
    return result;
}

ProviderEntry makeProvider(const ProviderKey &record, const std::string &projectId, const KeyRing &keys,
                           ReferenceResolver &references)
{
    ProviderEntry entry{record.provider.toStdString(), record.baseUrl.toStdString(), nullptr, false};
    if (!record.reference.isEmpty()) {
        if (auto resolved = references.resolve(record.reference.toStdString()))
            entry.key = *resolved;
        entry.keyUnusable = !entry.key;
    } else if (!record.sealedKey.isEmpty()) {
        auto opened = keys.unseal(record.sealedKey.toStdString(), "project", projectId, entry.provider + ".api_key");
        if (opened)
            entry.key = std::make_shared<const Secret>(std::move(*opened));
        entry.keyUnusable = !entry.key;
    }
    if (entry.keyUnusable)
        logWarn("provider_key_unusable", {{"project_id", projectId}, {"provider", entry.provider}});
    return entry;
}

} // namespace

ProjectPtr makeProjectEntry(const Project &project, const KeyRing &keys, ReferenceResolver &references)
{
    auto entry = std::make_shared<ProjectEntry>();
    entry->record = project;
    entry->id = project.id.toStdString();
    entry->allowedModels = texts(project.allowedModels);
    for (const ProviderKey &key : project.providers)
        entry->providers.push_back(makeProvider(key, entry->id, keys, references));
    return entry;
}

TokenPtr makeTokenEntry(const Token &token, std::shared_ptr<LineageState> state)
{
    auto entry = std::make_shared<TokenEntry>();
    if (token.hash.size() != static_cast<qsizetype>(entry->hash.size()))
        return nullptr;
    std::copy(token.hash.begin(), token.hash.end(), entry->hash.begin());
    entry->record = token;
    entry->id = token.id.toStdString();
    entry->masked = token.masked.toStdString();
    entry->projectId = token.projectId.toStdString();
    entry->allowedModels = texts(token.allowedModels);
    entry->allowedEndpoints = texts(token.allowedEndpoints);
    for (const std::string &text : texts(token.allowedIps)) {
        // A damaged rule must not become "from everywhere": the unspecified address is nobody's.
        entry->allowedIps.push_back(Cidr::parse(text).value_or(Cidr{}));
    }
    entry->state = std::move(state);
    return entry;
}

std::vector<ReferenceValue> changedReferences(const Snapshot &snapshot, ReferenceResolver &references)
{
    std::vector<ReferenceValue> changed;
    const std::vector<ProjectPtr> projects = snapshot.projects();
    for (const ProjectPtr &project : projects) {
        for (size_t at = 0; at < project->providers.size(); ++at) {
            const std::string reference = project->record.providers[at].reference.toStdString();
            if (reference.empty())
                continue;
            const SharedSecret &old = project->providers[at].key;
            auto resolved = references.resolve(reference);
            const SharedSecret now = resolved ? *resolved : nullptr;
            const bool same = old && now ? old == now || old->equals(now->reveal()) : !old && !now;
            if (!same)
                changed.push_back({project->id, project->providers[at].provider, reference, now});
        }
    }
    return changed;
}

ProjectPtr withReferenceValue(const Snapshot &snapshot, const ReferenceValue &value)
{
    const ProjectPtr project = snapshot.project(value.projectId);
    if (!project)
        return nullptr;
    for (size_t at = 0; at < project->providers.size(); ++at) {
        if (project->providers[at].provider != value.provider
            || project->record.providers[at].reference.toStdString() != value.reference)
            continue;
        auto next = std::make_shared<ProjectEntry>(*project);
        next->providers[at].key = value.key;
        next->providers[at].keyUnusable = !value.key;
        return next;
    }
    return nullptr;
}

} // namespace llmproxy
