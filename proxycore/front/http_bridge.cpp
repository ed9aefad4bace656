// SPDX-License-Identifier: GPL-3.0-only
#include "front/http_bridge.h"

#include "base/threads.h"
#include "front/head_rules.h"
#include "front/virtual_socket.h"
#include "secrets/secret.h"

#include <QHttpServer>
#include <QHttpServerRequest>
#include <QHttpServerResponder>
#include <QTcpServer>
#include <QThread>
#include <QTimer>
#include <cerrno>
#include <mutex>
#include <pthread.h>
#include <sys/socket.h>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace llmproxy {

namespace {

const char ticketHeader[] = "X-Request-Ticket"; // ours alone: front builds the request anew

// Never accepts: QHttpServer wants a listening server, and what this one "listens" on is a socket without
// an address that nobody can reach. (A closed server would warn at each connection it is given.)
class ClosedServer final : public QTcpServer
{
public:
    ClosedServer() { setSocketDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }
    void add(VirtualSocket *socket) { addPendingConnection(socket); }
};

QHttpServerResponse::StatusCode statusCode(int status)
{
    return static_cast<QHttpServerResponse::StatusCode>(status);
}

BridgeAnswer internalError()
{
    return {500, R"({"error":{"code":"internal_error","message":"The server made a mistake; its log says more."}})", "", ""};
}

struct Pending
{
    BridgeCall call;
    HttpBridge::Complete complete;
    bool deferred = false; // answered, or to be answered, past QHttpServer
};

} // namespace

struct HttpBridge::Private
{
    Dispatch dispatch;
    QThread thread;
    QObject *context = nullptr; // lives on the thread
    QHttpServer *server = nullptr;
    ClosedServer *tcp = nullptr;
    std::mutex lock; // what is handed over to the thread
    std::vector<std::pair<BridgeCall, Complete>> waiting;
    uint64_t nextTicket = 1;
    std::unordered_map<uint64_t, std::shared_ptr<Pending>> pending; // management thread

    void open();
    void takeWaiting();
    void begin(BridgeCall call, Complete complete);
    void serve(const QHttpServerRequest &request, QHttpServerResponder &responder);
    void finish(uint64_t ticket, VirtualSocket *socket);
};

void HttpBridge::Private::open()
{
    server = new QHttpServer(context);
    tcp = new ClosedServer;
    tcp->setParent(server);
    server->bind(tcp);
    const auto handler = [this](const QHttpServerRequest &request, QHttpServerResponder &responder) { serve(request, responder); };
#if QT_VERSION >= QT_VERSION_CHECK(6, 8, 0)
    server->setMissingHandler(context, handler);
#else
    server->setMissingHandler([handler](const QHttpServerRequest &request, QHttpServerResponder &&responder) {
        QHttpServerResponder own(std::move(responder));
        handler(request, own);
    });
#endif
}

void HttpBridge::Private::takeWaiting()
{
    std::vector<std::pair<BridgeCall, Complete>> taken;
    {
        const std::lock_guard guard(lock);
        taken.swap(waiting);
    }
    for (auto &[call, complete] : taken) {
        if (guarded("management", [&] { begin(std::move(call), complete); }))
            continue;
        pending.erase(nextTicket - 1);
        guarded("management", [&] { complete(internalError()); });
    }
}

void HttpBridge::Private::begin(BridgeCall call, Complete complete)
{
    const uint64_t ticket = nextTicket++;
    // Without the body, which may hold a provider's key: what QHttpServer and QIODevice copy of it nobody could wipe.
    const std::string bytes = call.method + " " + call.target + " HTTP/1.1\r\nHost: management\r\n" + ticketHeader + ": " + std::to_string(ticket)
                              + "\r\nContent-Length: 0\r\n\r\n";
    QHostAddress peer;
    if (!call.clientIp.empty())
        peer.setAddress(QString::fromStdString(call.clientIp));
    auto entry = std::make_shared<Pending>();
    entry->call = std::move(call);
    entry->complete = std::move(complete);
    pending.emplace(ticket, entry);
    auto *socket = new VirtualSocket(QByteArray::fromStdString(bytes), peer);
    QObject::connect(socket, &VirtualSocket::answered, context, [this, ticket, socket] { finish(ticket, socket); });
    // QHttpServer refuses a request by closing without a word: still one answer for each call.
    QObject::connect(socket, &QTcpSocket::disconnected, context, [this, ticket] {
        const auto found = pending.find(ticket);
        if (found == pending.end())
            return;
        const std::shared_ptr<Pending> unanswered = found->second;
        pending.erase(found);
        if (!unanswered->deferred)
            unanswered->complete({400, R"({"error":{"code":"bad_request","message":"the request cannot be read"}})", "", ""});
    });
    tcp->add(socket);
    socket->deliver();
}

