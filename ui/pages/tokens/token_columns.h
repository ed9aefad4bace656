// SPDX-License-Identifier: GPL-3.0-only
// How tokens look in a table. Thread: GUI.
#pragma once

#include "models/rows_model.h"

namespace llmproxy::ui {

enum TokenColumn { TokenName, TokenState, TokenExpires, TokenProject, TokenUse, TokenRate, TokenLastUsed, TokenModelTokens, TokenMasked, TokenCreated };

std::vector<Column> tokenColumns(const std::function<QString(const QString &id)> &projectName);
// Where clients reach the engine, from GET /manage/overview: "http://127.0.0.1:8080".
QString baseUrlOf(const QJsonObject &overview);

} // namespace llmproxy::ui
