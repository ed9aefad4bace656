// SPDX-License-Identifier: GPL-3.0-only
// What commands print: aligned text or JSON on stdout, sentences on stderr. No name or user agent can steer a terminal: in tables,
// fields and sentences what is not seen is "?", and bytes that are handed on as they are (JSON, an export) are escaped where stdout
// is a terminal. Thread: main.
#pragma once

#include <QJsonObject>
#include <QString>
#include <QStringDecoder>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy {

enum ExitCode { ExitOk = 0, ExitFailed = 1, ExitUsage = 2, ExitNotAllowed = 3, ExitUnreachable = 4 };

using TextRow = std::vector<std::string>;
using FieldList = std::vector<std::pair<std::string, std::string>>;

// Why a file of this name cannot be put in place of what is there: a device or a FIFO would be gone. Empty: it can.
std::string whyNoTarget(const std::string &path);

// Columns aligned, headings in the first line.
void printTable(const TextRow &headings, const std::vector<TextRow> &rows);
// One "name  value" a line.
void printFields(const FieldList &fields);
// Every field of an answer, id first, nested ones as "details.endpoint".
void printObject(const QJsonObject &object);
void printJson(const QJsonObject &object);

// Text from outside on its way to a terminal: controls (C0 and C1), marks of direction and characters without width as \u009d, which
// is what they are in JSON too; bytes that are no UTF-8 as U+FFFD. Line ends and tabs stay. Takes a text in pieces.
class TerminalText
{
public:
    std::string escaped(std::string_view bytes);

private:
    QStringDecoder m_decoder{QStringDecoder::Utf8};
    QChar m_half; // the first of a surrogate pair, when its second is in the next piece
};

// To stdout: the exact bytes, or escaped to a terminal. False: stdout cannot be written.
bool print(std::string_view bytes);
// A cell: "-" for null and empty, lists joined.
std::string cell(const QJsonValue &value);
std::string cell(const QJsonObject &object, const char *name);

// "llm-proxy: sentence" on stderr.
void note(const std::string &sentence);
// The same, for `return complain(ExitUsage, "…")`.
int complain(ExitCode code, const std::string &sentence);

QString fromText(const std::string &text);

} // namespace llmproxy
