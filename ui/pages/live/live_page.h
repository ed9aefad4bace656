// SPDX-License-Identifier: GPL-3.0-only
// Requests as they run, and those that have just ended. Thread: GUI.
#pragma once

#include "models/rows_model.h"
#include "pages/page.h"
#include "widgets/table.h"

#include <QCheckBox>

namespace llmproxy::ui {

class LivePage final : public Page
{
    Q_OBJECT
public:
    explicit LivePage(Console &console);
    void refresh() override;

protected:
    void reconnected() override;

private:
    void take(const QJsonObject &event);
    QJsonArray rowsNow() const; // what runs, and what has just ended
    void show();
    void updateActions();
    void kill(const QList<QJsonObject> &requests);

    RowsModel *m_model;
    Table *m_table;
    QCheckBox *m_withEnded;
    QLabel *m_summary;
    QAction *m_pause, *m_kill, *m_killToken, *m_events;
    QJsonArray m_running, m_frozen; // the other: as they were at the pause
    QList<QJsonObject> m_ended; // the newest first, at most mostEnded
    int m_runningCount = 0, m_frozenCount = 0;
    bool m_isPaused = false;
};

} // namespace llmproxy::ui
