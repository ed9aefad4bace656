// SPDX-License-Identifier: GPL-3.0-only
#include "config/settings.h"

#include "base/ascii.h"

#include <algorithm>

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

// What may stand behind a closing quote: nothing, or a comment.
bool isRest(std::string_view rest)
{
    rest = trim(rest);
    return rest.empty() || rest.front() == '#';
}

const char *readQuoted(std::string_view text, std::string *value)
{
    const char quote = text.front();
    for (size_t i = 1; i < text.size(); ++i) {
        if (text[i] == quote)
            return isRest(text.substr(i + 1)) ? nullptr : "something stands behind the closing quote";
        if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
            const char next = text[++i];
            *value += next == 'n' ? '\n' : next;
        } else {
            *value += text[i];
        }
    }
    return "the quote is not closed";
}

bool isName(std::string_view name)
{
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9')
           && std::all_of(name.begin(), name.end(), [](char c) { return isAsciiAlnum(c) || c == '_'; });
}

} // namespace

EnvFile::~EnvFile()
{
    for (auto &[name, value] : values)
        wipe(value.data(), value.size());
}

EnvFile parseEnvFile(std::string_view text)
{
    EnvFile file;
    for (int number = 1; !text.empty(); ++number) {
        const size_t end = text.find('\n');
        std::string_view line = trim(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (number == 1 && line.substr(0, 3) == "\xef\xbb\xbf")
            line.remove_prefix(3);
        if (line.empty() || line.front() == '#')
            continue;
        if (line.substr(0, 7) == "export " || line.substr(0, 7) == "export\t")
            line = trim(line.substr(7));
        const size_t equals = line.find('=');
        const std::string_view name = trim(line.substr(0, equals));
        // The value never stands in the message: it may be a secret.
        const auto problem = [&](const char *what) { file.problems.push_back("line " + std::to_string(number) + ": " + what); };
        if (equals == std::string_view::npos || !isName(name)) {
            problem("not NAME=value");
            continue;
        }
        const std::string_view raw = trim(line.substr(equals + 1));
        std::string value;
        value.reserve(raw.size()); // or what it grows out of keeps a part of it
        if (!raw.empty() && (raw.front() == '"' || raw.front() == '\'')) {
            if (const char *what = readQuoted(raw, &value)) {
                problem(what);
                wipe(value.data(), value.size());
                continue;
            }
        } else {
            size_t comment = raw.empty() || raw.front() != '#' ? raw.find(" #") : 0;
            comment = std::min(comment, raw.find("\t#"));
            value = trim(raw.substr(0, comment));
        }
        file.values.emplace_back(name, std::move(value));
    }
    return file;
}

} // namespace llmproxy
