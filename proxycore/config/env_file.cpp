// SPDX-License-Identifier: GPL-3.0-only
#include "config/env_file.h"

#include "base/ascii.h"
#include "secrets/secret.h"

#include <algorithm>
#include <optional>

namespace llmproxy {

namespace {

std::string_view trim(std::string_view text)
{
    const auto isSpace = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && isSpace(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && isSpace(text.back()))
        text.remove_suffix(1);
    return text;
}

// What may follow a closing quote: nothing, or a comment.
bool isRest(std::string_view rest)
{
    rest = trim(rest);
    return rest.empty() || rest.front() == '#';
}

bool isName(std::string_view name)
{
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9')
           && std::all_of(name.begin(), name.end(), [](char c) { return isAsciiAlnum(c) || c == '_'; });
}

bool isQuote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

std::string_view lineAt(std::string_view text, size_t begin)
{
    return text.substr(begin, text.find('\n', begin) - begin);
}

struct Assignment
{
    std::string_view name, value; // parts of the line
};

std::string_view withoutExport(std::string_view line)
{
    line = trim(line);
    return line.starts_with("export ") || line.starts_with("export\t") ? trim(line.substr(7)) : line;
}

std::optional<Assignment> assignmentOf(std::string_view line)
{
    line = withoutExport(line);
    const size_t equals = line.find('=');
    const std::string_view name = trim(line.substr(0, equals));
    if (equals == line.npos || !isName(name))
        return std::nullopt;
    return Assignment{name, trim(line.substr(equals + 1))};
}

// npos: there is none.
size_t closingQuote(std::string_view text, size_t open)
{
    for (size_t at = open + 1; at < text.size(); ++at) {
        if (text[open] == '"' && text[at] == '\\')
            ++at;
        else if (text[at] == text[open])
            return at;
    }
    return text.npos;
}

std::string quotedValue(std::string_view inside, char quote)
{
    std::string value;
    value.reserve(inside.size()); // or what it grows out of keeps a part of a secret
    for (size_t i = 0; i < inside.size(); ++i) {
        const bool isEscape = quote == '"' && inside[i] == '\\' && i + 1 < inside.size();
        if (isEscape && inside[++i] == 'n')
            value += '\n';
        else if (inside[i] != '\r' || i + 1 == inside.size() || inside[i + 1] != '\n')
            value += inside[i];
    }
    return value;
}

std::string_view bareValue(std::string_view raw)
{
    size_t comment = raw.empty() || raw.front() != '#' ? raw.find(" #") : 0;
    comment = std::min(comment, raw.find("\t#"));
    return trim(raw.substr(0, comment));
}

class EnvReader
{
public:
    // isOurs null: every line is.
    EnvReader(std::string_view text, const IsOurName *isOurs) : m_text(text), m_isOurs(isOurs)
    {
        if (m_text.starts_with("\xef\xbb\xbf"))
            m_text.remove_prefix(3);
    }

    EnvFile run()
    {
        for (; m_at < m_text.size(); advance(lineAt(m_text, m_at).size() + 1))
            readLine(trim(lineAt(m_text, m_at)));
        return std::move(m_file);
    }

private:
    bool isOurs(std::string_view name) const { return !m_isOurs || (*m_isOurs)(name); }
    void problem(const std::string &what) { m_file.problems.push_back("line " + std::to_string(m_line) + ": " + what); }
    void warning(const std::string &what) { m_file.warnings.push_back("line " + std::to_string(m_line) + ": " + what); }

    void advance(size_t count)
    {
        const std::string_view passed = m_text.substr(m_at, count);
        m_line += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
        m_at += count;
    }

    void readLine(std::string_view line)
    {
        if (line.empty() || line.front() == '#')
            return;
        const auto found = assignmentOf(line);
        if (!found)
            readForeignLine(withoutExport(line));
        else if (!found->value.empty() && isQuote(found->value.front()))
            readQuoted(*found);
        else if (isOurs(found->name))
            m_file.values.push_back({std::string(found->name), std::string(bareValue(found->value)), m_line});
    }

    // "set -a", the inside of a certificate, and whatever else a shell or another program reads.
    void readForeignLine(std::string_view line)
    {
        if (!m_isOurs) {
            problem("not NAME=value");
            return;
        }
        const std::string_view word = line.substr(0, line.find_first_of(" \t:"));
        if (word.size() < line.size() && isOurs(word))
            warning(std::string(word) + " is not followed by '=', so the line is skipped");
    }

    void readQuoted(const Assignment &found)
    {
        const size_t open = static_cast<size_t>(found.value.data() - m_text.data());
        const size_t lineEnd = m_at + lineAt(m_text, m_at).size();
        const size_t close = closingQuote(m_isOurs ? m_text : m_text.substr(0, lineEnd), open);
        const bool isOnLine = close < lineEnd;
        if (close == m_text.npos || !isRest(lineAt(m_text, close + 1))) {
            if (isOurs(found.name))
                problem((isOnLine ? "text follows the closing quotation mark of " : "the quotation mark is not closed in the value of ") + std::string(found.name));
            else if (!isOnLine)
                readUnclosed(open);
            return;
        }
        if (isOurs(found.name))
            m_file.values.push_back({std::string(found.name), quotedValue(m_text.substr(open + 1, close - open - 1), m_text[open]), m_line});
        advance(close - m_at); // behind a value of several lines
    }

    // Of another program. A shell reads on until the next quotation mark, and from there in turns.
    void readUnclosed(size_t open)
    {
        bool isInside = true;
        int line = m_line;
        for (size_t at = open + 1; at < m_text.size() && isInside; ++at) {
            const size_t end = at + lineAt(m_text, at).size();
            for (; at < end; ++at) {
                if (m_text[open] == '"' && m_text[at] == '\\')
                    ++at;
                else if (m_text[at] == m_text[open])
                    isInside = !isInside;
            }
            ++line;
            const auto next = isInside && end < m_text.size() ? assignmentOf(lineAt(m_text, end + 1)) : std::nullopt;
            if (next && isOurs(next->name)) {
                problem("the quotation mark is not closed, so " + std::string(next->name) + " on line " + std::to_string(line)
                        + " may be a part of its value; close it, or move that line above this one");
                return;
            }
            at = end;
        }
        warning("the quotation mark is not closed; the value is taken to end with its line");
    }

    std::string_view m_text;
    const IsOurName *const m_isOurs;
    EnvFile m_file;
    size_t m_at = 0; // where the line begins
    int m_line = 1;
};

} // namespace

EnvFile::~EnvFile()
{
    for (EnvValue &one : values)
        wipe(one.value.data(), one.value.size());
}

EnvFile parseEnvFile(std::string_view text)
{
    return EnvReader(text, nullptr).run();
}

EnvFile parseSharedEnvFile(std::string_view text, const IsOurName &isOurs)
{
    return EnvReader(text, &isOurs).run();
}

} // namespace llmproxy
