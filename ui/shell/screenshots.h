// SPDX-License-Identifier: GPL-3.0-only
// llm-proxy --demo --screenshots DIR: every page and dialog as pictures, light and dark, at 1x and 1.5x. Thread: GUI.
#pragma once

#include "client/session.h"

namespace llmproxy::ui {

class MainWindow;

// The program's exit code.
int writeScreenshots(MainWindow &window, Session &session, const QString &folder);

} // namespace llmproxy::ui
