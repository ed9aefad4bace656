// SPDX-License-Identifier: GPL-3.0-only
#include "shell/single_instance.h"

#include <QCryptographicHash>
#include <QDir>
#include <QFileInfo>
#include <QLocalSocket>
#include <QStandardPaths>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostMs = 1'000;

} // namespace

// In the user's runtime folder, which is 0700 and short: a path in the data directory may be too long for a socket (107 bytes).
SingleInstance::SingleInstance(const QString &dataDir)
{
    QString folder = QStandardPaths::writableLocation(QStandardPaths::RuntimeLocation);
    if (folder.isEmpty())
        folder = dataDir;
    const QByteArray digest = QCryptographicHash::hash(QFileInfo(dataDir).absoluteFilePath().toUtf8(), QCryptographicHash::Sha256);
    m_path = folder + u"/llm-proxy-console-"_s + QString::fromLatin1(digest.toHex().left(16));
}

bool SingleInstance::raiseOther() const
{
    QLocalSocket socket;
    socket.connectToServer(m_path);
    return socket.waitForConnected(mostMs);
}

void SingleInstance::listen(const std::function<void()> &raise)
{
    QLocalServer::removeServer(m_path); // nobody answered there
    m_server.setSocketOptions(QLocalServer::UserAccessOption);
    QObject::connect(&m_server, &QLocalServer::newConnection, &m_server, [this, raise] {
        while (QLocalSocket *socket = m_server.nextPendingConnection())
            socket->deleteLater();
        raise();
    });
    m_server.listen(m_path);
}

} // namespace llmproxy::ui
