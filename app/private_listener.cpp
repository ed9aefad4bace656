// SPDX-License-Identifier: GPL-3.0-only
#include "private_listener.h"

#include "base/threads.h"
#include "engine/engine.h"
#include "management_client.h"
#include "output.h"

#include <QJsonDocument>

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr time_t answerSeconds = 60;
constexpr size_t longestAnswer = 8192; // a head and one line

// A connection to who serves the socket, or -1.
int connectTo(const ControlSocket &socket, std::string *problem)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.path.size() >= sizeof address.sun_path) {
        *problem = "the path of the control socket is too long";
        return -1;
    }
    std::memcpy(address.sun_path, socket.path.c_str(), socket.path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{answerSeconds, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
        *problem = std::string("the control socket does not answer: ") + std::strerror(errno);
    else
        *problem = distrustOfPeer(fd, socket.user);
    if (problem->empty())
        return fd;
    close(fd);
    return -1;
}

} // namespace

std::unique_ptr<PrivateListener> PrivateListener::open(const ControlSocket &socket, std::string *problem)
{
    const int fd = connectTo(socket, problem);
    if (fd < 0)
        return nullptr;
    std::unique_ptr<PrivateListener> listener(new PrivateListener(fd));
    *problem = listener->ask();
    if (!problem->empty())
        return nullptr;
    listener->m_end = eventfd(0, EFD_CLOEXEC);
    tryThread(listener->m_watch, "server-end", [raw = listener.get()] { raw->watch(); });
    return listener;
}

// HTTP/1.0: the body is what follows the head. What is wrong, or empty.
std::string PrivateListener::ask()
{
    constexpr std::string_view question = "GET /run-listener HTTP/1.0\r\nHost: localhost\r\n\r\n";
    if (send(m_fd, question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
        return "the server does not take the question";
    std::string answer;
    size_t body = std::string::npos;
    while (body == std::string::npos || answer.find('\n', body) == std::string::npos) {
        char block[1024];
        const ssize_t got = recv(m_fd, block, sizeof block, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || answer.size() > longestAnswer)
            break;
        answer.append(block, static_cast<size_t>(got));
        const size_t end = answer.find("\r\n\r\n");
        body = end == std::string::npos ? end : end + 4;
    }
    const QJsonObject line = body == std::string::npos ? QJsonObject() : QJsonDocument::fromJson(QByteArray::fromStdString(answer.substr(body))).object();
    m_url = serverUrl(cell(line, "url"));
    if (!m_url.empty())
        return {};
    const std::string said = cell(line.value(QLatin1String("error")).toObject(), "message");
    return said.empty() ? "its answer is not understood; it may run another version" : said;
}

void PrivateListener::watch()
{
    pollfd both[] = {{m_fd, POLLIN, 0}, {m_end, POLLIN, 0}};
    while (true) {
        if (poll(both, 2, -1) < 0 && errno == EINTR)
            continue;
        if (both[1].revents != 0)
            return;
        char byte = 0;
        if (recv(m_fd, &byte, 1, MSG_DONTWAIT) > 0)
            continue;
        note("the server has stopped; the command's requests are refused from now on");
        return;
    }
}

PrivateListener::~PrivateListener()
{
    if (m_watch.joinable()) {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(m_end, &one, sizeof one);
        m_watch.join();
    }
    if (m_end >= 0)
        close(m_end);
    close(m_fd);
}

} // namespace llmproxy
