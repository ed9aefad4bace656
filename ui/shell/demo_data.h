// SPDX-License-Identifier: GPL-3.0-only
// Fills a demo with what a month of use leaves: projects, tokens in every state, requests by day, hour and minute, some that run.
// Everything goes the way a user's would. Thread: GUI; tells when it is done.
#pragma once

#include "pages/page.h"

#include <QNetworkAccessManager>

namespace llmproxy::ui {

class DemoData final : public QObject
{
    Q_OBJECT
public:
    explicit DemoData(Console &console);
    void start();

Q_SIGNALS:
    void filled();

private:
    struct Step
    {
        qint64 atMs;                // before now
        std::function<void()> act;
    };
    void plan();
    void planTraffic();
    void next();
    void moveClock(qint64 beforeNowMs);
    void createProject(const QString &id, const QString &name, const QString &environment);
    void createToken(const QString &project, const QString &name, int minutes, int mostRequests, int rate);
    void change(const QByteArray &method, const QString &path, const QJsonObject &body);
    void request(int number);
    void ask(const QString &token, const QJsonObject &body);
    void openStreams();
    void done();

    Console &m_console;
    QNetworkAccessManager m_network;
    QList<Step> m_steps;
    qint64 m_shifted = 0;
    int m_waiting = 0;
    QString m_revoked;
    QMap<QString, QString> m_tokens; // by name, in clear: the demo's own, gone with it
    QHash<QString, QString> m_ids; // of tokens, by name
};

} // namespace llmproxy::ui
