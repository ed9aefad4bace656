// SPDX-License-Identifier: GPL-3.0-only
#include "audit/export_proof.h"

#include "audit/line_reader.h"
#include "audit/log_set.h"
#include "base/json_text.h"

#include <QJsonDocument>
#include <QJsonObject>

#include <fcntl.h>

namespace llmproxy {

namespace {

constexpr std::string_view purpose = "export";
constexpr std::string_view statementBegin = "{\"statement\":";
constexpr std::string_view keyBegin = ",\"key_id\":";

std::string statementText(const ExportStatement &statement)
{
    std::string text = "{";
    const auto raw = [&text](std::string_view name, const std::string &value) {
        text.append(text.size() > 1 ? ",\"" : "\"").append(name).append("\":").append(value);
    };
    const auto quoted = [&raw](std::string_view name, const std::string &value) {
        std::string out;
        appendJsonString(out, value);
        raw(name, out);
    };
    quoted("format", statement.format);
    quoted("generated_at", statement.generatedAt);
    quoted("filters", statement.filters);
    raw("events", std::to_string(statement.events));
    raw("first_seq", std::to_string(statement.firstSeq));
    raw("last_seq", std::to_string(statement.lastSeq));
    if (statement.toSeq > 0)
        raw("to_seq", std::to_string(statement.toSeq));
    quoted("sha256", statement.sha256);
    quoted("first_checkpoint", statement.firstCheckpoint);
    quoted("last_checkpoint", statement.lastCheckpoint);
    return text + "}";
}

// The slice's lines, as far as they can be told without the lines between them.
class SliceVerifier
{
public:
    SliceVerifier(const ExportStatement &statement, VerifyReport &report)
        : m_report(report), m_isUnbroken(statement.events == statement.lastSeq - statement.firstSeq + 1)
    {
    }

