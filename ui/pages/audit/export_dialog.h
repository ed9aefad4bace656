// SPDX-License-Identifier: GPL-3.0-only
// Writes events to a file, with progress and a way to stop; the file is there whole or not at all. Thread: GUI; the bytes come on
// a thread of their own.
#pragma once

#include "dialogs/form_dialog.h"

#include <QProgressBar>
#include <QSaveFile>
#include <QThread>
#include <QTimer>

#include <atomic>

class QCheckBox;
class QComboBox;
class QLineEdit;

namespace llmproxy::ui {

class ExportDialog final : public FormDialog
{
    Q_OBJECT
public:
    ExportDialog(Client &client, const Query &filter, QWidget *parent);
    ~ExportDialog() override; // stops what runs

    void reject() override; // what runs is stopped first, without waiting for it here

Q_SIGNALS:
    void written(const QString &path, qint64 bytes);

private:
    void chooseFile();
    void submit() override;
    void begin(const std::shared_ptr<Peer> &peer, const QString &path, bool hasProof);
    void finish(const QString &problem, const QString &path);
    void ask();

    Client &m_client;
    const Query m_filter;
    QLineEdit *m_file;
    QComboBox *m_format;
    QCheckBox *m_proof;
    QProgressBar *m_bar;
    QTimer m_timer;
    std::unique_ptr<QThread> m_thread;
    std::atomic<bool> m_stopped{false};
    std::atomic<qint64> m_bytes{0};
    bool m_isAsking = false, m_isClosing = false;
};

} // namespace llmproxy::ui
