// SPDX-License-Identifier: GPL-3.0-only
// Numbers, times and names as a person reads them: units, local time with UTC at hand, relative ages. Thread: any.
#pragma once

#include <QDateTime>
#include <QJsonValue>
#include <QString>

namespace llmproxy::ui {

QDateTime timeOf(const QJsonValue &rfc3339);      // invalid when null
QString localTime(const QDateTime &time);         // "25.11.2026 20:15:03", local zone
QString bothTimes(const QDateTime &time);         // for hover: local with zone, and UTC
QString relative(const QDateTime &time);          // "3 minutes ago", "in 2 days"; "never" when invalid
QString duration(qint64 ms);                      // "850 ms", "2.4 s", "3 min 20 s", "23 h 5 min"
QString count(double number);                     // "1,234", "12.3 k", "4.5 M"
QString bytes(qint64 size);                       // "12.4 kB"
QString orDash(const QString &text);
// A text from outside: what is not seen (controls, marks that change the direction of writing, characters without width) stands there
// as ⟨U+202E⟩, and what is longer than `most` characters ends with "…". Line ends stay.
QString shown(const QString &text, qsizetype most = 2'000);
QString shownLine(const QString &text); // of one line, at most 200 characters: it cannot look like the next line of ours
constexpr qsizetype longestCell = 300; // of a table: what is longer is not read there
QString asPlainTip(const QString &text);          // for a tool tip: tags of a text from outside are shown, not followed
QString withoutMarkup(const QString &text);       // for a notification: some desktops read it as HTML, some do not
QString breakable(const QString &text);           // a long word may go on in the next line
QString asCaption(const QString &text);           // for a button or menu: "&" is shown, not a mnemonic

} // namespace llmproxy::ui
