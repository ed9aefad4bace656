// SPDX-License-Identifier: GPL-3.0-only
#include "manage/views.h"

#include "base/clock.h"
#include "manage/provider_key_input.h"

#include <QJsonArray>

namespace llmproxy {

namespace {


QJsonValue timeOrNull(int64_t ms)
{
    return ms == 0 ? QJsonValue() : QJsonValue(QString::fromStdString(rfc3339(ms)));
}

QJsonValue textOrNull(const QString &text)
{
    return text.isEmpty() ? QJsonValue() : QJsonValue(text);
}

QJsonValue flagOrNull(const std::optional<bool> &flag)
{
    return flag ? QJsonValue(*flag) : QJsonValue();
}

QJsonValue countOrNull(int64_t count)
{
    return count == 0 ? QJsonValue() : QJsonValue(qint64{count});
}

QJsonValue ageDays(const ProviderKey &key, int64_t nowMs)
{
    if (key.keySetMs == 0)
        return {};
    return qint64{std::max<int64_t>(0, (nowMs - key.keySetMs) / dayMs)};
}

KeyState keyStateOf(const ManageContext &context, const ProjectEntry &project, const QString &provider)
{
    for (const ProviderEntry &entry : project.providers) {
        if (entry.provider == provider.toStdString())
            return stateOf(context, entry);
    }
    return KeyState::None;
}

QJsonValue keyStateName(KeyState state)
{
    switch (state) {
    case KeyState::Ready:
        return QStringLiteral("ready");
    case KeyState::Pending:
        return QStringLiteral("pending");
    case KeyState::Unusable:
        return QStringLiteral("unusable");
    case KeyState::None:
        break;
    }
    return {};
}

} // namespace

QJsonObject projectView(const ManageContext &context, const ProjectEntry &project, int64_t nowMs)
{
    const Project &record = project.record;
    QJsonArray providers;
    for (const ProviderKey &key : record.providers) {
        const KeyState state = keyStateOf(context, project, key.provider);
        providers.append(QJsonObject{{QStringLiteral("provider"), key.provider},
                                     {QStringLiteral("base_url"), textOrNull(key.baseUrl)},
                                     {QStringLiteral("version_segment"), flagOrNull(key.versionSegment)},
                                     {QStringLiteral("api_key_masked"), textOrNull(key.masked)},
                                     {QStringLiteral("api_key_age_days"), ageDays(key, nowMs)},
                                     {QStringLiteral("key_state"), keyStateName(state)},
                                     {QStringLiteral("needs_key"), state == KeyState::Unusable}});
    }
    const ProviderKey preferred = record.providers.empty() ? ProviderKey{} : record.providers.front();
    return {{QStringLiteral("id"), record.id},
            {QStringLiteral("name"), record.name},
            {QStringLiteral("environment"), record.environment},
            {QStringLiteral("is_active"), record.active},
            {QStringLiteral("provider"), preferred.provider},
            {QStringLiteral("base_url"), textOrNull(preferred.baseUrl)},
            {QStringLiteral("version_segment"), flagOrNull(preferred.versionSegment)},
            {QStringLiteral("api_key_masked"), textOrNull(preferred.masked)},
            {QStringLiteral("api_key_age_days"), ageDays(preferred, nowMs)},
            {QStringLiteral("providers"), providers},
            {QStringLiteral("allowed_models"), QJsonArray::fromStringList(record.allowedModels)},
            {QStringLiteral("created_at"), timeOrNull(record.createdMs)},
            {QStringLiteral("updated_at"), timeOrNull(record.updatedMs)},
            {QStringLiteral("deactivated_at"), timeOrNull(record.deactivatedMs)}};
}

std::string_view tokenState(const TokenTerms &token, int64_t nowMs)
{
    if (token.revokedMs != 0)
        return "revoked";
    if (!token.liveAt(nowMs))
        return "expired";
    return token.graceUntilMs != 0 ? "grace" : "active";
}

QJsonObject tokenView(const Token &token, const LineageState *state, int64_t nowMs)
{
    const auto counter = [state](const std::atomic<int64_t> LineageState::*member) {
        return state ? qint64{(state->*member).load(std::memory_order_relaxed)} : qint64{0};
    };
    const std::string_view stateName = tokenState(token, nowMs);
    return {{QStringLiteral("id"), token.id},
            {QStringLiteral("lineage"), token.lineage},
            {QStringLiteral("project_id"), token.projectId},
            {QStringLiteral("name"), textOrNull(token.name)},
            {QStringLiteral("note"), textOrNull(token.note)},
            {QStringLiteral("token_masked"), token.masked},
            {QStringLiteral("state"), QString::fromUtf8(stateName.data(), static_cast<qsizetype>(stateName.size()))},
            {QStringLiteral("created_at"), timeOrNull(token.createdMs)},
            {QStringLiteral("expires_at"), timeOrNull(token.expiresMs)},
            {QStringLiteral("revoked_at"), timeOrNull(token.revokedMs)},
            {QStringLiteral("grace_until"), timeOrNull(token.graceUntilMs)},
            {QStringLiteral("last_used_at"), timeOrNull(counter(&LineageState::lastUsedMs))},
            {QStringLiteral("max_requests"), countOrNull(token.maxRequests)},
            {QStringLiteral("rate_limit"), token.rateLimit},
            {QStringLiteral("max_concurrent"), countOrNull(token.maxConcurrent)},
            {QStringLiteral("allowed_models"), QJsonArray::fromStringList(token.allowedModels)},
            {QStringLiteral("allowed_endpoints"), QJsonArray::fromStringList(token.allowedEndpoints)},
            {QStringLiteral("allowed_ips"), QJsonArray::fromStringList(token.allowedIps)},
            {QStringLiteral("request_count"), counter(&LineageState::requests)},
            {QStringLiteral("prompt_tokens"), counter(&LineageState::promptTokens)},
            {QStringLiteral("completion_tokens"), counter(&LineageState::completionTokens)}};
}

namespace {

QJsonArray arrayOf(const std::vector<int64_t> &numbers)
{
    QJsonArray array;
    for (const int64_t number : numbers)
        array.append(qint64{number});
    return array;
}

} // namespace

QJsonObject auditEventView(const AuditEvent &event)
{
    QJsonObject details;
    for (const auto &[key, value] : event.details) {
        const QString name = QString::fromUtf8(key.data(), static_cast<qsizetype>(key.size()));
        if (const auto *number = std::get_if<int64_t>(&value))
            details.insert(name, qint64{*number});
        else if (const auto *flag = std::get_if<bool>(&value))
            details.insert(name, *flag);
        else if (const auto *numbers = std::get_if<std::vector<int64_t>>(&value))
            details.insert(name, arrayOf(*numbers));
        else
            details.insert(name, QString::fromStdString(std::get<std::string>(value)));
    }
    QJsonObject view{{QStringLiteral("id"), qint64{event.seq}},
                     {QStringLiteral("timestamp"), QString::fromStdString(rfc3339(event.timestampMs))},
                     {QStringLiteral("action"), QString::fromUtf8(event.action.name().data(), static_cast<qsizetype>(event.action.name().size()))},
                     {QStringLiteral("actor"), QString::fromStdString(event.actor)},
                     {QStringLiteral("result"), QString::fromStdString(event.result)},
                     {QStringLiteral("details"), details},
                     {QStringLiteral("seq"), qint64{event.seq}},
                     {QStringLiteral("prev"), QString::fromStdString(event.prev)},
                     {QStringLiteral("hash"), QString::fromStdString(event.hash)}};
    if (!event.projectId.empty())
        view.insert(QStringLiteral("project_id"), QString::fromStdString(event.projectId));
    if (!event.requestId.empty())
        view.insert(QStringLiteral("request_id"), QString::fromStdString(event.requestId));
    if (!event.clientIp.empty())
        view.insert(QStringLiteral("client_ip"), QString::fromStdString(event.clientIp));
    return view;
}

} // namespace llmproxy
