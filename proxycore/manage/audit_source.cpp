// SPDX-License-Identifier: GPL-3.0-only
#include "manage/audit_source.h"

#include "audit/file_reader.h"
#include "audit/log_set.h"
#include "base/clock.h"
#include "config/settings.h"
#include "manage/page.h"
#include "storage/database.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>

namespace llmproxy {

namespace {

constexpr int rowsAtOnce = 1000;

Error fileUnreadable()
{
    return {ErrorKind::Unavailable, "service_unavailable", "The audit log's file cannot be read at the moment; try again.", {}};
}

Error fileUnreadable(const LogProblem &problem)
{
    return {ErrorKind::Unavailable, "service_unavailable", "A file of the audit log is missing here: " + problem.text(), {}};
}

Error nothingStored()
{
    return {ErrorKind::Conflict, "audit_not_stored", "There is no audit log to read: AUDIT_ENABLED is false.", {}};
}

// Lines are only parsed when they hold what is asked for.
std::optional<AuditEvent> matching(std::string_view line, const AuditQuery &filters)
{
    for (const std::string *text : {&filters.requestId, &filters.tokenId, &filters.projectId, &filters.clientIp}) {
        if (!text->empty() && line.find(*text) == std::string_view::npos)
            return {};
    }
    auto event = parseAuditLine(line);
    return event && matches(*event, filters) ? std::move(event) : std::nullopt;
}

// AUDIT_STORE_IN_DB=false: the files are all there is. The newest is read from its end; older ones only when it does not do.
class FilePage
{
public:
    explicit FilePage(const AuditQuery &filters) : m_filters(filters), m_limit(static_cast<size_t>(filters.limit)) {}

    bool readNewest(const std::string &path)
    {
        return visitLinesBackwards(path, [this](std::string_view line) {
            if (auto event = matching(line, m_filters))
                m_events.push_front(std::move(*event));
            trim();
            return m_filters.oldestFirst || m_events.size() < m_limit;
        });
    }

    // What stands before all that was read.
    bool readOlder(const LogSetFile &file, std::string *why)
    {
        std::deque<AuditEvent> older;
        const int64_t before = m_events.empty() ? INT64_MAX : m_events.front().seq; // a file may repeat what the one before ended with
        const bool read = visitLines(file, [this, &older, before](std::string_view line) {
            if (auto event = matching(line, m_filters); event && event->seq < before)
                older.push_back(std::move(*event));
            if (!m_filters.oldestFirst && older.size() > m_limit - m_events.size())
                older.pop_front();
            return !m_filters.oldestFirst || older.size() < m_limit;
        }, why);
        m_events.insert(m_events.begin(), std::make_move_iterator(older.begin()), std::make_move_iterator(older.end()));
        trim();
        return read;
    }

    bool isFull() const { return !m_filters.oldestFirst && m_events.size() >= m_limit; }

    std::vector<AuditEvent> take()
    {
        if (!m_filters.oldestFirst)
            std::reverse(m_events.begin(), m_events.end());
        return {std::make_move_iterator(m_events.begin()), std::make_move_iterator(m_events.end())};
    }

private:
    void trim()
    {
        if (m_filters.oldestFirst && m_events.size() > m_limit)
            m_events.resize(m_limit);
    }

