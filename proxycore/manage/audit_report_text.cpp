// SPDX-License-Identifier: GPL-3.0-only
// The report as JSON, as CSV and as a page that prints well and needs nothing from elsewhere.
#include "base/clock.h"
#include "manage/audit_report.h"
#include "manage/views.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QString>

#include <initializer_list>

namespace llmproxy {

namespace {

QString q(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QJsonArray eventsView(const std::vector<AuditEvent> &events)
{
    QJsonArray array;
    for (const AuditEvent &event : events)
        array.append(auditEventView(event));
    return array;
}

std::string seqRange(const AuditEvent &review)
{
    const auto number = [&review](const char *name) {
        const auto value = review.number(name);
        return value ? std::to_string(*value) : std::string("?");
    };
    return number("from_seq") + " to " + number("to_seq");
}

std::string chainSentence(const AuditReport &report)
{
    const VerifyProblem *const problem = report.check.first();
    if (problem)
        return "Not good: " + problem->message;
    const auto &part = report.check.file ? report.check.file : report.check.table;
    if (!part)
        return "There is no log.";
    return "Every event from " + std::to_string(part->firstSeq) + " to " + std::to_string(part->lastSeq) + " is as it was written; "
        + std::to_string(part->checkpoints) + " signed checkpoints, signed up to event " + std::to_string(part->signedToSeq) + ".";
}

// Builds the page; every text from outside goes through cell().
class Page
{
public:
    explicit Page(std::string title)
    {
        m_text = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title + "</title>\n<style>\n"
                 ":root{color-scheme:light dark;--line:#8884;--soft:#8881}\n"
                 "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\n"
                 "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}\n"
                 "table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.3rem .7rem .3rem 0;"
                 "border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600}th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
                 "code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}.good,.bad{padding:.7rem 1rem;border-left:4px solid #2a8f4d;background:var(--soft)}\n"
                 ".bad{border-color:#c0392b}.empty{opacity:.7}@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}\n"
                 "</style></head><body>\n";
    }
    void heading(std::string_view text) { m_text.append("<h2>").append(text).append("</h2>\n"); }
    void paragraph(std::string_view text, std::string_view style = {})
    {
        m_text.append(style.empty() ? "<p>" : "<p class=\"" + std::string(style) + "\">");
        escape(text);
        m_text += "</p>\n";
    }
    void title(std::string_view text) { m_text.append("<h1>").append(text).append("</h1>\n"); }
    // A column with "#" in front is a number.
    void table(std::initializer_list<std::string_view> heads, const std::vector<std::vector<std::string>> &rows, std::string_view empty)
    {
        if (rows.empty()) {
            paragraph(empty, "empty");
            return;
        }
        m_text += "<table><thead><tr>";
        std::vector<bool> isNumber;
        for (std::string_view head : heads) {
            isNumber.push_back(head.front() == '#');
            if (isNumber.back())
                head.remove_prefix(1);
            m_text.append(isNumber.back() ? "<th class=\"n\">" : "<th>").append(head).append("</th>");
        }
        m_text += "</tr></thead><tbody>\n";
        for (const auto &row : rows) {
            m_text += "<tr>";
            for (size_t at = 0; at < row.size(); ++at) {
                m_text += isNumber[at] ? "<td class=\"n\">" : "<td>";
                escape(row[at]);
                m_text += "</td>";
            }
            m_text += "</tr>\n";
        }
        m_text += "</tbody></table>\n";
    }
    std::string take() { return std::move(m_text) + "</body></html>\n"; }

private:
    void escape(std::string_view text) { m_text += q(text).toHtmlEscaped().toStdString(); }
    std::string m_text;
};

std::vector<std::string> operationRow(const AuditEvent &event)
{
    return {rfc3339(event.timestampMs), std::string(event.action.name()), event.actor, event.result, event.projectId, std::string(event.text("token_id")),
            std::string(event.text("reason")), std::to_string(event.seq)};
}

std::vector<std::vector<std::string>> operationRows(const std::vector<AuditEvent> &events)
{
    std::vector<std::vector<std::string>> rows;
    for (const AuditEvent &event : events)
        rows.push_back(operationRow(event));
    return rows;
}

std::string period(const AuditReport &report)
{
    return (report.from.empty() ? "From the beginning of the log" : "From " + report.from) + (report.to.empty() ? " up to now" : " to " + report.to)
        + ", UTC. " + std::to_string(report.events) + " events"
        + (report.events > 0 ? ", " + std::to_string(report.firstSeq) + " to " + std::to_string(report.lastSeq) : std::string()) + ".";
}

} // namespace

std::string reportJson(const AuditReport &report)
{
    QJsonArray counts, failures;
    for (const auto &[key, tally] : report.counts)
        counts.append(QJsonObject{{QStringLiteral("action"), q(key.first)}, {QStringLiteral("result"), q(key.second)}, {QStringLiteral("events"), qint64{tally.events}},
                                  {QStringLiteral("count"), qint64{tally.count}}});
    for (const auto &[key, failure] : report.failures)
        failures.append(QJsonObject{{QStringLiteral("action"), q(std::get<0>(key))}, {QStringLiteral("result"), q(std::get<1>(key))},
                                    {QStringLiteral("reason"), q(std::get<2>(key))}, {QStringLiteral("project_id"), q(std::get<3>(key))},
                                    {QStringLiteral("events"), qint64{failure.events}}, {QStringLiteral("count"), qint64{failure.count}}, {QStringLiteral("first_at"), q(rfc3339(failure.firstMs))},
                                    {QStringLiteral("last_at"), q(rfc3339(failure.lastMs))}});
    const auto orNull = [](const std::string &text) { return text.empty() ? QJsonValue() : QJsonValue(q(text)); };
    const QJsonObject document{{QStringLiteral("generated_at"), q(report.generatedAt)}, {QStringLiteral("from"), orNull(report.from)},
                               {QStringLiteral("to"), orNull(report.to)}, {QStringLiteral("events"), qint64{report.events}},
                               {QStringLiteral("first_seq"), qint64{report.firstSeq}}, {QStringLiteral("first_hash"), q(report.firstHash)},
                               {QStringLiteral("last_seq"), qint64{report.lastSeq}}, {QStringLiteral("last_hash"), q(report.lastHash)},
                               {QStringLiteral("chain"), auditCheckView(report.check, 0)}, {QStringLiteral("counts"), counts},
                               {QStringLiteral("failures"), failures}, {QStringLiteral("rotations"), eventsView(report.rotations)},
                               {QStringLiteral("reviews"), eventsView(report.reviews)}, {QStringLiteral("operations"), eventsView(report.operations)},
                               {QStringLiteral("operations_unlisted"), qint64{report.unlisted}}};
    return QJsonDocument(document).toJson(QJsonDocument::Indented).toStdString();
}

void appendCsvRow(std::string &out, const std::vector<std::string_view> &cells)
{
    bool isFirst = true;
    for (const std::string_view text : cells) {
        if (!std::exchange(isFirst, false))
            out += ',';
        const bool isFormula = !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
        if (!isFormula && text.find_first_of(",\"\r\n") == std::string_view::npos) {
            out += text;
            continue;
        }
        out += isFormula ? "\"'" : "\"";
        for (const char c : text) {
            if (c == '"')
                out += '"';
            out += c;
        }
        out += '"';
    }
    out += "\r\n";
}

std::string reportCsv(const AuditReport &report)
{
    std::string out;
    appendCsvRow(out, {"section", "action", "result", "reason", "project_id", "actor", "events", "first_at", "last_at", "seq", "count"});
    for (const auto &[key, tally] : report.counts)
        appendCsvRow(out, {"count", key.first, key.second, "", "", "", std::to_string(tally.events), "", "", "", std::to_string(tally.count)});
    for (const auto &[key, failure] : report.failures)
        appendCsvRow(out, {"failure", std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), "", std::to_string(failure.events),
                           rfc3339(failure.firstMs), rfc3339(failure.lastMs), "", std::to_string(failure.count)});
    const auto list = [&out](std::string_view section, const std::vector<AuditEvent> &events) {
        for (const AuditEvent &event : events) {
            const std::string at = rfc3339(event.timestampMs);
            appendCsvRow(out, {section, event.action.name(), event.result, event.text("reason"), event.projectId, event.actor, "1", at, at, std::to_string(event.seq), "1"});
        }
    };
    list("rotation", report.rotations);
    list("review", report.reviews);
    list("operation", report.operations);
    const std::string first = std::to_string(report.firstSeq), last = std::to_string(report.lastSeq);
    appendCsvRow(out, {"chain", "", report.check.isGood() ? "valid" : "broken", chainSentence(report), "", "", std::to_string(report.events), "", report.generatedAt, last, ""});
    return out;
}

std::string reportHtml(const AuditReport &report)
{
    Page page("Audit report");
    page.title("Audit report");
    page.paragraph(period(report) + " Made at " + report.generatedAt + " by LLM Proxy " LLM_PROXY_VERSION ".");
    page.heading("The chain");
    page.paragraph(chainSentence(report), report.check.isGood() ? "good" : "bad");
    if (report.events > 0)
        page.table({"", "#Event", "Hash (SHA-256)"}, {{"first of this report", std::to_string(report.firstSeq), report.firstHash},
                                                      {"last of this report", std::to_string(report.lastSeq), report.lastHash}}, "");

    std::vector<std::vector<std::string>> rows;
    for (const auto &[key, tally] : report.counts)
        rows.push_back({key.first, key.second, std::to_string(tally.events), std::to_string(tally.count)});
    page.heading("What happened");
    page.paragraph("An event of refused requests that were counted together stands for as many as its count says.");
    page.table({"Action", "Result", "#Events", "#Count"}, rows, "Nothing happened in this time.");

    rows.clear();
    for (const auto &[key, failure] : report.failures)
        rows.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), std::to_string(failure.events), std::to_string(failure.count), rfc3339(failure.firstMs), rfc3339(failure.lastMs)});
    page.heading("What failed or was refused");
    page.table({"Action", "Result", "Reason", "Project", "#Events", "#Count", "First (UTC)", "Last (UTC)"}, rows, "Nothing failed, and nothing was refused.");

    page.heading("Rotated keys");
    page.table({"Time (UTC)", "Action", "Actor", "Result", "Project", "Token", "Reason", "#Event"}, operationRows(report.rotations), "No key was rotated in this time.");

    rows.clear();
    for (const AuditEvent &review : report.reviews)
        rows.push_back({rfc3339(review.timestampMs), review.actor, seqRange(review), std::string(review.text("note")), std::to_string(review.seq)});
    page.heading("Reviews");
    page.table({"Time (UTC)", "Actor", "Events looked at", "Note", "#Event"}, rows, "Nobody recorded a review in this time: llm-proxy audit review --note …");

    page.heading("Operations");
    page.table({"Time (UTC)", "Action", "Actor", "Result", "Project", "Token", "Reason", "#Event"}, operationRows(report.operations), "No operation in this time.");
    if (report.unlisted > 0)
        page.paragraph(std::to_string(report.unlisted) + " further operations are counted above and not listed here; audit export has them all.");
    return page.take();
}

} // namespace llmproxy