void HttpBridge::Private::serve(const QHttpServerRequest &request, QHttpServerResponder &responder)
{
    const auto found = pending.find(request.value(ticketHeader).toULongLong());
    if (found == pending.end()) {
        responder.write(statusCode(404));
        return;
    }
    const std::shared_ptr<Pending> entry = found->second;
    // A change is answered by the storage thread when it is durable, past this handler. Each call is answered once, whatever throws.
    struct Early
    {
        std::mutex lock;
        bool inHandler = true, isAnswered = false;
        std::unique_ptr<BridgeAnswer> answer;
    };
    auto early = std::make_shared<Early>();
    const Complete answerOnce = [early, complete = entry->complete](BridgeAnswer answer) {
        {
            const std::lock_guard guard(early->lock);
            if (std::exchange(early->isAnswered, true))
                return;
            if (early->inHandler) {
                early->answer = std::make_unique<BridgeAnswer>(std::move(answer));
                return;
            }
        }
        complete(std::move(answer));
    };
    if (!guarded("management", [&] { dispatch(entry->call, answerOnce); }))
        answerOnce(internalError());
    wipe(entry->call.body.data(), entry->call.body.size());
    const std::lock_guard guard(early->lock);
    early->inHandler = false;
    if (!early->answer || early->answer->blocks) {
        entry->deferred = true;
        responder.write(statusCode(202));
        if (early->answer)
            entry->complete(std::move(*early->answer));
        return;
    }
    const BridgeAnswer &answer = *early->answer;
    const QByteArray body = QByteArray::fromStdString(answer.body);
#if QT_VERSION >= QT_VERSION_CHECK(6, 8, 0)
    QHttpHeaders headers;
    headers.append("Content-Type", "application/json");
    if (!answer.retryAfter.empty())
        headers.append("Retry-After", answer.retryAfter.c_str());
    if (!answer.allow.empty())
        headers.append("Allow", answer.allow.c_str());
    responder.write(body, headers, statusCode(answer.status));
#else
    responder.writeStatusLine(statusCode(answer.status));
    responder.writeHeader("Content-Type", "application/json");
    if (!answer.retryAfter.empty())
        responder.writeHeader("Retry-After", QByteArray::fromStdString(answer.retryAfter));
    if (!answer.allow.empty())
        responder.writeHeader("Allow", QByteArray::fromStdString(answer.allow));
    responder.writeHeader("Content-Length", QByteArray::number(body.size()));
    responder.writeBody(body);
#endif
}

// Called after each write of QHttpServer; acts when the answer is whole.
void HttpBridge::Private::finish(uint64_t ticket, VirtualSocket *socket)
{
    const auto found = pending.find(ticket);
    if (found == pending.end())
        return;
    const std::string_view text(socket->written().constData(), static_cast<size_t>(socket->written().size()));
    const size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return;
    ResponseHead head;
    ResponseFraming framing;
    const bool good = readResponseHead(text.substr(0, end + 4), 100, &head, &framing);
    const auto length = static_cast<size_t>(std::max<int64_t>(framing.contentLength, 0));
    if (good && text.size() < end + 4 + length)
        return;
    const std::shared_ptr<Pending> entry = found->second;
    pending.erase(found);
    if (!entry->deferred) {
        BridgeAnswer answer;
        answer.status = good ? head.status : 500;
        answer.body = text.substr(end + 4, length);
        answer.retryAfter = head.headers.value("retry-after");
        answer.allow = head.headers.value("allow");
        entry->complete(std::move(answer));
    }
    // QHttpServer is still on the stack, and deletes the socket when it disconnects.
    QMetaObject::invokeMethod(socket, [socket] {
        QObject::disconnect(socket, &QIODevice::readyRead, nullptr, nullptr); // Qt 6.8 queues a look for the next request
        socket->close();
    }, Qt::QueuedConnection);
}

HttpBridge::HttpBridge(Dispatch dispatch) : d(std::make_unique<Private>())
{
    d->dispatch = std::move(dispatch);
    d->context = new QObject;
    d->context->moveToThread(&d->thread);
    d->thread.setObjectName(QStringLiteral("management"));
    d->thread.start();
    if (!d->thread.isRunning()) { // Qt says so on stderr alone, and whoever waits for it waits for ever
        delete d->context;
        throw std::system_error(EAGAIN, std::generic_category());
    }
    QMetaObject::invokeMethod(d->context, [this] { d->open(); }, Qt::BlockingQueuedConnection);
}

HttpBridge::~HttpBridge()
{
    QMetaObject::invokeMethod(d->context, [this] { delete d->context; }, Qt::BlockingQueuedConnection);
    d->thread.quit();
    d->thread.wait();
    const BridgeAnswer ended{503, R"({"error":{"code":"service_unavailable","message":"the server is stopping"}})", "1", ""};
    for (const auto &[call, complete] : d->waiting)
        complete(ended);
    for (const auto &[ticket, entry] : d->pending) {
        if (!entry->deferred)
            entry->complete(ended);
    }
}

void HttpBridge::submit(BridgeCall call, Complete complete)
{
    bool first = false;
    {
        const std::lock_guard guard(d->lock);
        first = d->waiting.empty();
        d->waiting.emplace_back(std::move(call), std::move(complete));
    }
    if (first) // Qt's event only wakes the thread; the values go through our lock
        QMetaObject::invokeMethod(d->context, [this] { d->takeWaiting(); }, Qt::QueuedConnection);
}

void HttpBridge::every(int intervalMs, std::function<void()> work)
{
    QMetaObject::invokeMethod(d->context, [this, intervalMs, work = std::move(work)] {
        auto *timer = new QTimer(d->context);
        QObject::connect(timer, &QTimer::timeout, d->context, [work] { guarded("management", work); });
        timer->start(intervalMs);
    }, Qt::QueuedConnection);
}

} // namespace llmproxy
