// SPDX-License-Identifier: GPL-3.0-only
// PATCH of a project, with activation, deactivation and revocation of its tokens in one decision.
#include "manage/project_records.h"

#include "base/clock.h"
#include "manage/provider_key_input.h"
#include "manage/resources.h"
#include "manage/views.h"

#include <algorithm>

namespace llmproxy {

namespace {

struct ProjectChange
{
    std::optional<QString> name, environment;
    std::optional<bool> active;
    bool revokeTokens = false;
    std::optional<QStringList> allowedModels;
    bool replaceProviders = false; // "providers" was given; else single fields of the preferred one
    std::vector<ProviderKeyInput> providers;
    std::string changed;           // names of the given fields, for the event
};

Result<ProjectChange> readChange(const ManageContext &context, const JsonObject &body, const QString &preferred)
{
    ProjectChange change;
    if (body.has("name"))
        change.name = body.text("name");
    if (body.has("environment"))
        change.environment = storedEnvironment(body.text("environment"));
    if (body.has("is_active"))
        change.active = body.boolean("is_active", true);
    change.revokeTokens = body.boolean("revoke_tokens", false);
    if (change.revokeTokens && change.active != std::optional(false))
        return invalidField("revoke_tokens", "'revoke_tokens' goes with \"is_active\": false.");
    if (body.has("allowed_models"))
        change.allowedModels = body.list("allowed_models");
    change.replaceProviders = body.has("providers");
    auto providers = readProviders(context, body, preferred);
    if (!providers)
        return providers.error();
    change.providers = std::move(*providers);
    for (const std::string &name : body.names())
        change.changed += (change.changed.empty() ? "" : ",") + name;
    return change;
}

const ProviderKey *keyOf(const Project &record, const QString &provider)
{
    const auto found = std::find_if(record.providers.begin(), record.providers.end(),
                                    [&](const ProviderKey &key) { return key.provider == provider; });
    return found == record.providers.end() ? nullptr : &*found;
}

Outcome applyProviders(const ManageCall &call, const ProjectChange &change, Project &record, int64_t nowMs)
{
    std::vector<ProviderKey> keys;
    for (const ProviderKeyInput &input : change.providers) {
        auto key = makeProviderKey(call, record.id, input, keyOf(record, input.provider), nowMs);
        if (!key)
            return key.error();
        keys.push_back(std::move(*key));
    }
    if (keys.empty())
        return {};
    if (!change.replaceProviders) {
        // The single fields are the preferred provider's; another one that was there moves to the front. Of several,
        // none is lost; a project with one provider changes it.
        for (size_t i = record.providers.size() > 1 ? 0 : 1; i < record.providers.size(); ++i) {
            if (record.providers[i].provider != keys.front().provider)
                keys.push_back(record.providers[i]);
        }
    }
    record.providers = std::move(keys);
    return {};
}

Outcome applyChange(const ManageCall &call, const ProjectChange &change, Project &record, int64_t nowMs)
{
    if (change.name)
        record.name = *change.name;
    if (change.environment)
        record.environment = *change.environment;
    if (change.allowedModels)
        record.allowedModels = *change.allowedModels;
    if (change.active && *change.active != record.active) {
        record.active = *change.active;
        record.deactivatedMs = record.active ? 0 : nowMs;
    }
    record.updatedMs = nowMs;
    return applyProviders(call, change, record, nowMs);
}

std::vector<std::string> tokenIdsOf(const Snapshot &now, const std::string &projectId)
{
    std::vector<std::string> ids;
    now.eachToken([&](const TokenPtr &token) {
        if (token->projectId() == projectId)
            ids.emplace_back(token->id());
    });
    return ids;
}

} // namespace

void updateProject(const CallPtr &call)
{
    const ProjectPtr seen = visibleProject(*call->context().snapshots->current(), call->id);
    if (!seen) {
        refuse(call, projectNotFound());
        return;
    }
    const auto wanted = readChange(call->context(), call->input.root(), seen->record.providers.front().provider);
    if (!wanted) {
        refuse(call, wanted.error());
        return;
    }
    const auto cut = std::make_shared<std::vector<std::string>>();
    const auto decide = [call, cut, wanted = *wanted](const Snapshot &now) -> Result<Decision> {
        const ProjectPtr project = visibleProject(now, call->id);
        if (!project)
            return projectNotFound();
        const int64_t nowMs = Clock::wallMs();
        Decision decision;
        Project record = project->record;
        if (auto failure = applyChange(*call, wanted, record, nowMs))
            return *failure;
        AuditEvent event = eventOf(*call, "success", 200);
        event.detail("changed", wanted.changed);
        if (wanted.active)
            event.detail("is_active", *wanted.active);
        decision.events.push_back(std::move(event));
        if (wanted.revokeTokens) {
            Revocation revocation = revokeProject(now, call->id, nowMs);
            decision.changes = std::move(revocation.changes);
            AuditEvent batch = eventOf(*call, "success", 200);
            batch.action = Action::TokenRevokeBatch;
            batch.detail("revoked_count", revocation.revoked);
            batch.detail("already_revoked_count", revocation.alreadyRevoked);
            decision.events.push_back(std::move(batch));
        }
        if (!record.active && wanted.active)
            *cut = tokenIdsOf(now, call->id);
        decision.changes.insert(decision.changes.begin(), PutProject{std::move(record)});
        return decision;
    };
    const bool deactivates = wanted->active == std::optional(false);
    const auto apply = [call, cut, decide, deactivates, notes = notesOf(wanted->providers)] {
        change(call, 200, decide, [call, cut, notes] {
            if (!cut->empty())
                call->context().cutStreams(*cut);
            return withNotes(publishedProject(call->context(), call->id), notes);
        }, deactivates ? Rights::Take : Rights::Give);
    };
    if (deactivates)
        apply(); // what takes rights away waits for nobody
    else
        whenKeysAnswered(call, wanted->providers, apply);
}

} // namespace llmproxy
