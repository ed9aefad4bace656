// SPDX-License-Identifier: GPL-3.0-only
#include "front/virtual_socket.h"

#include <cstring>

namespace llmproxy {

VirtualSocket::VirtualSocket(QByteArray request, const QHostAddress &peer, QObject *parent)
    : QTcpSocket(parent), m_request(std::move(request))
{
    setSocketState(ConnectedState);
    setPeerAddress(peer);
    open(ReadWrite | Unbuffered);
}

void VirtualSocket::close()
{
    if (state() == UnconnectedState)
        return;
    setSocketState(UnconnectedState);
    setOpenMode(NotOpen);
    Q_EMIT disconnected();
}

qint64 VirtualSocket::readData(char *data, qint64 size)
{
    const qint64 count = qMin(size, bytesAvailable());
    std::memcpy(data, m_request.constData() + m_readAt, static_cast<size_t>(count));
    m_readAt += count;
    return count;
}

qint64 VirtualSocket::writeData(const char *data, qint64 size)
{
    m_written.append(data, size);
    Q_EMIT answered();
    return size;
}

} // namespace llmproxy
