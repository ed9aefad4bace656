// SPDX-License-Identifier: GPL-3.0-only
#include "pages/settings/server_menu.h"

#include "client/apart.h"
#include "style/format.h"

#include <QLineEdit>
#include <QMenu>
#include <QSettings>
#include <QUrl>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

QList<RemoteServer> rememberedServers()
{
    QSettings settings;
    QList<RemoteServer> servers;
    const int number = settings.beginReadArray(u"servers"_s);
    for (int i = 0; i < number; ++i) {
        settings.setArrayIndex(i);
        RemoteServer server;
        server.name = settings.value(u"name"_s).toString();
        server.url = settings.value(u"url"_s).toString();
        server.pin = settings.value(u"pin"_s).toString();
        servers.append(server);
    }
    return servers;
}

namespace {

constexpr int httpsPort = 443;

void writeServers(const QList<RemoteServer> &servers)
{
    QSettings settings;
    settings.remove(u"servers"_s);
    settings.beginWriteArray(u"servers"_s);
    for (int i = 0; i < servers.size(); ++i) {
        settings.setArrayIndex(i);
        settings.setValue(u"name"_s, servers.at(i).name);
        settings.setValue(u"url"_s, servers.at(i).url);
        settings.setValue(u"pin"_s, servers.at(i).pin);
    }
    settings.endArray();
}

} // namespace

// The server that is meant, however its address is written.
QString originOf(const QString &address)
{
    const QUrl url(address.trimmed());
    QString host = url.host(QUrl::FullyEncoded).toLower();
    while (host.endsWith(u'.'))
        host.chop(1);
    return url.scheme().toLower() + u"://"_s + host + u':' + QString::number(url.port(httpsPort));
}

QString rememberedPin(const QString &url)
{
    for (const RemoteServer &server : rememberedServers()) {
        if (!server.pin.isEmpty() && originOf(server.url) == originOf(url))
            return server.pin;
    }
    return {};
}

void rememberServer(const RemoteServer &server)
{
    QList<RemoteServer> servers = rememberedServers();
    erase_if(servers, [&](const RemoteServer &one) { return originOf(one.url) == originOf(server.url); });
    servers.prepend(server);
    writeServers(servers);
}

void forgetServer(const QString &url)
{
    QList<RemoteServer> servers = rememberedServers();
    erase_if(servers, [&](const RemoteServer &one) { return one.url == url; });
    writeServers(servers);
}

namespace {

void openConnect(Console &console, Session &session, const RemoteServer &known, QWidget *parent)
{
    auto *dialog = new ConnectDialog(console.host, known, parent->window());
    QObject::connect(dialog, &ConnectDialog::chosen, &session, [&session](const RemoteServer &server) {
        rememberServer(server);
        session.useRemote(server);
    });
    dialog->open();
}

} // namespace

void connectAgain(Console &console, Session &session, QWidget *parent)
{
    RemoteServer known;
    for (const RemoteServer &server : rememberedServers()) {
        if (server.name == console.client.serverName())
            known = server;
    }
    openConnect(console, session, known, parent);
}

void showServerMenu(Console &console, Session &session, QWidget *below)
{
    auto *menu = new QMenu(below);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const auto connectTo = [&console, &session, below](const RemoteServer &known) { openConnect(console, session, known, below); };
    QAction *local = menu->addAction(Session::tr("This computer"), &session, &Session::useLocal);
    local->setCheckable(true);
    local->setChecked(!session.isRemote());
    for (const RemoteServer &server : rememberedServers()) {
        QAction *one = menu->addAction(asCaption(server.name), below, [connectTo, server] { connectTo(server); });
        one->setToolTip(asPlainTip(server.url));
        one->setCheckable(true);
        one->setChecked(session.isRemote() && console.client.serverName() == server.name);
    }
    menu->addSeparator();
    menu->addAction(Session::tr("Connect to a server …"), below, [connectTo] { connectTo({}); });
    QMenu *forget = menu->addMenu(Session::tr("Forget"));
    forget->setEnabled(!rememberedServers().isEmpty());
    for (const RemoteServer &server : rememberedServers())
        forget->addAction(asCaption(server.name), below, [server] { forgetServer(server.url); });
    menu->popup(below->mapToGlobal(QPoint(0, 0)));
}

