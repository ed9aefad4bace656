// SPDX-License-Identifier: GPL-3.0-only
// Which server to look after: this computer's, one of the remembered ones, or a new one. Names, addresses and pins are remembered;
// management tokens are not: they are asked for. Thread: GUI.
#pragma once

#include "client/session.h"
#include "dialogs/form_dialog.h"
#include "pages/page.h"

class QLineEdit;

namespace llmproxy::ui {

// To the server that is shown, with another token.
void connectAgain(Console &console, Session &session, QWidget *parent);
void showServerMenu(Console &console, Session &session, QWidget *below);

class ConnectDialog final : public FormDialog
{
    Q_OBJECT
public:
    // known: a remembered server, or nothing filled in.
    ConnectDialog(ConsoleHost &host, const RemoteServer &known, QWidget *parent);
    ~ConnectDialog() override;

Q_SIGNALS:
    void chosen(const RemoteServer &server);

private:
    void submit() override;
    void judge(const ServerIdentity &identity);
    void tryIt(RemoteServer server);

    ConsoleHost &m_host;
    const RemoteServer m_known;
    QLineEdit *m_name, *m_url, *m_token;
};

QList<RemoteServer> rememberedServers();
void rememberServer(const RemoteServer &server); // in place of one at the same address
QString originOf(const QString &address); // scheme, host and port in one spelling
QString rememberedPin(const QString &url); // empty: none for this address
void forgetServer(const QString &url);

} // namespace llmproxy::ui
