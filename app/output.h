// SPDX-License-Identifier: GPL-3.0-only
// What commands print: aligned text or JSON on stdout, sentences on stderr. Texts from outside lose their
// control characters, so that no name or user agent can steer a terminal. Thread: main.
#pragma once

#include <QJsonObject>
#include <QString>

#include <string>
#include <utility>
#include <vector>

namespace llmproxy {

enum ExitCode { ExitOk = 0, ExitFailed = 1, ExitUsage = 2, ExitNotAllowed = 3, ExitUnreachable = 4 };

using TextRow = std::vector<std::string>;
using FieldList = std::vector<std::pair<std::string, std::string>>;

// Columns aligned, headings in the first line.
void printTable(const TextRow &headings, const std::vector<TextRow> &rows);
// One "name  value" a line.
void printFields(const FieldList &fields);
// Every field of an answer, id first, nested ones as "details.endpoint".
void printObject(const QJsonObject &object);
void printJson(const QJsonObject &object);
// A cell: "-" for null and empty, lists joined.
std::string cell(const QJsonValue &value);
std::string cell(const QJsonObject &object, const char *name);

// "llm-proxy: sentence" on stderr.
void note(const std::string &sentence);
// The same, for `return complain(ExitUsage, "…")`.
int complain(ExitCode code, const std::string &sentence);

QString fromText(const std::string &text);

} // namespace llmproxy