    void line(std::string_view text)
    {
        const auto read = readChainedLine(text);
        if (!read) {
            m_report.add(m_report.lastSeq + 1, "unreadable", "The line after event " + std::to_string(m_report.lastSeq) + " is not an audit event.");
            return;
        }
        if (m_hasher.hash(read->covered) != read->hash)
            m_report.addToRun(read->seq, m_report.lastSeq, "changed", "Event " + std::to_string(read->seq) + " was changed: its bytes do not give its hash.",
                              "Events {} were changed: their bytes do not give their hashes.");
        else if (m_report.events > 0 && read->seq <= m_report.lastSeq)
            m_report.add(read->seq, "reordered", "Event " + std::to_string(read->seq) + " stands behind event " + std::to_string(m_report.lastSeq) + ".");
        else if (m_report.events > 0 && read->seq == m_report.lastSeq + 1 && read->prev != m_report.lastHash)
            m_report.addToRun(read->seq, m_report.lastSeq, "changed", "Event " + std::to_string(read->seq) + " does not follow on event " + std::to_string(m_report.lastSeq) + ".",
                              "Events {} do not follow on each other.");
        else if (m_report.events > 0 && read->seq > m_report.lastSeq + 1 && m_isUnbroken)
            m_report.add(m_report.lastSeq + 1, "missing", "Events after event " + std::to_string(m_report.lastSeq) + " are missing.");
        if (m_report.events++ == 0)
            m_report.firstSeq = read->seq;
        m_report.lastSeq = read->seq;
        m_report.lastHash = read->hash;
    }

private:
    VerifyReport &m_report;
    const bool m_isUnbroken; // there was no event between that was not asked for
    Sha256Hex m_hasher;
};

void checkCheckpoint(const std::string &line, bool isFirst, const ExportStatement &statement, const CheckpointKeys *keys, VerifyReport &report)
{
    if (line.empty() || statement.events == 0)
        return;
    const auto read = readChainedLine(line);
    const auto event = parseAuditLine(line);
    const bool inPlace = read && (isFirst ? read->seq < statement.firstSeq : read->seq >= statement.lastSeq);
    if (!read || !event || event->action != Action::AuditCheckpoint || !inPlace || Sha256Hex().hash(read->covered) != read->hash)
        report.add(read ? read->seq : 1, "changed", "The proof's checkpoint does not belong to this slice.");
    else if (keys && keys->check(*event) != CheckpointKeys::Verdict::Good)
        report.add(read->seq, "signature", "The signature of the checkpoint at event " + std::to_string(read->seq) + " is not valid.");
    else
        ++report.checkpoints;
}

Error noProof()
{
    return {ErrorKind::Invalid, "proof", "This is no proof of an export.", "proof"};
}

} // namespace

std::string exportProof(const ExportStatement &statement, const CheckpointKey &key)
{
    const std::string text = statementText(statement);
    return std::string(statementBegin) + text + std::string(keyBegin) + "\"" + key.id() + "\",\"signature\":\"" + key.sign(purpose, text) + "\"}";
}

Result<ReadProof> readExportProof(std::string_view line)
{
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.remove_suffix(1);
    const size_t at = line.rfind(keyBegin);
    const QJsonObject object = QJsonDocument::fromJson(QByteArray(line.data(), static_cast<qsizetype>(line.size()))).object();
    const QJsonObject said = object.value(QLatin1String("statement")).toObject();
    if (!line.starts_with(statementBegin) || at == line.npos || said.isEmpty())
        return noProof();
    const auto text = [](const QJsonObject &of, const char *name) { return of.value(QLatin1String(name)).toString().toStdString(); };
    ReadProof proof;
    proof.signedText = line.substr(statementBegin.size(), at - statementBegin.size());
    proof.keyId = text(object, "key_id");
    proof.signature = text(object, "signature");
    ExportStatement &statement = proof.statement;
    statement = {text(said, "format"), text(said, "generated_at"), text(said, "filters"), said.value(QLatin1String("events")).toInteger(),
                 said.value(QLatin1String("first_seq")).toInteger(), said.value(QLatin1String("last_seq")).toInteger(), said.value(QLatin1String("to_seq")).toInteger(), text(said, "sha256"),
                 text(said, "first_checkpoint"), text(said, "last_checkpoint")};
    if (statementText(statement) != proof.signedText)
        return noProof();
    return proof;
}

Result<VerifyReport> verifyExport(const std::string &path, const ReadProof &proof, const CheckpointKeys *keys)
{
    const ExportStatement &statement = proof.statement;
    if (const std::string why = whyNoFile(path); !why.empty())
        return Error{ErrorKind::Unavailable, "audit_file", "'" + path + "' cannot be read: " + why + ".", "file"};
    VerifyReport report;
    SliceVerifier slice(statement, report);
    Sha256Hex content;
    content.begin();
    LineReader reader(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    for (std::string_view line; reader.next(&line);) {
        content.add(line);
        content.add("\n");
        if (statement.format == "jsonl")
            slice.line(line);
    }
    if (reader.hasFailed() || reader.isCompressed())
        return Error{ErrorKind::Unavailable, "audit_file", "'" + path + "' cannot be read to its end: " + (reader.hasFailed() ? reader.problem() : "it is compressed; unpack it") + ".", "file"};
    content.add(reader.rest());
    if (statement.format == "jsonl" && !reader.rest().empty())
        report.add(report.lastSeq + 1, "cut", "The file ends in the middle of a line.");
    if (keys && keys->check(purpose, proof.signedText, proof.keyId, proof.signature) != CheckpointKeys::Verdict::Good)
        report.add(std::max<int64_t>(statement.firstSeq, 1), "signature", "The proof is not signed with one of the given keys.");
    checkCheckpoint(statement.firstCheckpoint, true, statement, keys, report);
    checkCheckpoint(statement.lastCheckpoint, false, statement, keys, report);
    if (content.end() != statement.sha256 && report.isGood()) {
        const bool isCut = statement.format == "jsonl" && report.events < statement.events;
        report.add(isCut ? report.lastSeq + 1 : std::max<int64_t>(statement.firstSeq, 1), isCut ? "missing" : "changed",
                   isCut ? "The proof is of " + std::to_string(statement.events) + " events, and here are " + std::to_string(report.events) + "."
                         : "The file is another one than the one that was exported.");
    }
    if (statement.format != "jsonl") {
        report.events = statement.events;
        report.firstSeq = statement.firstSeq;
        report.lastSeq = statement.lastSeq;
    }
    report.signedToSeq = report.isGood() && keys ? report.lastSeq : 0;
    return report;
}

} // namespace llmproxy
