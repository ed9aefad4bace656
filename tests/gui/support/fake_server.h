// SPDX-License-Identifier: GPL-3.0-only
// A server that exists only for the console's tests: it answers from a table, remembers what it was asked, can refuse, be slow, be
// lost and come back, and streams a live feed. Every call is held against the declared API: what the real server would not take is
// a fault. Thread: any; peers call on worker threads.
#pragma once

#include "client/console_host.h"

#include <QMap>

#include <condition_variable>
#include <mutex>

namespace llmproxy::test {

struct Call
{
    QByteArray method;
    QString path;
    ui::Query query;
    QJsonObject body;

    QString value(const QString &name) const; // of the query
    QString line() const { return QString::fromLatin1(method) + QLatin1Char(' ') + path; }
};

class FakeServer
{
public:
    using Answer = std::function<ui::Reply(const Call &call)>;

    FakeServer(); // with the sample answers

    // path: "/manage/tokens/tok-1", or with {id} as the API declares it. From then on.
    void answer(const QByteArray &method, const QString &path, const Answer &answer);
    void answer(const QByteArray &method, const QString &path, int status, const QJsonObject &body);
    void refuse(const QByteArray &method, const QString &path, int status, const QString &sentence, const QString &field = {});
    // Every call of this path waits until it is let go.
    void hold(const QString &path);
    void letGo();
    int waiting() const;
    void lose(const QString &problem);
    void comeBack();
    // What becomes of each answer on its way, whichever it is: a server that lies.
    using Twist = std::function<ui::Reply(const Call &call, ui::Reply reply)>;
    void twist(const Twist &twist);
    // To everybody who follows the feed now, as it stands.
    void feedBytes(const QByteArray &bytes);
    // To everybody who follows the feed now.
    void feed(const QByteArray &event, const QJsonObject &data);
    int followers() const;
    // What GET /manage/audit/export streams; path held: it waits before its last piece.
    void setExport(const QList<QByteArray> &pieces);

    QList<Call> calls(const QByteArray &method, const QString &path = {}) const;
    Call last(const QByteArray &method, const QString &path = {}) const;
    void forgetCalls();
    QStringList faults() const;

    ui::Reply call(const Call &call, const QByteArray &body);
    ui::Reply stream(const Call &call, const ui::Peer::Sink &sink);

private:
    void note(const Call &call, const QByteArray &body);
    Answer find(const Call &call) const;
    ui::Reply streamEvents(const ui::Peer::Sink &sink);
    ui::Reply streamExport(const ui::Peer::Sink &sink);

    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    QMap<QString, Answer> m_answers; // by "METHOD /path"
    Twist m_twist;
    QList<Call> m_calls;
    QStringList m_faults;
    QStringList m_held;
    QString m_lost;
    QList<QByteArray> m_feed, m_export;
    int m_waiting = 0, m_followers = 0;
};

class FakeHost final : public ui::ConsoleHost
{
public:
    QString dataDir() const override { return QStringLiteral("/srv/llm-proxy/data"); }
    bool isDemo() const override { return demo; }
    QString demoFolder() const override { return {}; }
    void shiftDemoClock(qint64) override {}
    QString screenshotDir() const override { return {}; }
    QStringList settingProblems() const override { return {}; }
    int signalDescriptor() const override { return -1; }
    QString startEngine(bool onFreePort) override;
    void stopEngine() override { ++stops; }
    qint64 runningRequests() const override { return running; }
    qint64 drainTimeoutMs() const override { return 90'000; }
    bool isAttached() const override { return attached; }
    bool isPortTaken() const override { return portTaken; }
    std::unique_ptr<ui::Peer> local() override;
    std::unique_ptr<ui::Peer> remote(const ui::RemoteServer &server) override;
    ui::ServerIdentity identify(const QString &url) override;

    std::shared_ptr<FakeServer> server = std::make_shared<FakeServer>();
    std::shared_ptr<FakeServer> elsewhere = std::make_shared<FakeServer>();
    // Set these before they are used: the engine's thread reads them.
    bool demo = false, attached = false, portTaken = false;
    std::atomic<bool> startedOnFreePort = false;
    int running = 0; // GUI thread
    QString startProblem;
    ui::ServerIdentity identity;
    std::atomic<int> starts{0}, stops{0}, identified{0};

    ui::RemoteServer lastRemote() const;

private:
    mutable std::mutex m_mutex;
    ui::RemoteServer m_lastRemote;
};

} // namespace llmproxy::test
