// SPDX-License-Identifier: GPL-3.0-only
#include "pages/tokens/refresh_dialog.h"

#include <QComboBox>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

RefreshDialog::RefreshDialog(Client &client, const QJsonObject &token, QWidget *parent)
    : FormDialog(tr("Refresh token"),
                 tr("A new token takes over the limits and counters of %1. The old one goes on for a while, so that you can exchange it without a gap.")
                     .arg(token.value("token_masked"_L1).toString()),
                 tr("Refresh"), parent),
      m_client(client), m_id(token.value("id"_L1).toString()), m_grace(new QComboBox)
{
    m_grace->addItem(tr("Not at all: it ends now"), 0);
    m_grace->addItem(tr("1 minute"), 1);
    m_grace->addItem(tr("10 minutes"), 10);
    m_grace->addItem(tr("1 hour"), 60);
    m_grace->addItem(tr("24 hours"), 24 * 60);
    m_grace->setCurrentIndex(2);
    addField(u"grace_minutes"_s, tr("The old token goes on for"), m_grace);
}

void RefreshDialog::submit()
{
    clearProblems();
    setBusy(true);
    m_client.send("POST", u"/manage/tokens/%1/refresh"_s.arg(m_id), {{u"grace_minutes"_s, m_grace->currentData().toInt()}}, this, [this](const Reply &reply) {
        if (!reply.ok()) {
            showRefusal(reply);
            return;
        }
        Q_EMIT refreshed(reply.body);
        accept();
    });
}

} // namespace llmproxy::ui
