// SPDX-License-Identifier: GPL-3.0-only
#include "manage/audit_report.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/audit_handout.h"
#include "manage/audit_source.h"
#include "manage/resources.h"
#include "storage/database.h"

#include <algorithm>
#include <charconv>

namespace llmproxy {

namespace {

// What somebody did, other than looking or asking a model.
bool isOperation(const EventAction &action)
{
    const ActionKind kind = action.kind();
    return kind != ActionKind::Access && kind != ActionKind::Read && kind != ActionKind::Auth && action != Action::AuditCheckpoint;
}

// What an event stands for, and why: "malformed:41,endpoint_not_found:3".
int64_t countIn(const AuditEvent &event)
{
    const auto count = event.action.kind() == ActionKind::Access || event.action == Action::AuthFailure ? event.number("count") : std::nullopt;
    return count ? std::max<int64_t>(*count, 1) : 1;
}

template<typename Visit>
void eachReason(std::string_view reasons, Visit visit)
{
    while (!reasons.empty()) {
        const std::string_view one = reasons.substr(0, reasons.find(','));
        reasons.remove_prefix(std::min(one.size() + 1, reasons.size()));
        const size_t colon = one.rfind(':');
        int64_t count = 0;
        if (colon != one.npos && std::from_chars(one.data() + colon + 1, one.data() + one.size(), count).ec == std::errc())
            visit(std::string(one.substr(0, colon)), count);
    }
}

} // namespace

void AuditReport::addFailure(const AuditEvent &event, std::string reason, int64_t count)
{
    Failure &failure = failures[{std::string(event.action.name()), event.result, std::move(reason), event.projectId}];
    if (failure.events++ == 0)
        failure.firstMs = event.timestampMs;
    failure.count += count;
    failure.lastMs = event.timestampMs;
}

void AuditReport::add(const AuditEvent &event)
{
    if (events++ == 0) {
        firstSeq = event.seq;
        firstHash = event.hash;
    }
    lastSeq = event.seq;
    lastHash = event.hash;
    const int64_t count = countIn(event);
    Tally &tally = counts[{std::string(event.action.name()), event.result}];
    ++tally.events;
    tally.count += count;
    if (event.result != "success") {
        const std::string_view reasons = event.text("reasons");
        if (reasons.empty())
            addFailure(event, std::string(event.text("reason")), count);
        eachReason(reasons, [&](std::string reason, int64_t times) { addFailure(event, std::move(reason), times); });
    }
    if (!isOperation(event.action))
        return;
    if (!rowOf(event.action.action()).rotates.empty() && rotations.size() < mostListed)
        rotations.push_back(event);
    if (event.action == Action::AuditReview && reviews.size() < mostListed)
        reviews.push_back(event);
    if (operations.size() < mostListed)
        operations.push_back(event);
    else
        ++unlisted;
}

void reportAudit(const CallPtr &call)
{
    startHandout(call, [call](const AuditQuery &filters, const std::atomic<bool> &cancelled) {
        const std::string format = call->query.text("format", QStringLiteral("html")).toStdString();
        const int64_t toSeq = recordHandout(call, filters, "report_" + format);
        if (toSeq == 0)
            return;
        AuditReport report;
        report.generatedAt = rfc3339(Clock::wallMs());
        report.from = filters.fromMs > 0 ? rfc3339(filters.fromMs) : std::string();
        report.to = filters.toMs > 0 ? rfc3339(filters.toMs) : std::string();
        Jobs &jobs = call->state->jobs;
        jobs.total = 2 * toSeq; // read once for the report, and once for the chain
        const Outcome failure = visitAudit(call->context(), filters, toSeq, [&](const AuditEvent &event, std::string_view) {
            report.add(event);
            jobs.done = event.seq;
            return !cancelled;
        });
        auto check = failure ? Result<AuditCheckReport>(*failure) : checkAuditOf(call, cancelled, toSeq);
        if (!check || cancelled) {
            const Error error = !check ? check.error() : Error{ErrorKind::Unavailable, "service_unavailable", "The server is shutting down. Request the report again when it has restarted.", {}};
            jobs.afterwards([call, error] { call->complete(errorAnswer(error)); });
            return;
        }
        report.check = std::move(*check);
        ManageAnswer answer;
        answer.contentType = format == "html" ? "text/html; charset=utf-8" : format == "csv" ? "text/csv; charset=utf-8; header=present" : "application/json";
        answer.disposition = "attachment; filename=\"audit-report." + format + "\"";
        const auto blocks = call->blocks = answer.blocks = std::make_shared<BlockPipe>();
        call->complete(std::move(answer));
        blocks->write(format == "html" ? reportHtml(report) : format == "csv" ? reportCsv(report) : reportJson(report), cancelled);
        jobs.afterwards([blocks] { blocks->finish(true); });
    });
}

} // namespace llmproxy
