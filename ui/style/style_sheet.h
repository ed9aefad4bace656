// SPDX-License-Identifier: GPL-3.0-only
// The look that Fusion does not give by itself. Thread: GUI.
#pragma once

#include "style/theme.h"

namespace llmproxy::ui {

QString styleSheet(const Colors &colors);

} // namespace llmproxy::ui
