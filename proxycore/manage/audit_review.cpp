// SPDX-License-Identifier: GPL-3.0-only
// A person looked at the audit log: on record, with what it was then. And what there is to look at: the facets.
#include "base/clock.h"
#include "manage/audit_source.h"
#include "manage/resources.h"
#include "storage/audit_search.h"
#include "storage/database.h"

#include <QJsonArray>
#include <QJsonDocument>

#include <algorithm>

namespace llmproxy {

namespace {

// The newest review; nullopt: none.
std::optional<AuditEvent> lastReview(const ManageContext &context)
{
    AuditQuery query;
    query.action = nameOf(Action::AuditReview);
    query.result = "success";
    query.limit = 1;
    auto found = auditPage(context, query);
    return found && !found->empty() ? std::optional<AuditEvent>(found->front()) : std::nullopt;
}

} // namespace

int64_t lastAuditReviewMs(const ManageContext &context)
{
    const auto review = lastReview(context);
    return review ? review->timestampMs : 0;
}

namespace {

std::optional<AuditEvent> newestFailure(const ManageContext &context, Action action)
{
    AuditQuery query;
    query.action = nameOf(action);
    query.result = "failure";
    query.limit = 1;
    const auto found = auditPage(context, query);
    return found && !found->empty() ? std::optional(found->front()) : std::nullopt;
}

} // namespace

std::string unreviewedFinding(const ManageContext &context)
{
    if (!context.settings->auditStoreInDb)
        return context.audit->lastFinding(); // not all files for each look
    auto newest = newestFailure(context, Action::SystemRecovered);
    const auto verified = newestFailure(context, Action::AuditVerify);
    if (verified && (!newest || verified->seq > newest->seq))
        newest = verified;
    if (!newest)
        return {};
    const auto review = lastReview(context);
    const auto reviewedTo = review ? review->number("to_seq") : std::nullopt;
    if (reviewedTo && *reviewedTo >= newest->seq)
        return {};
    const std::string said(newest->action == Action::AuditVerify ? badVerification : newest->text("message"));
    return "Event " + std::to_string(newest->seq) + ", " + rfc3339(newest->timestampMs) + ": " + (said.empty() ? std::string(newest->text("reason")) : said);
}

namespace {

// The last event that a review covers, one that is being recorded included. Thread: management.
int64_t reviewedTo(const ManageCall &call)
{
    const auto before = lastReview(call.context());
    const auto reviewed = before ? before->number("to_seq") : std::nullopt;
    return std::max(reviewed.value_or(0), call.state->reviewingTo.load());
}

// Until its event is in the log, others must not cover the same events. A review that cannot be recorded covers none.
void claimReview(const CallPtr &call, int64_t toSeq)
{
    const int64_t before = call->state->reviewingTo.exchange(toSeq);
    call->complete = [state = call->state, complete = std::move(call->complete), toSeq, before](ManageAnswer answer) {
        int64_t claimed = toSeq;
        if (answer.status >= 400)
            state->reviewingTo.compare_exchange_strong(claimed, before);
        complete(std::move(answer));
    };
}

} // namespace

void reviewAudit(const CallPtr &call)
{
    const ManageContext &context = call->context();
    AuditQuery newest;
    newest.limit = 1;
    const auto last = auditPage(context, newest);
    if (!last) {
        refuse(call, last.error());
        return;
    }
    const bool isBlocked = !context.database->tableState().obstacle.empty();
    if (last->empty() && !isBlocked) {
        refuse(call, {ErrorKind::Conflict, "audit_not_stored", "There are no audit events to review.", {}});
        return;
    }
    const int64_t newestSeq = last->empty() ? 0 : last->front().seq;
    const int64_t fromSeq = reviewedTo(*call) + 1;
    if (fromSeq > newestSeq && !isBlocked) {
        refuse(call, {ErrorKind::Conflict, "nothing_to_review", "There is nothing left to review: every event up to " + std::to_string(newestSeq) + " is covered by another review.", {}});
        return;
    }
    claimReview(call, newestSeq);
    AuditEvent event = eventOf(*call, "success", 201);
    const AuditEvent newestSeen = last->empty() ? AuditEvent() : last->front();
    event.detail("from_seq", fromSeq).detail("to_seq", newestSeen.seq).detail("to_hash", newestSeen.hash);
    event.detail("note", call->input.root().text("note").toStdString());
    ManageAnswer answer;
    answer.status = 201;
    answer.body = QJsonDocument(QJsonObject{{QStringLiteral("from_seq"), qint64{fromSeq}}, {QStringLiteral("to_seq"), qint64{newestSeen.seq}},
                                            {QStringLiteral("to_hash"), QString::fromStdString(newestSeen.hash)}}).toJson(QJsonDocument::Compact);
    answerAudited(call, std::move(event), std::move(answer), [call, isBlocked] {
        call->context().audit->setFinding({});
        if (isBlocked)
            call->context().database->passOverUnreadable(); // who reviews it has seen which file it is
    });
}

void readAuditFacets(const CallPtr &call)
{
    const Settings &settings = *call->context().settings;
    if (!settings.auditEnabled || !settings.auditStoreInDb) {
        refuse(call, {ErrorKind::Conflict, "audit_not_stored",
                      settings.auditEnabled ? "Values are counted in the table, and AUDIT_STORE_IN_DB is false. GET /manage/audit searches the log's files."
                                            : "There is no audit log to read: AUDIT_ENABLED is false.", {}});
        return;
    }
    const auto facets = call->context().database->auditFacets(call->query.time("from"), call->query.time("to"));
    if (!facets) {
        refuse(call, facets.error());
        return;
    }
    QJsonArray items;
    for (const AuditFacet &facet : *facets)
        items.append(QJsonObject{{QStringLiteral("kind"), QString::fromStdString(facet.kind)}, {QStringLiteral("value"), QString::fromStdString(facet.value)},
                                 {QStringLiteral("events"), qint64{facet.events}}});
    noteRead(call);
    answer(call, 200, {{QStringLiteral("items"), items}});
}

} // namespace llmproxy
