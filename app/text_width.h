// SPDX-License-Identifier: GPL-3.0-only
// How many columns of a terminal a text takes: two for the characters of East Asia and for emoji, none for what is put on the
// character before it. Thread: any.
#pragma once

#include <QString>

namespace llmproxy {

qsizetype columnsOf(const QString &text);
// With spaces up to this many columns.
QString paddedTo(const QString &text, qsizetype columns);

} // namespace llmproxy
