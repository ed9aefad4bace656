// SPDX-License-Identifier: GPL-3.0-only
// Running requests: their stream is served by front (engine/live_feed), their end is asked for here.
#include "base/clock.h"
#include "base/log.h"
#include "manage/live_view.h"
#include "manage/resources.h"
#include "storage/database.h"

namespace llmproxy {

QJsonObject liveView(const LiveRequest &request)
{
    const auto text = [](const std::string &value) { return value.empty() ? QJsonValue() : QJsonValue(QString::fromStdString(value)); };
    const auto known = [](int64_t value) { return value < 0 ? QJsonValue() : QJsonValue(qint64{value}); };
    return {{QStringLiteral("id"), QString::fromStdString(request.id)},
            {QStringLiteral("request_id"), QString::fromStdString(request.requestId)},
            {QStringLiteral("phase"), QString::fromStdString(request.phase)},
            {QStringLiteral("started_at"), QString::fromStdString(rfc3339(request.startedMs))},
            {QStringLiteral("duration_ms"), qint64{request.durationMs}},
            {QStringLiteral("first_byte_ms"), known(request.firstByteMs)},
            {QStringLiteral("http_method"), QString::fromStdString(request.method)},
            {QStringLiteral("endpoint"), QString::fromStdString(request.endpoint)},
            {QStringLiteral("client_ip"), text(request.clientIp)},
            {QStringLiteral("token_uuid"), text(request.tokenUuid)},
            {QStringLiteral("token_masked"), text(request.tokenMasked)},
            {QStringLiteral("project_id"), text(request.projectId)},
            {QStringLiteral("provider"), text(request.provider)},
            {QStringLiteral("model"), text(request.model)},
            {QStringLiteral("status"), known(request.status == 0 ? -1 : request.status)},
            {QStringLiteral("request_bytes"), qint64{request.requestBytes}},
            {QStringLiteral("response_bytes"), qint64{request.responseBytes}},
            {QStringLiteral("prompt_tokens"), known(request.promptTokens)},
            {QStringLiteral("completion_tokens"), known(request.completionTokens)},
            {QStringLiteral("streamed_events"), qint64{request.streamedEvents}},
            {QStringLiteral("result"), text(request.result)},
            {QStringLiteral("reason"), text(request.reason)}};
}

// The stream itself never comes here: front serves it. What does is a caller that has no stream.
void readEvents(const CallPtr &call)
{
    refuse(call, {ErrorKind::Invalid, "bad_request", "This is a stream of server-sent events; ask for it with GET over HTTP or the control socket.", {}});
}

namespace {

AuditEvent cancelEvent(const ManageCall &call, const LiveRequest &request)
{
    AuditEvent event = eventOf(call, "success", 200);
    event.projectId = request.projectId;
    event.detail("cancelled_id", request.id);
    event.detail("cancelled_request_id", request.requestId); // as in its token.access
    event.detail("token_id", request.tokenMasked);
    event.detail("token_uuid", request.tokenUuid);
    return event;
}

// Its event is committed. A request that ended by itself in between has ended all the same.
void endRequest(const CallPtr &call, const LiveRequest &seen)
{
    call->context().findRequest(call->id, true, [call, seen](std::optional<LiveRequest> killed) {
        LiveRequest shown = killed.value_or(seen);
        shown.phase = "ended";
        logInfo("a running request was cancelled", {{"id", shown.id}, {"request_id", shown.requestId}, {"by", call->request.actor}, {"call", call->request.requestId}});
        answer(call, 200, liveView(shown));
    });
}

} // namespace

void killRequest(const CallPtr &call)
{
    call->context().findRequest(call->id, false, [call](const std::optional<LiveRequest> &running) {
        if (!running) {
            refuse(call, {ErrorKind::NotFound, "not_found", "No request of this id is running.", {}});
            return;
        }
        const auto decide = [call, event = cancelEvent(*call, *running)](const Snapshot &) -> Result<Decision> { return Decision{{}, {event}}; };
        call->context().database->submit(decide, [call, running = *running](const Outcome &failure) {
            if (failure)
                refuse(call, *failure);
            else
                endRequest(call, running);
        }, Rights::Take);
    });
}

} // namespace llmproxy
