// SPDX-License-Identifier: GPL-3.0-only
// A QTcpSocket without a socket: QHttpServer reads a request that front has validated from it and writes
// its answer into it. Lives on the management thread until its answer is complete.
#pragma once

#include <QByteArray>
#include <QHostAddress>
#include <QTcpSocket>

#include <functional>

namespace llmproxy {

class VirtualSocket final : public QTcpSocket
{
    Q_OBJECT
public:
    VirtualSocket(QByteArray request, const QHostAddress &peer, QObject *parent = nullptr);

    qint64 bytesAvailable() const override { return m_request.size() - m_readAt; }
    bool atEnd() const override { return bytesAvailable() == 0; }
    bool isSequential() const override { return true; }
    qint64 bytesToWrite() const override { return 0; }
    void close() override;
    void disconnectFromHost() override { close(); }
    // Tells the server that the request is there.
    void deliver() { Q_EMIT readyRead(); }
    const QByteArray &written() const { return m_written; }

Q_SIGNALS:
    void answered(); // after each write; see written()

protected:
    qint64 readData(char *data, qint64 size) override;
    qint64 writeData(const char *data, qint64 size) override;

private:
    QByteArray m_request;
    qint64 m_readAt = 0;
    QByteArray m_written;
};

} // namespace llmproxy
