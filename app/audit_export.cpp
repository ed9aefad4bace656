// SPDX-License-Identifier: GPL-3.0-only
// audit export and audit report: written beside the file and put in its place when whole; the proof goes into FILE.proof.
#include "audit_export.h"

#include "audit_filters.h"
#include "base/clock.h"
#include "output.h"
#include "progress_line.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

struct ExportOptions
{
    Target target;
    std::string format, output;
    Query filters;
};

// stdout, or a file that is there whole or not at all.
class Output
{
public:
    explicit Output(std::string path) : m_path(std::move(path)) {}
    ~Output()
    {
        if (m_file && m_file != stdout) {
            std::fclose(m_file);
            unlink(unfinished().c_str());
        }
    }
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    bool open()
    {
        if (m_path.empty()) {
            m_file = stdout;
            return true;
        }
        const int fd = ::open(unfinished().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        m_file = fd < 0 ? nullptr : fdopen(fd, "wb");
        return m_file != nullptr;
    }

    // No bytes: the client asks whether to go on; fwrite() wants a pointer all the same.
    bool write(std::string_view bytes)
    {
        if (m_file == stdout)
            return print(bytes);
        return bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), m_file) == bytes.size();
    }

    bool finish()
    {
        const bool good = std::fflush(m_file) == 0 && (m_file == stdout || fsync(fileno(m_file)) == 0);
        if (m_file == stdout)
            return good;
        std::fclose(m_file);
        m_file = nullptr;
        if (good && rename(unfinished().c_str(), m_path.c_str()) == 0)
            return true;
        unlink(unfinished().c_str());
        return false;
    }

private:
    std::string unfinished() const { return m_path + ".part"; }

    const std::string m_path;
    FILE *m_file = nullptr;
};

// Hands everything on but the last line: that is the proof.
class LastLineKept
{
public:
    explicit LastLineKept(Output &output) : m_output(output) {}

    // False: it cannot be written, or isTooLong().
    bool take(std::string_view bytes)
    {
        m_kept.append(bytes);
        if (isTooLong())
            return false;
        const size_t end = m_kept.rfind('\n', m_kept.empty() ? 0 : m_kept.size() - 2);
        if (end == std::string::npos || m_kept.size() < 2)
            return true;
        const bool good = m_output.write(std::string_view(m_kept).substr(0, end + 1));
        m_kept.erase(0, end + 1);
        return good;
    }
    const std::string &line() const { return m_kept; }
    bool isTooLong() const { return m_kept.size() > longestLine; }

private:
    static constexpr size_t longestLine = 4 << 20; // an event has 64 KiB at most, and pieces hold some

    Output &m_output;
    std::string m_kept;
};

int cannotWrite(const std::string &path)
{
    return complain(ExitFailed, (path.empty() ? "stdout" : "'" + path + "'") + " cannot be written: " + std::strerror(errno));
}

int writeProof(const std::string &path, const std::string &line)
{
    Output proof(path);
    return proof.open() && proof.write(line) && proof.finish() ? ExitOk : cannotWrite(path);
}

int download(OpenClient &opened, const std::string &path, const Query &query, const std::string &file, const std::string &title, bool hasProof)
{
    for (const std::string &target : {file, hasProof && !file.empty() ? file + ".proof" : std::string()}) {
        if (const std::string why = target.empty() ? "" : whyNoTarget(target); !why.empty())
            return complain(ExitUsage, "--output: " + why + "; without --output the export goes to standard output");
    }
    Output output(file);
    if (!output.open())
        return cannotWrite(file);
    LastLineKept kept(output);
    bool isWritten = true;
    ApiAnswer answer;
    {
        const ProgressLine progress(*opened.client, title);
        answer = opened.client->download(path, query, [&](std::string_view bytes) {
            isWritten = hasProof ? kept.take(bytes) : output.write(bytes);
            return isWritten;
        });
    }
    if (kept.isTooLong())
        return complain(ExitFailed, "the server's answer is not an audit log: it has a line longer than 4 MiB");
    if (!isWritten)
        return cannotWrite(file);
    if (!answer.ok())
        return complain(answer);
    if (!output.finish())
        return cannotWrite(file);
    return hasProof ? writeProof(file + ".proof", kept.line()) : int{ExitOk};
}

int handOut(const CommandLine &line, const ExportOptions &o, const std::string &path, const std::string &title, bool hasProof)
{
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened, Access::Records))
        return code;
    Query query = o.filters;
    query.emplace_back("format", o.format);
    if (hasProof)
        query.emplace_back("proof", "true");
    return download(opened, path, query, o.output, title, hasProof);
}

int exportEvents(const CommandLine &line, const ExportOptions &o)
{
    const bool hasProof = !o.output.empty();
    const int code = handOut(line, o, "/manage/audit/export", "exporting", hasProof);
    if (code == ExitOk && hasProof)
        note("written to " + o.output + ", its proof to " + o.output + ".proof (llm-proxy audit verify --file " + o.output + ")");
    return code;
}

// A page of HTML is nothing for a terminal.
int report(const CommandLine &line, ExportOptions o)
{
    if (o.output.empty() && o.format == "html" && isatty(STDOUT_FILENO)) {
        o.output = "audit-report-" + rfc3339(Clock::wallMs()).substr(0, 19) + "Z.html";
        std::erase(o.output, ':');
    }
    const int code = handOut(line, o, "/manage/audit/report", "reporting", false);
    if (code == ExitOk && !o.output.empty())
        note("written to " + o.output);
    return code;
}

void addOutput(CLI::App *command, ExportOptions &o, const std::string &formats, const std::string &preset)
{
    o.format = preset;
    command->add_option("--format", o.format, formats + " [" + preset + "]")->type_name("TEXT");
    command->add_option("-o,--output", o.output, "File to write, 0600; default: stdout")->type_name("FILE");
}

} // namespace

void addAuditExport(CLI::App *audit, CommandLine &line)
{
    auto o = std::make_shared<ExportOptions>();
    CLI::App *command = audit->add_subcommand("export", "Write events, oldest first; with --output also a signed proof of the slice");
    addTarget(command, o->target);
    addOutput(command, *o, "jsonl (the log's exact lines) or csv", "jsonl");
    addAuditFilters(command, o->filters);
    command->callback([&line, o] { line.chosen = [&line, o] { return exportEvents(line, *o); }; });

    o = std::make_shared<ExportOptions>();
    command = audit->add_subcommand("report", "What was done, failed, rotated and reviewed in a time, and whether the chain holds");
    addTarget(command, o->target);
    addOutput(command, *o, "html, csv or json", "html");
    addAuditTimes(command, o->filters);
    command->callback([&line, o] { line.chosen = [&line, o] { return report(line, *o); }; });
}

} // namespace llmproxy
