// SPDX-License-Identifier: GPL-3.0-only
// How tokens look in a table. Thread: GUI.
#pragma once

#include "models/rows_model.h"

namespace llmproxy::ui {

enum TokenColumn { TokenName, TokenState, TokenExpires, TokenProject, TokenUse, TokenRate, TokenLastUsed, TokenModelTokens, TokenMasked, TokenCreated };

std::vector<Column> tokenColumns(const std::function<QString(const QString &id)> &projectName);

} // namespace llmproxy::ui
