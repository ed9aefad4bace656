// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "upstream/dialler.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

// A listener on a free loopback port, and the connections that it accepted.
class Listener
{
public:
    Listener()
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        m_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(m_fd, reinterpret_cast<sockaddr *>(&address), size) == 0 && listen(m_fd, 16) == 0
            && getsockname(m_fd, reinterpret_cast<sockaddr *>(&address), &size) == 0)
            m_port = ntohs(address.sin_port);
    }
    ~Listener()
    {
        for (const int fd : m_accepted)
            close(fd);
        close(m_fd);
    }
    uint16_t port() const { return m_port; }
    int accepted() { return m_accepted.emplace_back(accept4(m_fd, nullptr, nullptr, SOCK_CLOEXEC)); }
    void closeLast()
    {
        close(m_accepted.back());
        m_accepted.pop_back();
    }

private:
    int m_fd = -1;
    uint16_t m_port = 0;
    std::vector<int> m_accepted;
};

} // namespace

class TstDialler : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aConnectionStaysOursWhateverIsDialledNext();
};

// libcurl closes connections that it takes for idle when it dials the next one; with a descriptor of the same number
// two requests would then share one socket.
void TstDialler::aConnectionStaysOursWhateverIsDialledNext()
{
    Poller poller;
    Dialler dialler(poller, {});
    Listener listener;
    const DialTarget target({false, "127.0.0.1", listener.port(), ""}, "");
    std::vector<std::unique_ptr<UpstreamSocket>> made;
    std::function<void()> dialNext = [&] {
        dialler.dial(target, 5'000, [&](std::unique_ptr<UpstreamSocket> socket, const DialFailure &) {
            made.push_back(std::move(socket));
            const int accepted = listener.accepted();
            if (made.size() == 1)
                listener.closeLast(); // its end is there, and not read yet
            else
                QCOMPARE(send(accepted, "other", 5, MSG_NOSIGNAL), ssize_t{5});
            made.size() < 9 ? dialNext() : poller.stop();
        });
    };
    dialNext();
    poller.run();
    QCOMPARE(made.size(), size_t{9});
    const UpstreamSocket &first = *made.front();
    for (size_t i = 1; i < made.size(); ++i)
        QVERIFY(made[i]->fd() != first.fd());
    char byte = 0;
    QCOMPARE(made.front()->read(&byte, 1), ssize_t{0}); // its own end, not what another was sent
}

REGISTER_TEST(TstDialler)
#include "tst_dialler.moc"
