// SPDX-License-Identifier: GPL-3.0-only
#include "manage/call.h"

#include "base/clock.h"
#include "base/log.h"
#include "manage/route_table.h"
#include "storage/database.h"

#include <QJsonDocument>

namespace llmproxy {

namespace {

Error auditUnavailable()
{
    return {ErrorKind::Unavailable, "service_unavailable",
            "The audit log cannot be written, so nothing was done. Try again.", {}};
}

std::string defaultCode(ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::Precondition:
        return "precondition_failed";
    case ErrorKind::Invalid:
        return "bad_request";
    case ErrorKind::Unauthorized:
        return "unauthorized";
    case ErrorKind::Forbidden:
        return "forbidden";
    case ErrorKind::NotFound:
        return "not_found";
    case ErrorKind::Conflict:
        return "conflict";
    case ErrorKind::Unavailable:
        return "service_unavailable";
    case ErrorKind::Internal:
        break;
    }
    return "internal_error";
}

} // namespace

int statusOf(ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::Precondition:
        return 412;
    case ErrorKind::Invalid:
        return 400;
    case ErrorKind::Unauthorized:
        return 401;
    case ErrorKind::Forbidden:
        return 403;
    case ErrorKind::NotFound:
        return 404;
    case ErrorKind::Conflict:
        return 409;
    case ErrorKind::Unavailable:
        return 503;
    case ErrorKind::Internal:
        break;
    }
    return 500;
}

ManageAnswer errorAnswer(const Error &error)
{
    std::string message = error.message;
    // What went wrong inside is for the log: it may name files or SQL.
    if (error.kind == ErrorKind::Unavailable && error.code != "service_unavailable")
        message = "The server cannot do this right now. Try again.";
    if (error.kind == ErrorKind::Internal)
        message = "The server made a mistake; its log says more.";
    QJsonObject body{{QStringLiteral("code"),
                      QString::fromStdString(error.code.empty() ? defaultCode(error.kind) : error.code)},
                     {QStringLiteral("message"), QString::fromStdString(message)}};
    if (!error.field.empty())
        body.insert(QStringLiteral("field"), QString::fromStdString(error.field));
    ManageAnswer answer;
    answer.status = statusOf(error.kind);
    answer.body = QJsonDocument(QJsonObject{{QStringLiteral("error"), body}}).toJson(QJsonDocument::Compact);
    if (error.kind == ErrorKind::Unavailable)
        answer.retryAfter = "1";
    return answer;
}

AuditEvent eventOf(const ManageCall &call, std::string_view result, int status)
{
    AuditEvent event(call.action, call.request.actor, result);
    event.projectId = call.projectId;
    event.requestId = call.request.requestId;
    event.clientIp = call.request.clientIp;
    event.detail("http_method", call.request.method);
    // A path can carry a token that somebody pasted as an id.
    event.detail("endpoint", quotablePath(call.request.path));
    event.detail("status", int64_t{status});
    event.userAgent(call.request.userAgent);
    event.detail("token_id", call.tokenMasked);
    event.detail("token_uuid", call.tokenUuid);
    return event;
}

void answer(const CallPtr &call, int status, const QJsonObject &body)
{
    ManageAnswer good;
    good.status = status;
    good.body = QJsonDocument(body).toJson(QJsonDocument::Compact);
    call->complete(std::move(good));
}

void breakOff(const CallPtr &call)
{
    if (call->blocks)
        call->blocks->finish(false);
    else
        call->complete(errorAnswer({ErrorKind::Internal, "", "", {}}));
}

void answerAudited(const CallPtr &call, AuditEvent event, ManageAnswer durable, std::function<void()> onRecord)
{
    if (!call->context().audit->config().enabled) {
        if (onRecord)
            onRecord();
        call->complete(std::move(durable));
        return;
    }
    call->context().audit->record(std::move(event), [call, durable = std::move(durable), onRecord = std::move(onRecord)](bool ok) {
        if (ok && onRecord)
            onRecord();
        const ManageContext &context = call->context();
        const AuditConfig &audit = context.audit->config();
        // Durable is the line and the row; while the table lags behind the file, the line.
        if (ok && audit.storeInDb && !audit.file.empty() && !context.database->tableState().isBehind)
            context.database->append({}, [call, durable](bool) { call->complete(durable); });
        else
            call->complete(ok ? durable : errorAnswer(auditUnavailable()));
    });
}

void refuse(const CallPtr &call, const Error &error)
{
    ManageAnswer failed = errorAnswer(error);
    if (failed.status >= 500)
        logError("management call failed", {{"request_id", call->request.requestId}, {"code", error.code},
                                            {"message", error.message}});
    if (rowOf(call->route->action).kind == ActionKind::Read)
        noteRead(call, failed.status >= 500 ? "error" : "failure", failed.status, error.code.empty() ? defaultCode(error.kind) : error.code);
    if (!waitsForEvent(*call->route) || error.isOnRecord) {
        call->complete(std::move(failed));
        return;
    }
    AuditEvent event = eventOf(*call, failed.status >= 500 ? "error" : "failure", failed.status);
    event.detail("reason", error.code.empty() ? defaultCode(error.kind) : error.code);
    if (failed.status == 503) { // the log may be what cannot be written: nobody waits for it
        if (call->context().audit->config().enabled)
            call->context().audit->record(std::move(event), nullptr);
        call->complete(std::move(failed));
        return;
    }
    answerAudited(call, std::move(event), std::move(failed));
}

void change(const CallPtr &call, int status, AccessStore::Decide decide, std::function<QJsonObject()> composed, Rights rights)
{
    call->context().database->submit(std::move(decide),
                                     [call, status, composed = std::move(composed)](const Outcome &failure) {
                                         if (failure)
                                             refuse(call, *failure);
                                         else
                                             answer(call, status, composed());
                                     }, rights);
}

void noteRead(const CallPtr &call, std::string_view result, int status, const std::string &reason)
{
    const ManageRequest &request = call->request;
    if (request.actor == "console" || call->query.has("cursor") || !call->context().audit->config().enabled)
        return;
    const std::string key = std::string(nameOf(call->action)) + '\n' + request.actor + '\n' + request.clientIp + '\n' + request.path
        + '\n' + request.query + '\n' + std::string(result);
    if (!call->state->reads.admit(key, Clock::wallMs()))
        return;
    AuditEvent event = eventOf(*call, result, status);
    event.detail("reason", reason);
    call->context().audit->record(std::move(event), nullptr);
}

} // namespace llmproxy
