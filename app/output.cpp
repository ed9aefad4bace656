// SPDX-License-Identifier: GPL-3.0-only
#include "output.h"

#include "text_width.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QStringList>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr qsizetype longestCell = 1'000; // of a table: every row is as wide
constexpr qsizetype longestList = 1'000; // in one line

bool steersTerminal(uint c)
{
    switch (QChar::category(c)) {
    case QChar::Other_Control:
    case QChar::Other_Format:
    case QChar::Other_Surrogate:
    case QChar::Other_PrivateUse:
    case QChar::Separator_Line:
    case QChar::Separator_Paragraph:
        return true;
    default:
        return false;
    }
}

QString harmless(const std::string &text)
{
    QString shown;
    for (const uint c : QString::fromStdString(text).toUcs4())
        shown += steersTerminal(c) ? QString(QLatin1Char('?')) : QStringView(QChar::fromUcs4(c)).toString();
    return shown;
}

QString harmlessCell(const std::string &text)
{
    const QString shown = harmless(text);
    return shown.size() > longestCell ? shown.left(longestCell) + QChar(0x2026) : shown;
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
            widths[i] = std::max(widths[i], columnsOf(line[i]));
    }
    for (const auto &line : lines) {
        QString text;
        for (size_t i = 0; i < line.size(); ++i)
            text += i + 1 < line.size() ? paddedTo(line[i], widths[i] + 2) : line[i];
        printLine(stdout, text);
    }
}

bool isWhole(double number)
{
    constexpr double largest = 9'007'199'254'740'991; // RFC 8259, section 6
    return std::abs(number) <= largest && number == std::floor(number);
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
            for (qsizetype i = 0; i < std::min(items.size(), longestList); ++i)
                collect(QStringLiteral("%1[%2].").arg(name).arg(i), items[i].toObject(), fields);
        } else {
            fields.emplace_back(name.toStdString(), cell(value));
        }
    }
}

} // namespace

std::string whyNoTarget(const std::string &path)
{
    struct stat info{};
    if (stat(path.c_str(), &info) != 0)
        return errno == ENOENT ? std::string() : "'" + path + "' cannot be written: " + std::strerror(errno);
    return S_ISREG(info.st_mode) ? "" : "'" + path + "' is " + (S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
}

void printTable(const TextRow &headings, const std::vector<TextRow> &rows)
{
    std::vector<std::vector<QString>> lines;
    lines.reserve(rows.size() + 1);
    const auto add = [&](const TextRow &row) {
        std::vector<QString> line;
        for (const std::string &text : row)
            line.push_back(harmlessCell(text));
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
    print(std::string_view(text.constData(), static_cast<size_t>(text.size())));
}

std::string TerminalText::escaped(std::string_view bytes)
{
    QString text = m_decoder.decode(QByteArrayView(bytes.data(), static_cast<qsizetype>(bytes.size())));
    if (!m_half.isNull())
        text.prepend(std::exchange(m_half, QChar()));
    if (!text.isEmpty() && text.back().isHighSurrogate()) {
        m_half = text.back();
        text.chop(1);
    }
    QString shown;
    for (const uint c : text.toUcs4()) {
        const QString units = QStringView(QChar::fromUcs4(c)).toString();
        if (c == '\n' || c == '\t' || !steersTerminal(c)) {
            shown += units;
            continue;
        }
        for (const QChar unit : units)
            shown += QStringLiteral("\\u%1").arg(unit.unicode(), 4, 16, QLatin1Char('0'));
    }
    return shown.toStdString();
}

bool print(std::string_view bytes)
{
    static TerminalText terminal;
    static const bool isTerminal = isatty(STDOUT_FILENO) == 1;
    const std::string escaped = isTerminal ? terminal.escaped(bytes) : std::string();
    const std::string_view text = isTerminal ? std::string_view(escaped) : bytes;
    return text.empty() || std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

std::string cell(const QJsonValue &value)
{
    if (value.isBool())
        return value.toBool() ? "yes" : "no";
    if (value.isDouble())
        return isWhole(value.toDouble()) ? std::to_string(value.toInteger()) : QByteArray::number(value.toDouble(), 'g', 6).toStdString();
    if (value.isArray()) {
        QStringList texts;
        const QJsonArray items = value.toArray();
        for (qsizetype at = 0; at < std::min(items.size(), longestList); ++at)
            texts << QString::fromStdString(cell(items.at(at)));
        if (items.size() > longestList)
            texts << QStringLiteral("and %1 more").arg(items.size() - longestList);
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
