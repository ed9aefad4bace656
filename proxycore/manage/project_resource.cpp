// SPDX-License-Identifier: GPL-3.0-only
// Projects: list, show, create, key rotation, delete. Changing fields is in project_change.cpp.
#include "manage/project_records.h"

#include "base/clock.h"
#include "base/random.h"
#include "manage/page.h"
#include "manage/provider_key_input.h"
#include "manage/resources.h"
#include "manage/views.h"

#include <algorithm>

namespace llmproxy {

Error projectNotFound()
{
    return {ErrorKind::NotFound, "not_found", "There is no project of this id.", {}};
}

ProjectPtr visibleProject(const Snapshot &now, const std::string &id)
{
    ProjectPtr project = now.project(id);
    return project && !project->record.deleted ? project : nullptr;
}

QString storedEnvironment(const QString &environment)
{
    return environment == QLatin1String("testing") ? QStringLiteral("test") : environment;
}

QJsonObject publishedProject(const ManageContext &context, const std::string &id)
{
    const ProjectPtr project = context.snapshots->current()->project(id);
    return project ? projectView(context, *project, Clock::wallMs()) : QJsonObject();
}

void listProjects(const CallPtr &call)
{
    const auto page = PageRequest::from(call->query);
    if (!page) {
        refuse(call, page.error());
        return;
    }
    const int64_t nowMs = Clock::wallMs();
    const QString state = call->query.text("state");
    Page items(*page);
    for (const ProjectPtr &project : call->context().snapshots->current()->projects()) {
        const Project &record = project->record;
        if (record.deleted || !nameMatches(record.name.toStdString(), call->query.text("q"))
            || (!state.isEmpty() && record.active != (state == QLatin1String("active"))))
            continue;
        items.offer(record.createdMs, record.name.toStdString(), project->id, [call, project, nowMs] { return projectView(call->context(), *project, nowMs); });
    }
    noteRead(call);
    answer(call, 200, items.json());
}

void readProject(const CallPtr &call)
{
    const ProjectPtr project = visibleProject(*call->context().snapshots->current(), call->id);
    if (!project) {
        refuse(call, projectNotFound());
        return;
    }
    noteRead(call);
    answer(call, 200, projectView(call->context(), *project, Clock::wallMs()));
}

void createProject(const CallPtr &call)
{
    const JsonObject body = call->input.root();
    const int64_t nowMs = Clock::wallMs();
    Project record;
    record.id = body.text("id", QStringLiteral("proj-") + QString::fromStdString(randomBase62(12)));
    record.name = body.text("name");
    record.environment = storedEnvironment(body.text("environment", QStringLiteral("development")));
    record.active = body.boolean("is_active", true);
    record.allowedModels = body.list("allowed_models");
    record.createdMs = record.updatedMs = nowMs;
    record.deactivatedMs = record.active ? 0 : nowMs;

    auto inputs = readProviders(call->context(), body, QStringLiteral("openai"));
    if (inputs && inputs->empty())
        inputs->push_back({.provider = QStringLiteral("openai")});
    if (!inputs) {
        refuse(call, inputs.error());
        return;
    }
    for (const ProviderKeyInput &input : *inputs) {
        auto key = makeProviderKey(*call, record.id, input, nullptr, nowMs);
        if (!key) {
            refuse(call, key.error());
            return;
        }
        record.providers.push_back(std::move(*key));
    }
    const std::string id = record.id.toStdString();
    const auto decide = [call, record, id](const Snapshot &now) -> Result<Decision> {
        if (now.project(id))
            return Error{ErrorKind::Conflict, "conflict", "A project with this id exists or existed.", "id"};
        AuditEvent event = eventOf(*call, "success", 201);
        event.projectId = id;
        event.detail("environment", record.environment.toStdString());
        event.detail("provider", record.providers.front().provider.toStdString());
        return Decision{{PutProject{record}}, {std::move(event)}};
    };
    whenKeysAnswered(call, *inputs, [call, decide, id, notes = notesOf(*inputs)] {
        change(call, 201, decide, [call, id, notes] { return withNotes(publishedProject(call->context(), id), notes); });
    });
}

void rotateProjectKey(const CallPtr &call)
{
    const JsonObject body = call->input.root();
    const ProjectPtr seen = visibleProject(*call->context().snapshots->current(), call->id);
    if (!seen) {
        refuse(call, projectNotFound());
        return;
    }
    const auto input = readProviderKey(call->context(), body, seen->record.providers.front().provider);
    if (!input) {
        refuse(call, input.error());
        return;
    }
    const auto decide = [call, input = *input](const Snapshot &now) -> Result<Decision> {
        const ProjectPtr project = visibleProject(now, call->id);
        if (!project)
            return projectNotFound();
        Project record = project->record;
        const auto found = std::find_if(record.providers.begin(), record.providers.end(),
                                        [&](const ProviderKey &key) { return key.provider == input.provider; });
        if (found == record.providers.end())
            return invalidField("provider", "The project does not use this provider.");
        const int64_t nowMs = Clock::wallMs();
        auto key = makeProviderKey(*call, record.id, input, &*found, nowMs);
        if (!key)
            return key.error();
        *found = std::move(*key);
        record.updatedMs = nowMs;
        AuditEvent event = eventOf(*call, "success", 200);
        event.detail("provider", input.provider.toStdString());
        return Decision{{PutProject{std::move(record)}}, {std::move(event)}};
    };
    whenKeysAnswered(call, {*input}, [call, decide] {
        change(call, 200, decide, [call] { return publishedProject(call->context(), call->id); });
    });
}

void deleteProject(const CallPtr &call)
{
    const auto decide = [call](const Snapshot &now) -> Result<Decision> {
        const ProjectPtr project = visibleProject(now, call->id);
        if (!project)
            return projectNotFound();
        if (project->record.active)
            return Error{ErrorKind::Conflict, "project_active", "Deactivate the project first.", {}};
        const int64_t nowMs = Clock::wallMs();
        bool hasTokens = false;
        now.eachToken([&](const TokenPtr &token) { hasTokens |= token->projectId() == call->id && token->terms.liveAt(nowMs); });
        if (hasTokens)
            return Error{ErrorKind::Conflict, "project_has_tokens", "Revoke the project's live tokens first.", {}};
        Project record = project->record;
        record.deleted = true;
        record.updatedMs = nowMs;
        for (ProviderKey &key : record.providers) {
            key.sealedKey.clear();
            key.reference.clear();
            key.sealedUrl.clear();
            key.masked.clear();
            key.keySetMs = 0;
        }
        return Decision{{PutProject{std::move(record)}}, {eventOf(*call, "success", 200)}};
    };
    change(call, 200, decide, [call] { return publishedProject(call->context(), call->id); }, Rights::Take);
}

} // namespace llmproxy
