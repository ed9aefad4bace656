// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"
#include "config/settings.h"
#include "manage/resources.h"
#include "storage/database.h"
#include "storage/usage_rollup.h"

#include <QJsonArray>

namespace llmproxy {

void readOverview(const CallPtr &call)
{
    const ManageContext &context = call->context();
    const SnapshotPtr now = context.snapshots->current();
    const int64_t nowMs = Clock::wallMs();
    qint64 projects = 0, activeProjects = 0;
    for (const ProjectPtr &project : now->projects()) {
        projects += !project->record.deleted;
        activeProjects += !project->record.deleted && project->record.active;
    }
    const UsageNow usage = context.database->usageNow();
    QJsonArray providers;
    for (const std::string &name : context.providerNames())
        providers.append(QString::fromStdString(name));
    const ListenAddresses bound = context.listening ? context.listening() : ListenAddresses();
    const ListenAddresses &listening = bound.empty() ? context.settings->listen : bound;
    answer(call, 200,
           {{QStringLiteral("version"), QStringLiteral(LLM_PROXY_VERSION)},
            {QStringLiteral("listen"), QString::fromStdString(listenText(asAddresses(listening)))},
            {QStringLiteral("url"), QString::fromStdString(localUrl(listening, !context.settings->tlsCertFile.empty()))},
            {QStringLiteral("time"), QString::fromStdString(rfc3339(nowMs))},
            {QStringLiteral("ready"), context.ready()},
            {QStringLiteral("projects"), projects},
            {QStringLiteral("projects_active"), activeProjects},
            {QStringLiteral("tokens"), qint64(now->tokenCount())},
            {QStringLiteral("tokens_live"), qint64{call->state->liveTokens.count(*now, nowMs)}},
            {QStringLiteral("active_streams"), qint64{context.runningRequests ? context.runningRequests() : 0}},
            {QStringLiteral("started_at"), QString::fromStdString(rfc3339(context.startedMs))},
            {QStringLiteral("requests_per_second"), usage.requestsPerSecond},
            {QStringLiteral("requests_24h"), qint64{usage.requests}},
            {QStringLiteral("errors_24h"), qint64{usage.errors}},
            {QStringLiteral("denied_24h"), qint64{usage.denied}},
            {QStringLiteral("prompt_tokens_24h"), qint64{usage.promptTokens}},
            {QStringLiteral("completion_tokens_24h"), qint64{usage.completionTokens}},
            {QStringLiteral("audit_enabled"), context.audit->config().enabled},
            {QStringLiteral("audit_healthy"), context.audit->healthy()},
            {QStringLiteral("audit_last_seq"), qint64{context.audit->lastSeq()}},
            {QStringLiteral("providers"), providers}});
}

} // namespace llmproxy
