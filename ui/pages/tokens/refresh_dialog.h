// SPDX-License-Identifier: GPL-3.0-only
// Refreshes a token: a successor, and how long the old one goes on. Thread: GUI.
#pragma once

#include "dialogs/form_dialog.h"

class QComboBox;

namespace llmproxy::ui {

class RefreshDialog final : public FormDialog
{
    Q_OBJECT
public:
    RefreshDialog(Client &client, const QJsonObject &token, QWidget *parent);

Q_SIGNALS:
    void refreshed(const QJsonObject &successor);

private:
    void submit() override;

    Client &m_client;
    const QString m_id;
    QComboBox *m_grace;
};

} // namespace llmproxy::ui
