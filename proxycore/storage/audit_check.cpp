// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_check.h"

#include "audit/line_reader.h"
#include "audit/log_set.h"
#include "storage/audit_catch_up.h"
#include "storage/audit_lines.h"
#include "storage/audit_rows.h"
#include "storage/lost_rows.h"

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t progressEvery = 20'000;
constexpr int64_t rowsAtOnce = 100'000;
constexpr int mostLooks = 20, mostLooksAtPair = 60;
constexpr auto lookPause = std::chrono::milliseconds(50);

class Check
{
public:
    explicit Check(const AuditCheckInput &input) : m_input(input), m_fileChain(input.keys), m_tableChain(input.keys) {}
    Result<AuditCheckReport> run();

private:
    struct AnchorFile
    {
        std::string path;
        const CheckpointKeys *keys = nullptr;
        int64_t checkpoints = 0, damaged = 0;
    };
    bool readAnchors(std::string *problem);
    void readAnchorLine(std::string_view line, AnchorFile &anchor);
    void holdAgainstAnchor(std::string_view line, int64_t seq);
    bool openTable();
    bool isCleanedUpTo(int64_t seq) const;
    bool isVerified(std::string_view line);
    void compareWithNote(std::string_view line, int64_t seq, const std::string &hash, const char *where);
    void readFiles();
    void readFile(const LogSetFile &file, bool isLast);
    bool isGrowing(const LogSetFile &file) const;
    bool isLeftBehind(const LogTwice &one) const;
    void fileLine(std::string_view line);
    bool stepTable();
    void tableLine();
    void noteLost(std::string_view line);
    void checkTableEnd(VerifyReport &table) const;
    bool goesOn();
    AuditCheckReport finish();

    const AuditCheckInput &m_input;
    ChainVerifier m_fileChain, m_tableChain;
    std::unique_ptr<SqlConnection> m_connection;
    std::unique_ptr<AuditLines> m_rows;
    bool m_hasRow = false;
    bool m_skips = false; // lines that were verified before
    int64_t m_rowsRead = 0;
    int64_t m_tableLast = 0; // as it was before the file was read: a live log goes on meanwhile
    int64_t m_fileLast = 0;
    bool m_hasFile = false, m_endsAtCheckpoint = false;
    std::map<int64_t, std::pair<std::string, std::string>> m_anchored; // seq → hash, and the file that has it
    int64_t m_lastAnchored = 0; // the one that was compared before
    RowsTo m_rowsTo;
    std::map<int64_t, int64_t> m_lost; // first → last, of events whose lines were gone before their rows were made
    Sha256Hex m_hasher;
    VerifyReport m_differences;
    int64_t m_done = 0;
    bool m_cancelled = false;
};

