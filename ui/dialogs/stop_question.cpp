// SPDX-License-Identifier: GPL-3.0-only
#include "dialogs/stop_question.h"

#include "dialogs/form_dialog.h"
#include "style/format.h"

#include <QCoreApplication>

namespace llmproxy::ui {

bool mayStop(const EngineControl &engine, QWidget *parent, const QString &question, const QString &accept)
{
    const int streams = engine.runningStreams();
    if (streams == 0)
        return true;
    const QString cost = QCoreApplication::translate("StopQuestion", "%n running stream(s) get up to %1 to end, then they are cut.", nullptr, streams);
    return confirmed(parent, question, cost.arg(duration(engine.drainTimeoutMs())), accept, true);
}

void stopAsking(EngineControl &engine, QWidget *parent)
{
    if (mayStop(engine, parent, QCoreApplication::translate("StopQuestion", "Stop the engine?"), QCoreApplication::translate("StopQuestion", "Stop the engine")))
        engine.stop();
}

} // namespace llmproxy::ui
