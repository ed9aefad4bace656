// SPDX-License-Identifier: GPL-3.0-only
#include "fake_server.h"

#include "contract.h"
#include "manage/route_table.h"
#include "sample_answers.h"

#include <QJsonDocument>

namespace llmproxy::test {

using namespace Qt::StringLiterals;
using ui::Reply;

namespace {

constexpr auto askAgain = std::chrono::milliseconds(10); // whether somebody still listens

QString keyOf(const QByteArray &method, const QString &path)
{
    return QString::fromLatin1(method) + u' ' + path;
}

class FakePeer final : public ui::Peer
{
public:
    explicit FakePeer(std::shared_ptr<FakeServer> server) : m_server(std::move(server)) {}

    Reply call(const QByteArray &method, const QString &path, const ui::Query &query, const QByteArray &body) override
    {
        return m_server->call({method, path, query, QJsonDocument::fromJson(body).object()}, body);
    }

    Reply stream(const QString &path, const ui::Query &query, const Sink &sink) override
    {
        return m_server->stream({"GET", path, query, {}}, sink);
    }

private:
    std::shared_ptr<FakeServer> m_server;
};

} // namespace

QString Call::value(const QString &name) const
{
    for (const auto &[key, text] : query) {
        if (key == name)
            return text;
    }
    return {};
}

FakeServer::FakeServer()
{
    addSampleAnswers(*this);
}

void FakeServer::answer(const QByteArray &method, const QString &path, const Answer &answer)
{
    const std::lock_guard lock(m_mutex);
    m_answers.insert(keyOf(method, path), answer);
}

void FakeServer::answer(const QByteArray &method, const QString &path, int status, const QJsonObject &body)
{
    answer(method, path, [status, body](const Call &) { return Reply{status, body, {}}; });
}

void FakeServer::refuse(const QByteArray &method, const QString &path, int status, const QString &sentence, const QString &field)
{
    answer(method, path, status, refusal(sentence, field));
}

void FakeServer::hold(const QString &path)
{
    const std::lock_guard lock(m_mutex);
    m_held.append(path);
}

void FakeServer::letGo()
{
    const std::lock_guard lock(m_mutex);
    m_held.clear();
    m_changed.notify_all();
}

int FakeServer::waiting() const
{
    const std::lock_guard lock(m_mutex);
    return m_waiting;
}

void FakeServer::lose(const QString &problem)
{
    const std::lock_guard lock(m_mutex);
    m_lost = problem;
    m_changed.notify_all();
}

void FakeServer::comeBack()
{
    lose({});
}

void FakeServer::twist(const Twist &twist)
{
    const std::lock_guard lock(m_mutex);
    m_twist = twist;
}

void FakeServer::feed(const QByteArray &event, const QJsonObject &data)
{
    feedBytes("event: " + event + "\ndata: " + QJsonDocument(data).toJson(QJsonDocument::Compact) + "\n\n");
}

void FakeServer::feedBytes(const QByteArray &bytes)
{
    const std::lock_guard lock(m_mutex);
    m_feed.append(bytes);
    m_changed.notify_all();
}

int FakeServer::followers() const
{
    const std::lock_guard lock(m_mutex);
    return m_followers;
}

void FakeServer::setExport(const QList<QByteArray> &pieces)
{
    const std::lock_guard lock(m_mutex);
    m_export = pieces;
}

QList<Call> FakeServer::calls(const QByteArray &method, const QString &path) const
{
    const std::lock_guard lock(m_mutex);
    QList<Call> found;
    for (const Call &call : m_calls) {
        if (call.method == method && (path.isEmpty() || call.path == path))
            found.append(call);
    }
    return found;
}

Call FakeServer::last(const QByteArray &method, const QString &path) const
{
    const QList<Call> found = calls(method, path);
    return found.isEmpty() ? Call() : found.last();
}

void FakeServer::forgetCalls()
{
    const std::lock_guard lock(m_mutex);
    m_calls.clear();
}

QStringList FakeServer::faults() const
{
    const std::lock_guard lock(m_mutex);
    return m_faults;
}

void FakeServer::note(const Call &call, const QByteArray &body)
{
    const QString fault = callFault(call, body);
    const std::lock_guard lock(m_mutex);
    m_calls.append(call);
    if (!fault.isEmpty())
        m_faults.append(call.line() + u": "_s + fault);
}

FakeServer::Answer FakeServer::find(const Call &call) const
{
    const auto exact = m_answers.constFind(keyOf(call.method, call.path));
    if (exact != m_answers.constEnd())
        return *exact;
    const RouteMatch match = matchRoute(call.method.toStdString(), call.path.toStdString());
    return match.route ? m_answers.value(keyOf(call.method, QString::fromUtf8(match.route->path.data(), static_cast<qsizetype>(match.route->path.size())))) : Answer();
}

Reply FakeServer::call(const Call &call, const QByteArray &body)
{
    note(call, body);
    std::unique_lock lock(m_mutex);
    ++m_waiting;
    m_changed.wait(lock, [&] { return !m_held.contains(call.path); });
    --m_waiting;
    if (!m_lost.isEmpty())
        return {0, {}, m_lost};
    const Answer answer = find(call);
    const Twist twist = m_twist;
    lock.unlock();
    const Reply reply = answer ? answer(call) : Reply{404, refusal(u"There is nothing here."_s), {}};
    return twist ? twist(call, reply) : reply;
}

Reply FakeServer::stream(const Call &call, const ui::Peer::Sink &sink)
{
    note(call, {});
    return call.path == "/manage/events"_L1 ? streamEvents(sink) : streamExport(sink);
}

Reply FakeServer::streamEvents(const ui::Peer::Sink &sink)
{
    std::unique_lock lock(m_mutex);
    qsizetype next = m_feed.size();
    ++m_followers;
    Reply end{0, {}, u"broken off"_s};
    while (true) {
        m_changed.wait_for(lock, askAgain, [&] { return !m_lost.isEmpty() || next < m_feed.size(); });
        if (!m_lost.isEmpty()) {
            end.problem = m_lost;
            break;
        }
        const QByteArray piece = next < m_feed.size() ? m_feed.at(next++) : QByteArray();
        lock.unlock();
        const bool goesOn = sink(piece);
        lock.lock();
        if (!goesOn)
            break;
    }
    --m_followers;
    return end;
}

Reply FakeServer::streamExport(const ui::Peer::Sink &sink)
{
    std::unique_lock lock(m_mutex);
    const QString path = u"/manage/audit/export"_s;
    const Answer refused = m_answers.value(u"GET "_s + path);
    if (!m_lost.isEmpty())
        return {0, {}, m_lost};
    if (refused)
        return refused({"GET", path, {}, {}});
    const QList<QByteArray> pieces = m_export;
    for (int i = 0; i < pieces.size(); ++i) {
        ++m_waiting;
        while (i + 1 == pieces.size() && m_held.contains(path)) {
            m_changed.wait_for(lock, askAgain);
            lock.unlock();
            const bool goesOn = sink({});
            lock.lock();
            if (!goesOn) {
                --m_waiting;
                return {0, {}, u"broken off"_s};
            }
        }
        --m_waiting;
        if (!sink(pieces.at(i)))
            return {0, {}, u"broken off"_s};
    }
    return {200, {}, {}};
}

QString FakeHost::startEngine(bool onFreePort)
{
    ++starts;
    startedOnFreePort = onFreePort;
    return onFreePort && portTaken ? QString() : startProblem;
}

std::unique_ptr<ui::Peer> FakeHost::local()
{
    return std::make_unique<FakePeer>(server);
}

std::unique_ptr<ui::Peer> FakeHost::remote(const ui::RemoteServer &chosen)
{
    const std::lock_guard lock(m_mutex);
    m_lastRemote = chosen;
    return std::make_unique<FakePeer>(elsewhere);
}

ui::ServerIdentity FakeHost::identify(const QString &)
{
    ++identified;
    return identity;
}

ui::RemoteServer FakeHost::lastRemote() const
{
    const std::lock_guard lock(m_mutex);
    return m_lastRemote;
}

} // namespace llmproxy::test