    const AuditQuery &m_filters;
    const size_t m_limit;
    std::deque<AuditEvent> m_events; // the oldest first
};

Result<std::vector<AuditEvent>> pageOfFiles(const std::string &path, const KeyRing *keys, const AuditQuery &filters)
{
    FilePage page(filters);
    if (!page.readNewest(path))
        return fileUnreadable();
    if (page.isFull())
        return page.take();
    const LogSet set = logSet(path, keys);
    const std::string newest = logPlaceOf(path);
    std::string why;
    for (auto file = set.files.rbegin(); file != set.files.rend() && !page.isFull(); ++file) {
        if (file->path != newest && !page.readOlder(*file, &why))
            return fileUnreadable({file->path, why});
    }
    if (!page.isFull() && !set.unreadable.empty())
        return fileUnreadable(set.unreadable.front());
    return page.take();
}

Outcome visitFiles(const std::string &path, const KeyRing *keys, const AuditQuery &filters, int64_t toSeq,
                   const std::function<bool(const AuditEvent &event, std::string_view line)> &visit)
{
    int64_t last = 0;
    bool goesOn = true;
    const LogSet set = logSet(path, keys);
    if (!set.unreadable.empty())
        return fileUnreadable(set.unreadable.front());
    std::string why;
    for (const LogSetFile &file : set.files) {
        const bool read = visitLines(file, [&](std::string_view line) {
            const auto event = matching(line, filters);
            if (!event || event->seq <= last) // a file may repeat what the one before ended with
                return true;
            goesOn = event->seq <= toSeq && visit(*event, line);
            last = event->seq;
            return goesOn;
        }, &why);
        if (!goesOn)
            return {};
        if (!read)
            return fileUnreadable({file.path, why});
    }
    return {};
}

// ?around=SEQ or a time: the page begins with that event, or with the one next to it in the list's order.
Outcome beginAround(const QueryInput &query, AuditQuery &filters)
{
    const QString around = query.text("around");
    bool isNumber = false;
    const int64_t seq = around.toLongLong(&isNumber);
    const int64_t timeMs = isNumber ? -1 : parseRfc3339(around);
    if (query.has("cursor"))
        return invalidField("around", "Give 'around' or 'cursor', not both.");
    if (isNumber ? seq < 1 || seq == std::numeric_limits<int64_t>::max() : timeMs < 0)
        return invalidField("around", "'around' must be the seq of an event, or a time like 2026-01-31T12:00:00Z.");
    if (isNumber)
        filters.fromSeq = filters.oldestFirst ? seq - 1 : seq + 1; // a page has what follows this one
    else if (filters.oldestFirst)
        filters.fromMs = std::max(filters.fromMs, timeMs);
    else
        filters.toMs = filters.toMs > 0 ? std::min(filters.toMs, timeMs + 1) : timeMs + 1;
    return {};
}

} // namespace

Result<AuditQuery> readAuditFilters(const QueryInput &query)
{
    AuditQuery filters;
    filters.limit = static_cast<int>(query.integer("limit", 50));
    filters.action = query.text("action").toStdString();
    filters.actor = query.text("actor").toStdString();
    filters.result = query.text("result").toStdString();
    filters.projectId = query.text("project_id").toStdString();
    filters.requestId = query.text("request_id").toStdString();
    filters.clientIp = query.text("client_ip").toStdString();
    filters.tokenId = query.text("token_id").toStdString();
    filters.status = query.has("status") ? std::to_string(query.integer("status", 0)) : std::string();
    filters.model = query.text("model").toStdString();
    filters.text = query.text("q").toStdString();
    filters.oldestFirst = query.text("sort") == QLatin1String("created_at");
    filters.fromMs = query.time("from");
    filters.toMs = query.time("to");
    if (query.has("around")) {
        if (Outcome failure = beginAround(query, filters))
            return *failure;
    }
    if (!query.has("cursor"))
        return filters;
    const auto parts = decodeCursor(query.text("cursor"), 2);
    if (!parts)
        return parts.error();
    filters.fromSeq = parts->at(1).toLongLong();
    if (parts->at(0) != QLatin1String("seq") || filters.fromSeq < 1)
        return invalidField("cursor", "'cursor' is not one that this server gave; start without it.");
    return filters;
}

Result<std::vector<AuditEvent>> auditPage(const ManageContext &context, const AuditQuery &query)
{
    const Settings &settings = *context.settings;
    if (settings.auditEnabled && settings.auditStoreInDb)
        return context.database->auditEvents(query);
    if (settings.auditEnabled && !settings.auditLogFile.empty())
        return pageOfFiles(settings.auditLogFile, context.keys, query);
    return nothingStored();
}

Outcome visitAudit(const ManageContext &context, AuditQuery query, int64_t toSeq,
                   const std::function<bool(const AuditEvent &event, std::string_view line)> &visit)
{
    const Settings &settings = *context.settings;
    query.oldestFirst = true;
    query.fromSeq = 0;
    query.limit = rowsAtOnce;
    if (!settings.auditEnabled || !settings.auditStoreInDb) {
        if (!settings.auditEnabled || settings.auditLogFile.empty())
            return nothingStored();
        return visitFiles(settings.auditLogFile, context.keys, query, toSeq, visit);
    }
    while (true) {
        const auto page = context.database->auditEvents(query);
        if (!page)
            return page.error();
        for (const AuditEvent &event : *page) {
            if (event.seq > toSeq || !visit(event, auditLine(event)))
                return {};
            query.fromSeq = event.seq;
        }
        if (page->size() < static_cast<size_t>(rowsAtOnce))
            return {};
    }
}

} // namespace llmproxy
