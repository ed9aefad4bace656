// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"
#include "config/settings.h"
#include "manage/resources.h"

#include <QJsonArray>

#include <set>

namespace llmproxy {

void readOverview(const CallPtr &call)
{
    const ManageContext &context = call->context();
    const SnapshotPtr now = context.snapshots->current();
    const int64_t nowMs = Clock::wallMs();
    qint64 projects = 0, activeProjects = 0, liveTokens = 0, streams = 0;
    for (const ProjectPtr &project : now->projects()) {
        projects += !project->record.deleted;
        activeProjects += !project->record.deleted && project->record.active;
    }
    std::set<const LineageState *> lineages;
    now->eachToken([&](const TokenPtr &token) {
        liveTokens += token->terms.liveAt(nowMs);
        const int64_t active = token->state->active.load(std::memory_order_relaxed);
        if (active > 0 && lineages.insert(token->state.get()).second)
            streams += active;
    });
    QJsonArray providers;
    for (const std::string &name : context.providerNames())
        providers.append(QString::fromStdString(name));
    const std::string listening = context.listenAddress ? context.listenAddress() : std::string();
    answer(call, 200,
           {{QStringLiteral("version"), QStringLiteral(LLM_PROXY_VERSION)},
            {QStringLiteral("listen"), QString::fromStdString(listening.empty() ? context.settings->listen.text() : listening)},
            {QStringLiteral("time"), QString::fromStdString(rfc3339(nowMs))},
            {QStringLiteral("ready"), context.ready()},
            {QStringLiteral("projects"), projects},
            {QStringLiteral("projects_active"), activeProjects},
            {QStringLiteral("tokens"), qint64(now->tokenCount())},
            {QStringLiteral("tokens_live"), liveTokens},
            {QStringLiteral("active_streams"), streams},
            {QStringLiteral("audit_enabled"), context.audit->config().enabled},
            {QStringLiteral("audit_healthy"), context.audit->healthy()},
            {QStringLiteral("audit_last_seq"), qint64{context.audit->lastSeq()}},
            {QStringLiteral("providers"), providers}});
}

} // namespace llmproxy
