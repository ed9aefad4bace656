// SPDX-License-Identifier: GPL-3.0-only
// The audit log handed out: its exact lines, or CSV for a spreadsheet, as long as somebody reads, with a proof of what it was.
// The event that says so, and a checkpoint behind it, are durable before the first byte leaves.
#include "audit/export_proof.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/audit_handout.h"
#include "manage/audit_report.h"
#include "manage/audit_source.h"
#include "manage/resources.h"
#include "storage/database.h"

#include <algorithm>
#include <future>

namespace llmproxy {

namespace {

constexpr size_t blockBytes = 32 * 1024;

constexpr std::string_view csvHead = "seq,timestamp,action,actor,result,project_id,request_id,client_ip,http_method,endpoint,status,reason,"
                                     "token_id,token_uuid,provider,model,details,prev,hash\r\n";

void appendCsv(std::string &out, const AuditEvent &event)
{
    const auto status = event.number("status");
    const std::string seq = std::to_string(event.seq), time = rfc3339(event.timestampMs), details = detailsJson(event),
                      shown = status ? std::to_string(*status) : std::string();
    appendCsvRow(out, {seq, time, event.action.name(), event.actor, event.result, event.projectId, event.requestId, event.clientIp, event.text("http_method"),
                       event.text("endpoint"), shown, event.text("reason"), event.text("token_id"), event.text("token_uuid"), event.text("provider"),
                       event.text("model"), details, event.prev, event.hash});
}

class Export
{
public:
    Export(const CallPtr &call, AuditQuery filters, std::shared_ptr<BlockPipe> pipe, const std::atomic<bool> &cancelled)
        : m_call(call), m_filters(std::move(filters)), m_isCsv(call->query.text("format") == QLatin1String("csv")), m_pipe(std::move(pipe)),
          m_cancelled(cancelled)
    {
        m_statement.format = m_isCsv ? "csv" : "jsonl";
        m_statement.generatedAt = rfc3339(Clock::wallMs());
        m_statement.filters = call->request.query;
        m_content.begin();
    }

    // What is in the table and the files up to toSeq.
    void run(int64_t toSeq)
    {
        Jobs &jobs = m_call->state->jobs;
        jobs.total = toSeq;
        m_statement.toSeq = toSeq;
        if (m_isCsv)
            add(std::string(csvHead));
        const Outcome failure = visitAudit(m_call->context(), m_filters, toSeq, [&](const AuditEvent &event, std::string_view line) {
            if (m_statement.events++ == 0)
                m_statement.firstSeq = event.seq;
            m_statement.lastSeq = event.seq;
            jobs.done = event.seq;
            if (m_isCsv)
                appendCsv(m_block, event);
            else
                m_block.append(line).append("\n");
            return m_block.size() < blockBytes || send();
        });
        if (failure)
            logError("an export of the audit log broke off", {{"request_id", m_call->request.requestId}, {"error", failure->message}});
        const bool whole = !failure && send() && addProof();
        jobs.afterwards([pipe = m_pipe, isWhole = whole && !m_cancelled] { pipe->finish(isWhole); });
    }

private:
    void add(std::string text) { m_block += text; }

    // False: nobody reads any more, or the server ends.
    bool send()
    {
        m_content.add(m_block);
        return m_pipe->write(std::exchange(m_block, std::string()), m_cancelled);
    }

    std::string checkpointLine(bool before, int64_t seq) const
    {
        AuditQuery query;
        query.action = nameOf(Action::AuditCheckpoint);
        query.oldestFirst = !before;
        query.fromSeq = before ? seq : seq - 1;
        query.limit = 1;
        const auto found = seq > (before ? 0 : 1) ? auditPage(m_call->context(), query) : Result<std::vector<AuditEvent>>(std::vector<AuditEvent>());
        return found && !found->empty() ? auditLine(found->front()) : std::string();
    }

    bool addProof()
    {
        const auto key = m_call->context().audit->config().checkpointKey;
        if (!m_call->query.boolean("proof") || !key)
            return true;
        m_statement.sha256 = m_content.end();
        if (m_statement.events > 0) {
            m_statement.firstCheckpoint = checkpointLine(true, m_statement.firstSeq);
            m_statement.lastCheckpoint = checkpointLine(false, m_statement.lastSeq);
        }
        return m_pipe->write(exportProof(m_statement, *key) + "\n", m_cancelled);
    }

