// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"
#include "config/settings.h"
#include "manage/resources.h"
#include "storage/database.h"
#include "storage/usage_rollup.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

// A wildcard is reached by the loopback address. With TLS the certificate's name is what counts; nobody here knows it.
QString urlOf(const Settings &settings, const std::string &listening)
{
    QString address = QString::fromStdString(listening.empty() ? settings.listen.text() : listening);
    if (address.startsWith(QLatin1String("0.0.0.0:")))
        address.replace(0, 7, QStringLiteral("127.0.0.1"));
    else if (address.startsWith(QLatin1String("[::]:")))
        address.replace(0, 4, QStringLiteral("[::1]"));
    return (settings.tlsCertFile.empty() ? QStringLiteral("http://") : QStringLiteral("https://")) + address;
}

} // namespace

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
    const std::string listening = context.listenAddress ? context.listenAddress() : std::string();
    answer(call, 200,
           {{QStringLiteral("version"), QStringLiteral(LLM_PROXY_VERSION)},
            {QStringLiteral("listen"), QString::fromStdString(listening.empty() ? context.settings->listen.text() : listening)},
            {QStringLiteral("url"), urlOf(*context.settings, listening)},
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
