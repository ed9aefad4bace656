// SPDX-License-Identifier: GPL-3.0-only
// Creates a project, changes one, or takes a new key for it. Thread: GUI.
#pragma once

#include "dialogs/form_dialog.h"
#include "dialogs/secret_field.h"

class QComboBox;
class QLineEdit;

namespace llmproxy::ui {

class ProjectDialog final : public FormDialog
{
    Q_OBJECT
public:
    // project: empty object: a new one.
    ProjectDialog(Client &client, const QJsonObject &project, QWidget *parent);

Q_SIGNALS:
    void saved(const QJsonObject &project);

private:
    void submit() override;
    void checkKey();
    void offer(const QJsonObject &proposal); // another form of the address, where the API was found; empty: none
    void takeProposal();
    void showVersion(const QJsonValue &version);
    QJsonValue version() const; // whether paths have a version segment; null: the base URL shows it
    QJsonObject fields() const;

    Client &m_client;
    const QJsonObject m_project;
    QLineEdit *m_name, *m_baseUrl, *m_models;
    QComboBox *m_provider, *m_environment, *m_version;
    SecretField *m_key;
    QPushButton *m_check, *m_useProposal;
    QLabel *m_checked;
    QJsonObject m_proposal;
};

class RotateKeyDialog final : public FormDialog
{
    Q_OBJECT
public:
    RotateKeyDialog(Client &client, const QJsonObject &project, QWidget *parent);

Q_SIGNALS:
    void rotated();

private:
    void submit() override;

    Client &m_client;
    const QJsonObject m_project;
    QComboBox *m_provider;
    SecretField *m_key;
};

// What POST /manage/providers/check found, as a sentence into a label.
void showKeyCheck(QLabel *label, const Reply &reply);
// Of a change's answer: that its base URL was shortened, with a blank before it; empty: it was not.
QString noteOn(const QJsonObject &project);

} // namespace llmproxy::ui
