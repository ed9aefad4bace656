// SPDX-License-Identifier: GPL-3.0-only
// What a server says, within bounds: it may be of another version, damaged or hostile. Every answer and every event of the feed
// passes here before a page sees it, so that a number that indexes, a text that is laid out or a list that is drawn cannot be of a
// size that nobody has thought of. Thread: any.
#pragma once

#include <QByteArray>
#include <QJsonArray>
#include <QJsonObject>
#include <QSet>

#include <functional>
#include <limits>

namespace llmproxy::ui {

// Integers up to here are exact in JSON (RFC 8259, section 6).
constexpr qint64 largestNumber = (qint64{1} << 53) - 1;
constexpr qsizetype longestText = 64 * 1024; // characters; the API's longest is 8,192
constexpr qsizetype longestList = 5'000;     // items; the API's longest has 1,500
constexpr int deepest = 16;                  // objects and lists within each other; the API's deepest is 6

// Numbers, texts and lists beyond are cut to their bound, what is nested deeper is null.
QJsonObject bounded(const QJsonObject &body);

// The first of a list whose items become a widget each, or an entry of a menu: all of them are laid out at once.
constexpr qsizetype mostWidgets = 300; // the API's longest such list has 90
QJsonArray forWidgets(const QJsonArray &list);

// A whole number that the answer has there; otherwise, when it is none or out of this range.
qint64 whole(const QJsonValue &value, qint64 least, qint64 most, qint64 otherwise);
// Of an event of the audit log; 0: it has none.
qint64 seqOf(const QJsonObject &event);
// Letters, digits, "-" and "_": what is pasted into a shell or a file is nothing else.
bool isAccessToken(const QString &text);
// "/manage/tokens/tok-1": each part is one that an id of ours can be. A part that a server chose leads nowhere else.
bool isPlainPath(const QString &path);
// For texts with a plural; what is larger is INT_MAX, what is no number 0.
int asInt(const QJsonValue &value);

// Follows the pages of a list: a server that gives the same cursor again would be asked for ever.
class PageTrail
{
public:
    // False: that was no honest end, and asking on makes no sense. items: of the page that named it.
    bool goesOn(const QString &cursor, qsizetype items);

private:
    QSet<QString> m_seen;
};

// Cuts a stream into the events between its empty lines (text/event-stream, "\n" as our server writes it).
class EventCutter
{
public:
    // Calls event() for each that is complete. False: one is longer than 1 MiB, the stream is of no use.
    bool take(const QByteArray &bytes, const std::function<void(const QByteArray &event)> &event);

private:
    QByteArray m_rest;
    qsizetype m_searched = 0; // of the rest
};

} // namespace llmproxy::ui
