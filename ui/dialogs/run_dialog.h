// SPDX-License-Identifier: GPL-3.0-only
// Opens a terminal in which `llm-proxy run` gives a command a fresh token of a project. No token is made here, and none is shown.
// Thread: GUI.
#pragma once

#include "dialogs/form_dialog.h"

#include <QJsonArray>

class QCheckBox;
class QComboBox;
class QLineEdit;

namespace llmproxy::ui {

class RunDialog final : public FormDialog
{
    Q_OBJECT
public:
    // projects: to choose from, and which one first. dataDir: of the engine here.
    RunDialog(const QJsonArray &projects, const QString &projectId, const QString &dataDir, QWidget *parent);

Q_SIGNALS:
    void opened(const QString &terminal); // its name

private:
    void submit() override;
    bool isComplete(); // says what is wrong beside the fields
    QStringList command() const; // llm-proxy run …
    void showCommand();
    void chooseFolder();

    const QString m_dataDir; // absolute
    QComboBox *m_project;
    QLineEdit *m_command, *m_folder, *m_lifetime, *m_models, *m_line;
    QCheckBox *m_required;
};

// Why a token cannot be given to a command from here, for a tool tip; empty: it can.
QString whyNoRun(const Client &client);

} // namespace llmproxy::ui
