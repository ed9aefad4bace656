// SPDX-License-Identifier: GPL-3.0-only
// Creates a token from a preset or changes one's limits. Thread: GUI.
#pragma once

#include "dialogs/form_dialog.h"

#include <QJsonArray>

class QComboBox;
class QLineEdit;
class QDoubleSpinBox;
class QSpinBox;

namespace llmproxy::ui {

class TokenFormDialog final : public FormDialog
{
    Q_OBJECT
public:
    // A new one: projects to choose from, and which one first.
    TokenFormDialog(Client &client, const QJsonArray &projects, const QString &projectId, QWidget *parent);
    // Changes one.
    TokenFormDialog(Client &client, const QJsonObject &token, QWidget *parent);

Q_SIGNALS:
    void created(const QJsonObject &token);  // with the token itself
    void updated(const QJsonObject &before, const QJsonObject &changes);

private:
    void build();
    void applyPreset(int index);
    void submit() override;
    QJsonObject limits() const;

    Client &m_client;
    const QJsonObject m_token; // empty: a new one
    QComboBox *m_project = nullptr, *m_preset = nullptr, *m_unit = nullptr;
    QSpinBox *m_lifetime = nullptr;
    QDoubleSpinBox *m_rate, *m_requests, *m_concurrent;
    QLineEdit *m_name, *m_note, *m_models, *m_endpoints, *m_ips;
    QJsonObject m_shownLimits; // of the token, as the form had them at first
};

} // namespace llmproxy::ui