bool Check::readAnchors(std::string *problem)
{
    for (const std::string &path : m_input.anchors) {
        AnchorFile anchor{path, m_input.keys};
        LineReader reader(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        for (std::string_view line; reader.next(&line);)
            readAnchorLine(line, anchor);
        readAnchorLine(reader.rest(), anchor); // a pasted one may have no line end
        if (reader.hasFailed())
            *problem = "The anchor '" + path + "' cannot be read: " + reader.problem() + ".";
        else if (anchor.damaged > 0)
            *problem = "The anchor '" + path + "' has " + std::to_string(anchor.damaged) + " damaged checkpoints.";
        else if (anchor.checkpoints == 0 && m_input.alone)
            *problem = "The anchor '" + path + "' contains no checkpoints.";
        if (!problem->empty())
            return false;
    }
    return true;
}

// syslog puts something in front, and a copy may end its lines differently.
void Check::readAnchorLine(std::string_view line, AnchorFile &anchor)
{
    line.remove_prefix(std::min(line.find('{'), line.size()));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (!isCheckpointLine(line))
        return;
    ++anchor.checkpoints;
    const auto one = readChainedLine(line);
    const auto event = one && m_hasher.hash(one->covered) == one->hash ? parseAuditLine(line) : std::nullopt;
    if (!event || (anchor.keys && anchor.keys->check(*event) != CheckpointKeys::Verdict::Good))
        ++anchor.damaged;
    else
        m_anchored.try_emplace(one->seq, std::string(one->hash), anchor.path);
}

void Check::holdAgainstAnchor(std::string_view line, int64_t seq)
{
    if (m_anchored.empty())
        return;
    const auto found = m_anchored.find(seq);
    if (found == m_anchored.end())
        return;
    const int64_t before = std::exchange(m_lastAnchored, seq);
    if (const auto read = readChainedLine(line); !read || read->hash != found->second.first)
        m_differences.addToRun(seq, before, "changed", "Event " + std::to_string(seq) + " is another one than the checkpoint that " + found->second.second + " has.",
                               "Checkpoints at events {} are others than those that " + found->second.second + " has.");
}

bool Check::openTable()
{
    if (m_input.database.empty())
        return true;
    auto opened = SqlConnection::open(m_input.database, SqlConnection::Use::Read);
    if (!opened)
        return false;
    m_connection = std::move(*opened);
    if (!readRowsTo(*m_connection, &m_rowsTo)) // before the rows: there are never fewer
        return false;
    QSqlQuery query = m_connection->query();
    if (!query.exec(QStringLiteral("SELECT max(seq) FROM audit_events")) || !query.next())
        return failed(query, "audit check");
    m_tableLast = query.value(0).toLongLong();
    query.finish();
    m_rows = std::make_unique<AuditLines>(*m_connection, m_input.afterSeq > 0 ? m_input.afterSeq + 1 : 0);
    m_hasRow = stepTable();
    if (m_input.afterSeq > 0 && (!m_hasRow || m_rows->seq() == m_input.afterSeq + 1 || !isCleanedUpTo(m_rows->seq() - 1)))
        m_tableChain.continueAfter(m_input.afterSeq, m_input.afterHash);
    return true;
}

// The rows up to there were removed by retention, or by command: a signature says so further on.
bool Check::isCleanedUpTo(int64_t seq) const
{
    QSqlQuery query = m_connection->query();
    query.prepare(QStringLiteral("SELECT 1 FROM meta WHERE name = 'retention_seq' AND CAST(value AS INTEGER) >= ?"));
    query.addBindValue(qint64{seq});
    return query.exec() && query.next();
}

bool Check::stepTable()
{
    // A statement that stays open for long keeps the write-ahead log from being taken in.
    if (++m_rowsRead % rowsAtOnce == 0)
        m_rows = std::make_unique<AuditLines>(*m_connection, m_rows->seq() + 1);
    return m_rows->next() && m_rows->seq() <= m_tableLast;
}

bool Check::goesOn()
{
    if (++m_done % progressEvery == 0) {
        m_cancelled = m_input.cancelled && *m_input.cancelled;
        if (m_input.progress)
            m_input.progress(m_done, std::max(m_tableLast, m_fileLast));
    }
    return !m_cancelled;
}

void Check::noteLost(std::string_view line)
{
    constexpr size_t actionEnds = 80; // behind the timestamp
    if (line.substr(0, actionEnds).find("\"system.recovered\"") == std::string_view::npos)
        return;
    const auto event = parseAuditLine(line);
    if (const auto declared = event ? declaredIn(*event) : std::nullopt)
        m_lost[declared->first] = declared->second;
}

// Rows that are missing at the end were there; those that never were are no removal.
void Check::checkTableEnd(VerifyReport &table) const
{
    if (table.lastSeq < m_rowsTo.seq)
        table.add(table.lastSeq + 1, "cut", "The table ends with event " + std::to_string(table.lastSeq) + ", and rows up to event " + std::to_string(m_rowsTo.seq)
                  + " were in it.");
    for (VerifyProblem &problem : table.problems) {
        const auto lost = m_lost.find(problem.seq);
        if (problem.kind == "missing" && lost != m_lost.end() && lost->second == problem.toSeq)
            problem.message = "Events " + std::to_string(lost->first) + " to " + std::to_string(lost->second)
                + " are not in the table: their lines were removed from the log's file before their rows were made.";
    }
}

void Check::tableLine()
{
    noteLost(m_rows->line());
    m_tableChain.line(m_rows->line());
    if (m_rows->seq() == m_rowsTo.seq)
        compareWithNote(m_rows->line(), m_rowsTo.seq, m_rowsTo.hash, "table");
    if (!m_hasFile)
        holdAgainstAnchor(m_rows->line(), m_rows->seq());
    m_hasRow = stepTable();
}

// The database knows which event it was: a chain can be made again from any line on, but not to this hash.
void Check::compareWithNote(std::string_view line, int64_t seq, const std::string &hash, const char *where)
{
    const auto read = readChainedLine(line);
    if (isHash(hash) && (!read || read->hash != hash))
        m_differences.add(seq, "changed", "Event " + std::to_string(seq) + " of the " + where + " is not the one that was written.");
}

// Up to the last event that was verified before; that one is still what it was.
bool Check::isVerified(std::string_view line)
{
    const auto read = readChainedLine(line);
    if (read && read->seq > m_input.afterSeq) {
        m_skips = false;
        return false;
    }
    m_fileLast = std::max(m_fileLast, read ? read->seq : 0);
    if (read && read->seq == m_input.afterSeq && read->hash != m_input.afterHash)
        m_differences.add(read->seq, "changed", "Event " + std::to_string(read->seq) + " is not the one that was verified before.");
    return true;
}

void Check::fileLine(std::string_view line)
{
    if (m_skips && isVerified(line))
        return;
    const int64_t seq = m_fileChain.line(line);
    if (seq == 0)
        return;
    m_fileLast = std::max(m_fileLast, seq);
    if (m_input.place && seq == m_input.place->lastSeq)
        compareWithNote(line, seq, m_input.place->lastHash, "file");
    noteLost(line);
    holdAgainstAnchor(line, seq);
    m_endsAtCheckpoint = isCheckpointLine(line);
    while (m_hasRow && m_rows->seq() < seq)
        tableLine();
    if (m_hasRow && m_rows->seq() == seq) {
        if (m_rows->line() != line)
            m_differences.addToRun(seq, seq - 1, "differs", "Event " + std::to_string(seq) + " is another one in the table than in the file.",
                                   "Events {} are others in the table than in the file.");
        tableLine();
    }
}

// What cannot be read, or holds no event, is named; the other files are looked at all the same.
void Check::readFiles()
{
    const LogSet set = logSet(m_input.file, m_input.ring, m_input.alone);
    m_hasFile = m_input.alone || !set.files.empty() || !set.unreadable.empty() || !set.foreign.empty() || m_input.database.empty();
    const bool continues = m_input.afterSeq > 0 && !set.files.empty() && set.files.front().firstSeq <= m_input.afterSeq + 1;
    if (continues)
        m_fileChain.continueAfter(m_input.afterSeq, m_input.afterHash);
    for (size_t at = 0; at < set.files.size() && !m_cancelled; ++at) {
        const bool isLast = at + 1 == set.files.size();
        m_skips = continues;
        if (!continues || isLast || set.files[at + 1].firstSeq > m_input.afterSeq) // else the next one has all that is new in this one
            readFile(set.files[at], isLast);
    }
    for (const LogProblem &problem : set.unreadable)
        m_fileChain.addProblem("unreadable", problem.text());
    for (const LogProblem &problem : set.foreign)
        m_fileChain.addProblem("unreadable", "'" + problem.file + "' contains no events of the audit log.");
    for (const LogTwice &one : set.twice) {
        if (isLeftBehind(one))
            m_fileChain.addProblem("reordered", "'" + one.file + "' was not read: it is the compressed form of '" + one.readAs + "', which is also there. Remove one of the two.");
    }
}

void Check::readFile(const LogSetFile &file, bool isLast)
{
    std::string why, rest;
    m_fileChain.beginFile(file.path);
    const bool isRead = visitLines(file, [this](std::string_view line) {
        fileLine(line);
        return goesOn();
    }, &why, &rest, m_input.afterSeq);
    if (m_cancelled)
        return;
    if (!isRead)
        m_fileChain.addProblem("cut", "'" + file.path + "' cannot be read to its end: " + why + ".");
    m_fileChain.endFile(isLast, rest.empty() || !isRead || (isLast && !m_input.alone && isGrowing(file)));
}

// While it is compressed it grows, and then the other one is removed. What stays as it is was left behind.
bool Check::isLeftBehind(const LogTwice &one) const
{
    struct stat before{}, now{};
    if (stat(one.file.c_str(), &before) != 0)
        return false;
    for (int looks = 0; looks < mostLooksAtPair; ++looks) {
        std::this_thread::sleep_for(lookPause);
        if (stat(one.file.c_str(), &now) != 0 || now.st_size != before.st_size || now.st_mtim.tv_sec != before.st_mtim.tv_sec || access(one.readAs.c_str(), F_OK) != 0)
            return false;
    }
    return true;
}

// A line of the log that is written just now has its end in a moment.
bool Check::isGrowing(const LogSetFile &file) const
{
    for (int looks = 0; looks < mostLooks; ++looks) {
        struct stat info{};
        char last = 0;
        if (fstat(*file.descriptor, &info) != 0 || pread(*file.descriptor, &last, 1, info.st_size - 1) != 1)
            return false;
        if (last == '\n')
            return true;
        std::this_thread::sleep_for(lookPause);
    }
    return false;
}

AuditCheckReport Check::finish()
{
    AuditCheckReport report;
    report.cancelled = m_cancelled;
    if (m_hasFile)
        report.file = m_fileChain.finish();
    if (m_rows)
        report.table = m_tableChain.finish();
    if (m_cancelled)
        return report;
    if (report.table) {
        report.rowsTo = m_rowsTo.seq;
        checkTableEnd(*report.table);
    }
    if (m_hasFile && m_rows && m_fileLast < m_tableLast && !(m_input.olderCopy && m_endsAtCheckpoint))
        m_differences.add(m_fileLast + 1, "cut", "The file ends with event " + std::to_string(m_fileLast) + ", the table with event "
                          + std::to_string(m_tableLast) + ".");
    else if (m_hasFile && m_input.place && m_fileLast < m_input.place->lastSeq)
        m_differences.add(m_fileLast + 1, "cut", "The files end with event " + std::to_string(m_fileLast) + ", and went up to event "
                          + std::to_string(m_input.place->lastSeq) + ".");
    const int64_t last = m_hasFile ? m_fileLast : m_tableLast;
    if (!m_anchored.empty() && m_anchored.rbegin()->first > last && !m_input.olderCopy)
        m_differences.add(last + 1, "cut", "The log ends with event " + std::to_string(last) + ", and " + m_anchored.rbegin()->second.second
                          + " has the checkpoint at event " + std::to_string(m_anchored.rbegin()->first) + ".");
    // An empty file, or none at all: what has content but no events is a problem already.
    if (m_input.afterSeq == 0 && (!report.file || (report.file->events == 0 && report.file->isGood())) && (m_input.alone || !report.table || report.table->events == 0))
        m_differences.add(1, "missing", m_input.file.empty() ? "The audit log contains no events." : "'" + m_input.file + "' contains no events.");
    if (m_input.alone && m_input.keys && report.file && report.file->events > 0 && report.file->checkpoints == 0)
        m_differences.add(report.file->firstSeq, "signature", "'" + m_input.file + "' contains no signed checkpoint, so its origin cannot be verified.");
    if (!report.file && !report.table)
        report.file.emplace(); // or what is wrong would stand nowhere
    VerifyReport &of = report.file ? *report.file : *report.table;
    of.problems.insert(of.problems.end(), m_differences.problems.begin(), m_differences.problems.end());
    of.problemCount += m_differences.problemCount;
    return report;
}

Result<AuditCheckReport> Check::run()
{
    std::string problem;
    if (!readAnchors(&problem))
        return Error{ErrorKind::Unavailable, "service_unavailable", problem + " Without the anchor, a missing end of the log cannot be detected.", "AUDIT_ANCHORS"};
    if (!openTable())
        return storageError();
    if (!m_input.file.empty())
        readFiles();
    while (m_hasRow && goesOn())
        tableLine();
    if (m_rows && m_rows->hasFailed())
        return storageError();
    return finish();
}

} // namespace

const VerifyProblem *AuditCheckReport::first() const
{
    const VerifyProblem *found = nullptr;
    for (const auto *part : {&file, &table}) {
        if (!*part)
            continue;
        for (const VerifyProblem &problem : (*part)->problems) {
            if (!found || problem.seq < found->seq)
                found = &problem;
        }
    }
    return found;
}

Result<AuditCheckReport> checkAudit(const AuditCheckInput &input)
{
    return Check(input).run();
}

} // namespace llmproxy
