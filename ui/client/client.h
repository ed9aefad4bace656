// SPDX-License-Identifier: GPL-3.0-only
// The console's one way to the server it looks after. Calls run on worker threads; answers come back on the GUI thread, unless
// whoever asked is gone or another server was chosen meanwhile. Owned by the shell. Thread: GUI.
#pragma once

#include "client/console_host.h"

#include <QObject>
#include <QPointer>
#include <QThreadPool>
#include <QTimer>

#include <atomic>

namespace llmproxy::ui {

class Client final : public QObject
{
    Q_OBJECT
public:
    enum class State { Connecting, Online, Lost };
    using Done = std::function<void(const Reply &reply)>;

    explicit Client(QObject *parent = nullptr);
    ~Client() override; // waits for what runs

    // Null: nobody is looked after. Answers on their way are dropped; who waits for a change is told that it may have happened.
    // url: where a remote server is reached.
    void setPeer(std::shared_ptr<Peer> peer, const QString &name, const QString &url = {});
    std::shared_ptr<Peer> peer() const { return m_peer; }
    const QString &serverName() const { return m_name; }
    bool isRemote() const { return !m_url.isEmpty(); } // its engine is not this console's
    // Where programs reach it: a remote one as this console does, what it calls itself may mean nothing here.
    QString baseUrl() const { return isRemote() ? m_url : m_overview.value(QLatin1String("url")).toString(); }
    State state() const { return m_state; }
    const QString &problem() const { return m_problem; } // why it is lost
    bool isRefused() const { return m_isRefused; }       // it answers, but does not take the management token

    void get(const QString &path, const Query &query, QObject *context, Done done);
    // The body is wiped when it was sent: it may hold a key.
    void send(const QByteArray &method, const QString &path, const QJsonObject &body, QObject *context, Done done);
    // Everything of a list, page after page, at most `most` items; done's body has "items" and "complete".
    void list(const QString &path, const Query &query, int most, QObject *context, Done done);

    // The newest answer of GET /manage/overview, asked for every second or two while somebody looks.
    const QJsonObject &overview() const { return m_overview; }
    void poll();

Q_SIGNALS:
    void stateChanged();
    void otherServer();     // nothing on screen is of this one; before serverChanged()
    void serverChanged();   // another one, or the same one anew
    void overviewChanged();
    void changed();         // something was changed through this client, or the server came back

private:
    using Told = std::function<void(const Reply &reply, bool isCurrent)>; // false: another server is shown by now
    void run(std::function<Reply(Peer &)> work, Told told);
    void run(std::function<Reply(Peer &)> work, QObject *context, Done done);
    static Reply oddPath();
    void tellChanged();
    void setState(State state, const QString &problem = {});

    std::shared_ptr<Peer> m_peer;
    QString m_name, m_url, m_problem;
    QThreadPool m_pool;
    QTimer m_timer, m_telling;
    QJsonObject m_overview;
    State m_state = State::Connecting;
    int m_generation = 0;
    bool m_polling = false, m_isRefused = false;
    bool m_hasMore = false; // changes since it was told
};

// For a list whose pages lead nowhere.
QString endlessList();
// For a new token's answer without one.
QString noToken();
// The sentence for a person: the server's own, or why there was no answer.
QString sentenceOf(const Reply &reply);
// The field that a refusal names; empty: none.
QString fieldOf(const Reply &reply);

} // namespace llmproxy::ui
