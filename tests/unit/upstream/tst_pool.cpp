// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "upstream/call.h"

#include <QTemporaryDir>
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace llmproxy;

namespace {

// A certificate of its own authority for 127.0.0.1, and the file that vouches for it.
class LocalIdentity
{
public:
    LocalIdentity() : m_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), m_certificate(X509_new())
    {
        X509_set_version(m_certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(m_certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(m_certificate), -60);
        X509_gmtime_adj(X509_getm_notAfter(m_certificate), 3600);
        X509_NAME *name = X509_get_subject_name(m_certificate);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char *>("test"), -1, -1, 0);
        X509_set_issuer_name(m_certificate, name);
        X509_set_pubkey(m_certificate, m_key);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
        X509_add_ext(m_certificate, extension, -1);
        X509_EXTENSION_free(extension);
        X509_sign(m_certificate, m_key, EVP_sha256());
        m_file = m_folder.filePath(QStringLiteral("ca.pem")).toStdString();
        BIO *out = BIO_new_file(m_file.c_str(), "w");
        PEM_write_bio_X509(out, m_certificate);
        BIO_free(out);
    }
    ~LocalIdentity()
    {
        X509_free(m_certificate);
        EVP_PKEY_free(m_key);
    }
    SSL_CTX *serverContext() const
    {
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(context, m_certificate);
        SSL_CTX_use_PrivateKey(context, m_key);
        return context;
    }
    const std::string &file() const { return m_file; }

private:
    QTemporaryDir m_folder;
    EVP_PKEY *m_key;
    X509 *m_certificate;
    std::string m_file;
};

// One connection, on a thread of its own: the handshake, one byte read, one written, then what the test wants.
class TlsPeer
{
public:
    using Script = std::function<void(SSL *)>;
    // ended: the other end left.
    TlsPeer(const LocalIdentity &identity, Script script, std::function<void()> ended) : m_ended(std::move(ended)), m_context(identity.serverContext()), m_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(m_fd, reinterpret_cast<sockaddr *>(&address), size) == 0 && listen(m_fd, 1) == 0
            && getsockname(m_fd, reinterpret_cast<sockaddr *>(&address), &size) == 0)
            m_port = ntohs(address.sin_port);
        m_thread = std::thread([this, script = std::move(script)] { serve(script); });
    }
    ~TlsPeer()
    {
        m_thread.join();
        close(m_fd);
        SSL_CTX_free(m_context);
    }
    uint16_t port() const { return m_port; }

private:
    void serve(const Script &script)
    {
        const int fd = accept4(m_fd, nullptr, nullptr, SOCK_CLOEXEC);
        SSL *const tls = SSL_new(m_context);
        SSL_set_fd(tls, fd);
        char byte = 0;
        if (SSL_accept(tls) == 1 && SSL_read(tls, &byte, 1) == 1 && SSL_write(tls, "a", 1) == 1)
            script(tls);
        SSL_read(tls, &byte, 1); // until the other end leaves
        m_ended();
        SSL_free(tls);
        close(fd);
    }

    std::function<void()> m_ended;
    SSL_CTX *m_context;
    int m_fd;
    uint16_t m_port = 0;
    std::thread m_thread;
};

DialConfig trusting(const std::string &caFile)
{
    DialConfig config;
    config.caFile = caFile;
    return config;
}

// Dials, exchanges a byte each way and puts the connection into the pool; then the script runs at the peer. Constructed when that is done,
// or, with untilEnd, when the pool has closed the connection for it.
class PooledConnection final : public PollHandler
{
public:
    PooledConnection(const LocalIdentity &identity, TlsPeer::Script script, bool untilEnd)
        : m_peer(
              identity,
              [this, untilEnd, script = std::move(script)](SSL *tls) {
                  m_pooled.wait(false);
                  script(tls);
                  if (!untilEnd)
                      m_poller.post([this] { m_settle.start(1); }); // the socket is ready before this is
              },
              [this] { m_poller.stop(); }),
          m_pool(m_poller, trusting(identity.file())), m_settle(m_poller, [this] { m_poller.stop(); })
    {
        m_pool.dialler().dial(DialTarget({true, "127.0.0.1", m_peer.port(), ""}, ""), 10'000, [this](std::unique_ptr<UpstreamSocket> socket, const DialFailure &) {
            m_socket = std::move(socket);
            m_socket->setOwner(this);
            m_socket->write("q", 1);
        });
        m_poller.run();
    }
    void onReady(uint32_t) override
    {
        char byte = 0;
        if (m_socket->read(&byte, 1) != 1)
            return;
        m_pool.put("key", std::move(m_socket), 60'000);
        m_pooled = true;
        m_pooled.notify_one();
    }
    bool isReusable() { return m_pool.take("key") != nullptr; }

private:
    Poller m_poller;
    std::atomic<bool> m_pooled{false};
    TlsPeer m_peer; // joined when the pool has closed its connection: after it
    UpstreamPool m_pool;
    std::unique_ptr<UpstreamSocket> m_socket;
    Timer m_settle;
};

} // namespace

class TstPool : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void sessionTicketsThatComeLateEndNothing();
    void anythingElseEndsAnIdleConnection_data();
    void anythingElseEndsAnIdleConnection();

private:
    const LocalIdentity m_identity;
};

void TstPool::sessionTicketsThatComeLateEndNothing()
{
    PooledConnection connection(m_identity, [](SSL *tls) {
        SSL_new_session_ticket(tls);
        SSL_do_handshake(tls);
    }, false);
    QVERIFY(connection.isReusable());
}

void TstPool::anythingElseEndsAnIdleConnection_data()
{
    QTest::addColumn<QByteArray>("bytes"); // as a record, or as they are
    QTest::addColumn<bool>("asRecord");
    QTest::newRow("a record") << QByteArray("HTTP/1.1 200 OK\r\n\r\n") << true;
    QTest::newRow("a close_notify") << QByteArray() << true;
    QTest::newRow("half of a record") << QByteArray("\x17\x03\x03\x00\x40" "abc", 8) << false;
    QTest::newRow("no TLS") << QByteArray("HTTP/1.1 200 OK\r\n\r\n") << false;
}

void TstPool::anythingElseEndsAnIdleConnection()
{
    QFETCH(const QByteArray, bytes);
    QFETCH(const bool, asRecord);
    PooledConnection connection(m_identity, [&](SSL *tls) {
        if (!asRecord)
            send(SSL_get_fd(tls), bytes.constData(), static_cast<size_t>(bytes.size()), MSG_NOSIGNAL);
        else if (bytes.isEmpty())
            SSL_shutdown(tls);
        else
            SSL_write(tls, bytes.constData(), static_cast<int>(bytes.size()));
    }, true);
    QVERIFY(!connection.isReusable());
}

REGISTER_TEST(TstPool)
#include "tst_pool.moc"
