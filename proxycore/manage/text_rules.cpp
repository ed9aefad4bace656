// SPDX-License-Identifier: GPL-3.0-only
#include "manage/text_rules.h"

#include "base/clock.h"
#include "base/masking.h"
#include "secrets/credential_text.h"

#include <QList>
#include <QString>

#include <algorithm>

namespace llmproxy {

namespace {

Error refuse(const std::string &name, const std::string &message)
{
    return {ErrorKind::Invalid, "invalid_field", "'" + name + "' " + message, name};
}

// textPattern says the same.
bool isForbidden(char32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f)      // C0, DEL, C1
        || (c >= 0x202a && c <= 0x202e)              // bidirectional embeddings and overrides
        || (c >= 0x2066 && c <= 0x2069)              // bidirectional isolates
        || c == 0x200e || c == 0x200f || c == 0x061c // direction marks
        || c == 0x2028 || c == 0x2029                // line and paragraph separators
        || (c >= 0xd800 && c <= 0xdfff);
}

// Nothing is seen of it by itself: spaces, formats (zero width, soft hyphen, tags), marks that need a character before them, and the
// letters and symbols that are drawn empty.
bool isInvisible(char32_t c)
{
    constexpr char32_t empty[] = {0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0};
    if (QChar::isSpace(c) || std::find(std::begin(empty), std::end(empty), c) != std::end(empty))
        return true;
    const QChar::Category category = QChar::category(c);
    return category == QChar::Other_Format || category == QChar::Mark_NonSpacing || category == QChar::Mark_Enclosing;
}

bool isChoice(std::string_view text, std::string_view values)
{
    while (!values.empty()) {
        const size_t end = values.find('|');
        if (values.substr(0, end) == text)
            return true;
        values = end == std::string_view::npos ? std::string_view() : values.substr(end + 1);
    }
    return false;
}

std::string listed(std::string_view values)
{
    std::string text;
    for (const char c : values)
        text += c == '|' ? std::string(", ") : std::string(1, c);
    return text;
}

bool isIdentifier(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
    });
}

Outcome checkCharacters(std::string_view text, const Field &field, const std::string &name)
{
    const auto characters = QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())).toUcs4();
    if (characters.size() < field.minimum || characters.size() > field.maximum)
        return refuse(name, "must have " + std::to_string(field.minimum) + " to " + std::to_string(field.maximum)
                                + " characters.");
    if (std::any_of(characters.begin(), characters.end(), isForbidden))
        return refuse(name, "must not contain control or text-direction characters.");
    if (!characters.isEmpty() && std::all_of(characters.begin(), characters.end(), isInvisible))
        return refuse(name, "must not be blank.");
    return {};
}

} // namespace

Outcome checkText(std::string_view text, const Field &field, const std::string &name)
{
    if (!field.values.empty()) {
        if (!isChoice(text, field.values))
            return refuse(name, "must be one of: " + listed(field.values) + ".");
        return {};
    }
    if (field.kind == FieldKind::Identifier) {
        if (!isIdentifier(text))
            return refuse(name, "must be 1 to 64 of the characters A-Z a-z 0-9 _ -.");
        if (redactText(text) != text) // ids stand in events and logs
            return refuse(name, "must not look like a key or a token.");
        return {};
    }
    if (field.kind == FieldKind::Time) {
        if (parseRfc3339(QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()))) < 0)
            return refuse(name, "must be a time like 2030-01-31T12:00:00Z.");
        return {};
    }
    if (field.kind == FieldKind::Secret && !text.empty()) {
        const CredentialText read = readCredential(text);
        return read.problem.empty() ? checkCharacters(read.value, field, name) : refuse(name, std::string(read.problem) + ".");
    }
    return checkCharacters(text, field, name);
}

} // namespace llmproxy
