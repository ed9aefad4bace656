// SPDX-License-Identifier: GPL-3.0-only
// What the audit table shows of an event, a cell each. Thread: GUI.
#pragma once

#include <QJsonObject>
#include <QString>

namespace llmproxy::ui {

// column: of AuditModel; empty for one that shows no text of the event alone.
QString auditText(const QJsonObject &event, int column);

} // namespace llmproxy::ui
