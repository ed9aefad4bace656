// SPDX-License-Identifier: GPL-3.0-only
#include "output.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QStringList>

#include <algorithm>
#include <cstdio>

namespace llmproxy {

namespace {

bool steersTerminal(QChar c)
{
    return c.category() == QChar::Other_Control || c.category() == QChar::Other_Format
           || c.category() == QChar::Separator_Line || c.category() == QChar::Separator_Paragraph;
}

QString harmless(const std::string &text)
{
    QString shown = QString::fromStdString(text);
    std::replace_if(shown.begin(), shown.end(), steersTerminal, QLatin1Char('?'));
    return shown;
}

void printLine(FILE *where, QString line)
{
    while (line.endsWith(QLatin1Char(' ')))
        line.chop(1);
    const QByteArray bytes = line.toUtf8() + '\n';
    std::fwrite(bytes.constData(), 1, static_cast<size_t>(bytes.size()), where);
}

void printAligned(const std::vector<std::vector<QString>> &lines)
{
    std::vector<qsizetype> widths;
    for (const auto &line : lines) {
        widths.resize(std::max(widths.size(), line.size()), 0);
        for (size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], line[i].size());
    }
    for (const auto &line : lines) {
        QString text;
        for (size_t i = 0; i < line.size(); ++i)
            text += i + 1 < line.size() ? line[i].leftJustified(widths[i] + 2) : line[i];
        printLine(stdout, text);
    }
}

void collect(const QString &prefix, const QJsonObject &object, FieldList &fields)
{
    for (auto field = object.begin(); field != object.end(); ++field) {
        const QString name = prefix + field.key();
        const QJsonValue value = field.value();
        if (value.isObject()) {
            collect(name + QLatin1Char('.'), value.toObject(), fields);
        } else if (value.isArray() && value.toArray().first().isObject()) {
            const QJsonArray items = value.toArray();
            for (qsizetype i = 0; i < items.size(); ++i)
                collect(QStringLiteral("%1[%2].").arg(name).arg(i), items[i].toObject(), fields);
        } else {
            fields.emplace_back(name.toStdString(), cell(value));
        }
    }
}

} // namespace

void printTable(const TextRow &headings, const std::vector<TextRow> &rows)
{
    std::vector<std::vector<QString>> lines;
    lines.reserve(rows.size() + 1);
    const auto add = [&](const TextRow &row) {
        std::vector<QString> line;
        for (const std::string &text : row)
            line.push_back(harmless(text));
        lines.push_back(std::move(line));
    };
    add(headings);
    for (const TextRow &row : rows)
        add(row);
    printAligned(lines);
}

void printFields(const FieldList &fields)
{
    std::vector<std::vector<QString>> lines;
    for (const auto &[name, value] : fields)
        lines.push_back({harmless(name), harmless(value)});
    printAligned(lines);
}

void printObject(const QJsonObject &object)
{
    FieldList fields;
    collect({}, object, fields);
    const auto rank = [](const std::string &name) {
        return name == "id" ? 0 : name == "seq" ? 1 : name == "name" ? 2 : name == "timestamp" ? 3 : 4;
    };
    std::stable_sort(fields.begin(), fields.end(),
                     [&](const auto &a, const auto &b) { return rank(a.first) < rank(b.first); });
    printFields(fields);
}

void printJson(const QJsonObject &object)
{
    const QByteArray text = QJsonDocument(object).toJson(QJsonDocument::Indented);
    std::fwrite(text.constData(), 1, static_cast<size_t>(text.size()), stdout);
}

std::string cell(const QJsonValue &value)
{
    if (value.isBool())
        return value.toBool() ? "yes" : "no";
    if (value.isDouble())
        return std::to_string(value.toInteger());
    if (value.isArray()) {
        QStringList texts;
        const QJsonArray items = value.toArray();
        for (const QJsonValue &item : items)
            texts << QString::fromStdString(cell(item));
        return texts.isEmpty() ? "-" : texts.join(QStringLiteral(", ")).toStdString();
    }
    const std::string text = value.toString().toStdString();
    return text.empty() ? "-" : text;
}

std::string cell(const QJsonObject &object, const char *name)
{
    return cell(object.value(QLatin1String(name)));
}

void note(const std::string &sentence)
{
    std::fflush(stdout);
    printLine(stderr, QStringLiteral("llm-proxy: ") + harmless(sentence));
}

int complain(ExitCode code, const std::string &sentence)
{
    note(sentence);
    return code;
}

QString fromText(const std::string &text)
{
    return QString::fromStdString(text);
}

} // namespace llmproxy
