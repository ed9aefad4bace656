// SPDX-License-Identifier: GPL-3.0-only
#include "client/client.h"

#include "client/answer.h"

#include <QJsonArray>
#include <QJsonDocument>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int pollMs = 1'000;
constexpr int tellMs = 200;
constexpr int pageSize = 200;
constexpr int workers = 4;

} // namespace

Client::Client(QObject *parent) : QObject(parent)
{
    m_pool.setMaxThreadCount(workers);
    m_timer.setInterval(pollMs);
    m_timer.callOnTimeout(this, &Client::poll);
    m_telling.setSingleShot(true);
    m_telling.callOnTimeout(this, [this] {
        if (std::exchange(m_hasMore, false))
            tellChanged();
    });
}

Client::~Client()
{
    ++m_generation;
    if (m_peer)
        m_peer->abort();
    m_pool.waitForDone();
}

void Client::setPeer(std::shared_ptr<Peer> peer, const QString &name, const QString &url)
{
    const bool isOther = name != m_name || url != m_url;
    ++m_generation;
    m_polling = m_isRefused = false;
    if (m_peer)
        m_peer->abort(); // its calls would keep the threads from those of the next one
    m_peer = std::move(peer);
    m_name = name;
    m_url = url;
    m_overview = {};
    setState(State::Connecting);
    if (isOther)
        Q_EMIT otherServer();
    Q_EMIT serverChanged();
    if (!m_peer) {
        m_timer.stop();
        return;
    }
    m_timer.start(pollMs);
    poll();
}

void Client::run(std::function<Reply(Peer &)> work, Told told)
{
    if (!m_peer) {
        Reply none;
        none.problem = tr("No server is connected. Start the engine, or connect to a server.");
        QMetaObject::invokeMethod(this, [told, none] { told(none, true); }, Qt::QueuedConnection);
        return;
    }
    const int generation = m_generation;
    m_pool.start([this, peer = m_peer, work = std::move(work), told = std::move(told), generation] {
        Reply reply = work(*peer);
        reply.body = bounded(reply.body);
        QMetaObject::invokeMethod(this, [this, reply, told, generation] {
            const bool isCurrent = generation == m_generation;
            if (isCurrent && reply.status == 0 && reply.problem != "broken off"_L1 && reply.problem != oddPath().problem)
                setState(State::Lost, reply.problem);
            told(reply, isCurrent);
        }, Qt::QueuedConnection);
    });
}

Reply Client::oddPath()
{
    Reply none;
    none.problem = tr("The server returned an invalid ID. No request was sent.");
    return none;
}

void Client::run(std::function<Reply(Peer &)> work, QObject *context, Done done)
{
    run(std::move(work), [context = QPointer<QObject>(context), done = std::move(done)](const Reply &reply, bool isCurrent) {
        if (isCurrent && context)
            done(reply);
    });
}

// Many changes at once are one: each page reads its lists again.
void Client::tellChanged()
{
    if (m_telling.isActive()) {
        m_hasMore = true;
        return;
    }
    m_telling.start(tellMs);
    Q_EMIT changed();
    poll();
}

void Client::setState(State state, const QString &problem)
{
    if (m_state == state && m_problem == problem)
        return;
    const bool cameBack = m_state == State::Lost && state == State::Online;
    m_state = state;
    m_problem = problem;
    Q_EMIT stateChanged();
    if (cameBack)
        Q_EMIT changed();
}

void Client::get(const QString &path, const Query &query, QObject *context, Done done)
{
    run([path, query](Peer &peer) { return isPlainPath(path) ? peer.call("GET", path, query, {}) : oddPath(); }, context, std::move(done));
}

void Client::send(const QByteArray &method, const QString &path, const QJsonObject &body, QObject *context, Done done)
{
    QByteArray bytes = body.isEmpty() && method == "DELETE" ? QByteArray() : QJsonDocument(body).toJson(QJsonDocument::Compact);
    const auto work = [method, path, bytes](Peer &peer) mutable {
        Reply reply = isPlainPath(path) ? peer.call(method, path, {}, bytes) : oddPath();
        wipe(bytes.data(), static_cast<size_t>(bytes.size()));
        return reply;
    };
    run(work, [this, context = QPointer<QObject>(context), done = std::move(done)](const Reply &reply, bool isCurrent) {
        Reply shown = reply;
        if (!isCurrent) {
            shown = {};
            shown.problem = tr("Another server is shown now; whether the change was made is to be seen at the one before.");
        }
        if (context)
            done(shown);
        if (shown.ok()) // also when nobody waits for it any more
            tellChanged();
    });
}

void Client::list(const QString &path, const Query &query, int most, QObject *context, Done done)
{
    run([path, query, most](Peer &peer) {
        QJsonArray items;
        QString cursor;
        PageTrail trail;
        while (true) {
            Query page = query;
            page.append({u"limit"_s, QString::number(pageSize)});
            if (!cursor.isEmpty())
                page.append({u"cursor"_s, cursor});
            Reply reply = isPlainPath(path) ? peer.call("GET", path, page, {}) : oddPath();
            if (!reply.ok())
                return reply;
            const QJsonArray more = reply.body.value("items"_L1).toArray();
            for (qsizetype at = 0; at < more.size() && items.size() < most; ++at)
                items.append(more.at(at));
            cursor = reply.body.value("next_cursor"_L1).toString();
            if (!cursor.isEmpty() && items.size() < most && !trail.goesOn(cursor, more.size()))
                return Reply{502, {{u"error"_s, QJsonObject{{u"message"_s, endlessList()}}}}, {}};
            if (cursor.isEmpty() || items.size() >= most) {
                reply.body = {{u"items"_s, items}, {u"complete"_s, cursor.isEmpty()}};
                return reply;
            }
        }
    }, context, std::move(done));
}

void Client::poll()
{
    if (m_polling || !m_peer)
        return;
    m_polling = true;
    get(u"/manage/overview"_s, {}, this, [this](const Reply &reply) {
        m_polling = false;
        m_isRefused = reply.isRefused();
        m_timer.setInterval(m_isRefused ? refusedPauseMs : pollMs);
        if (!reply.ok()) {
            if (reply.status != 0)
                setState(State::Lost, sentenceOf(reply));
            return;
        }
        m_overview = reply.body;
        setState(State::Online);
        Q_EMIT overviewChanged();
    });
}

QString noToken()
{
    return Client::tr("The server's answer contains no access token. The server may run another version; check its list of tokens.");
}

QString endlessList()
{
    return Client::tr("The server returned the same page again, so the list has no end. The server may run another version.");
}

QString sentenceOf(const Reply &reply)
{
    if (reply.status == 0)
        return reply.problem.isEmpty() ? Client::tr("The server does not answer.") : reply.problem;
    const QString message = reply.body.value("error"_L1).toObject().value("message"_L1).toString();
    return message.isEmpty() ? Client::tr("The server answered with status %1 and says no more; its log may.").arg(reply.status) : message;
}

QString fieldOf(const Reply &reply)
{
    return reply.body.value("error"_L1).toObject().value("field"_L1).toString();
}

} // namespace llmproxy::ui
