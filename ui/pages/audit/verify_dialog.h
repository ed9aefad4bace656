// SPDX-License-Identifier: GPL-3.0-only
// Holds the log against its chain, with progress, and says what was found. Thread: GUI.
#pragma once

#include "client/client.h"

#include <QDialog>
#include <QProgressBar>
#include <QTimer>

class QLabel;
class QVBoxLayout;

namespace llmproxy::ui {

class VerifyDialog final : public QDialog
{
    Q_OBJECT
public:
    VerifyDialog(Client &client, QWidget *parent);

Q_SIGNALS:
    void showEvent(qint64 seq);

private:
    void ask();
    void show(const Reply &reply);

    Client &m_client;
    QLabel *m_text;
    QProgressBar *m_bar;
    QVBoxLayout *m_results;
    QTimer m_timer;
    bool m_isAsking = false;
};

} // namespace llmproxy::ui
