// SPDX-License-Identifier: GPL-3.0-only
// Asked before the engine of this computer is stopped, when that would cut streams. Thread: GUI.
#pragma once

#include "client/engine_control.h"

class QWidget;

namespace llmproxy::ui {

// True: nothing runs, or the person said yes. question: "Quit LLM Proxy?"; accept: what the button for yes says.
bool mayStop(const EngineControl &engine, QWidget *parent, const QString &question, const QString &accept);

// Stops it, unless the person said no.
void stopAsking(EngineControl &engine, QWidget *parent);

} // namespace llmproxy::ui