    CallPtr m_call;
    AuditQuery m_filters;
    const bool m_isCsv;
    std::shared_ptr<BlockPipe> m_pipe;
    const std::atomic<bool> &m_cancelled;
    ExportStatement m_statement;
    Sha256Hex m_content;
    std::string m_block;
};

} // namespace

int64_t recordHandout(const CallPtr &call, const AuditQuery &filters, const std::string &format)
{
    AuditEvent event = eventOf(*call, "success", 200);
    event.detail("format", format);
    // What was looked for may name a person; which kinds of filters were set may not.
    std::string names;
    for (const auto &[name, value] : std::initializer_list<std::pair<const char *, const std::string *>>{
             {"action", &filters.action}, {"actor", &filters.actor}, {"result", &filters.result}, {"project_id", &filters.projectId},
             {"request_id", &filters.requestId}, {"client_ip", &filters.clientIp}, {"token_id", &filters.tokenId}, {"status", &filters.status},
             {"model", &filters.model}, {"q", &filters.text}}) {
        if (!value->empty())
            names.append(names.empty() ? "" : ",").append(name);
    }
    event.detail("filters", std::move(names));
    event.detail("from", filters.fromMs > 0 ? rfc3339(filters.fromMs) : std::string());
    event.detail("to", filters.toMs > 0 ? rfc3339(filters.toMs) : std::string());
    AuditLog *const audit = call->context().audit;
    std::promise<int64_t> written;
    std::vector<AuditLog::Entry> entries;
    entries.push_back({std::move(event), [&written, audit](bool ok) { written.set_value(ok ? audit->lastSeq() : 0); }, true});
    audit->recordAll(std::move(entries));
    const int64_t seq = written.get_future().get();
    bool isStored = seq > 0;
    // While the table lags behind the file, the line is what is durable, and what is handed out ends where the table does.
    const TableState table = call->context().database->tableState();
    if (isStored && audit->config().storeInDb && table.isBehind && !audit->config().file.empty())
        return std::clamp(table.rowsTo, int64_t{1}, seq);
    if (isStored && audit->config().storeInDb) {
        std::promise<bool> stored;
        call->context().database->append({}, [&stored](bool ok) { stored.set_value(ok); });
        isStored = stored.get_future().get();
    }
    if (isStored)
        return seq;
    call->state->jobs.afterwards([call] {
        call->complete(errorAnswer({ErrorKind::Unavailable, "service_unavailable", "The audit log cannot be written, so nothing was handed out. Try again.", {}}));
    });
    return 0;
}

Error auditIsBusy()
{
    return {ErrorKind::Conflict, "job_running", "A verification, export or cleanup of the audit log is already running. Try again when it has finished.", {}};
}

void startHandout(const CallPtr &call, std::function<void(const AuditQuery &filters, const std::atomic<bool> &cancelled)> work)
{
    auto filters = readAuditFilters(call->query);
    if (!filters) {
        refuse(call, filters.error());
        return;
    }
    if (!call->context().settings->auditEnabled) {
        refuse(call, {ErrorKind::Conflict, "audit_not_stored", "There is no audit log to export: AUDIT_ENABLED is false.", {}});
        return;
    }
    const bool started = call->state->jobs.start([filters = std::move(*filters), work = std::move(work)](const std::atomic<bool> &cancelled) { work(filters, cancelled); },
                                                 [call] { breakOff(call); });
    if (!started)
        refuse(call, auditIsBusy());
}

void exportAudit(const CallPtr &call)
{
    startHandout(call, [call](const AuditQuery &filters, const std::atomic<bool> &cancelled) {
        const std::string format = call->query.text("format", QStringLiteral("jsonl")).toStdString();
        const int64_t toSeq = recordHandout(call, filters, format);
        if (toSeq == 0)
            return;
        ManageAnswer answer;
        answer.contentType = format == "csv" ? "text/csv; charset=utf-8; header=present" : "application/jsonl";
        answer.disposition = "attachment; filename=\"audit." + format + "\"";
        call->blocks = answer.blocks = std::make_shared<BlockPipe>();
        Export made(call, filters, answer.blocks, cancelled);
        call->complete(std::move(answer));
        made.run(toSeq);
    });
}

} // namespace llmproxy