ConnectDialog::ConnectDialog(ConsoleHost &host, const RemoteServer &known, QWidget *parent)
    : FormDialog(tr("Connect to a server"), tr("A server that runs llm-proxy --serve, over HTTPS. It has to allow your address: see MANAGEMENT_ALLOWED_IPS there."), tr("Connect"), parent), m_host(host),
      m_known(known), m_name(new QLineEdit(known.name)), m_url(new QLineEdit(known.url)), m_token(new QLineEdit)
{
    m_name->setPlaceholderText(tr("My small server"));
    m_url->setPlaceholderText(u"https://proxy.example:8443"_s);
    m_token->setEchoMode(QLineEdit::Password);
    addField(u"name"_s, tr("Name"), m_name);
    addField(u"url"_s, tr("Address"), m_url);
    addField(u"token"_s, tr("Management token"), m_token, tr("Kept in memory while you are connected, and nowhere else."));
    known.url.isEmpty() ? m_name->setFocus() : m_token->setFocus();
}

ConnectDialog::~ConnectDialog()
{
    m_token->setText(QString(m_token->text().size(), u'*'));
}

void ConnectDialog::submit()
{
    clearProblems();
    const QString url = m_url->text().trimmed();
    if (!url.startsWith("https://"_L1)) {
        showProblem(u"url"_s, tr("Enter the address as https://host[:port]. A management token is never sent unencrypted."));
        return;
    }
    if (m_token->text().isEmpty()) {
        showProblem(u"token"_s, tr("Enter the server's MANAGEMENT_TOKEN."));
        return;
    }
    setBusy(true);
    apart(this, [url, host = &m_host] { return host->identify(url); }, [this](const ServerIdentity &identity) { judge(identity); });
}

// Before anything secret is sent: who is there?
void ConnectDialog::judge(const ServerIdentity &identity)
{
    setBusy(false);
    if (!identity.isReachable) {
        showProblem(u"url"_s, tr("No server answers at this address: %1").arg(identity.problem));
        return;
    }
    RemoteServer server;
    server.url = m_url->text().trimmed();
    server.name = m_name->text().trimmed().isEmpty() ? server.url.section(u'/', 2, 2) : m_name->text().trimmed();
    QString known = rememberedPin(server.url); // of the address, whatever way one comes
    if (known.isEmpty() && originOf(m_known.url) == originOf(server.url))
        known = m_known.pin;
    const bool isKnown = !known.isEmpty();
    if (isKnown && identity.pin != known) {
        if (!confirmed(this, tr("The server's key has changed"),
                       tr("It was %1\nand is now %2.\n\nIf nobody made a new key there, someone may be between you and the server. Go on only after comparing the new key with the server's.").arg(known, identity.pin),
                       tr("Trust the new key"), true))
            return;
    } else if (!isKnown && !identity.isTrusted) {
        if (!confirmed(this, tr("Is this your server?"),
                       tr("Its certificate is not one that this computer trusts: %1\n\nFor: %2\nIssued by: %3\nUntil: %4\nKey: %5\n\nCompare the key with the server's before you go on. From then on only this key is trusted.")
                           .arg(shownLine(identity.problem), shownLine(identity.subject), shownLine(identity.issuer), shownLine(identity.expires), identity.pin),
                       tr("Trust this key"), true))
            return;
    }
    // A certificate that is trusted by itself may be renewed with another key.
    server.pin = identity.isTrusted && !isKnown ? QString() : identity.pin;
    const QByteArray token = m_token->text().toUtf8();
    server.token = std::make_shared<const Secret>(std::string_view(token.constData(), static_cast<size_t>(token.size())));
    tryIt(server);
}

void ConnectDialog::tryIt(RemoteServer server)
{
    setBusy(true);
    apart(this, [server, host = &m_host] { return host->remote(server)->call("GET", u"/manage/overview"_s, {}, {}); }, [this, server](const Reply &reply) {
        if (!reply.ok()) {
            setBusy(false);
            showProblem(reply.status == 401 ? u"token"_s : u"url"_s, sentenceOf(reply));
            return;
        }
        Q_EMIT chosen(server);
        accept();
    });
}

} // namespace llmproxy::ui
