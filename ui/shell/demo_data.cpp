// SPDX-License-Identifier: GPL-3.0-only
#include "shell/demo_data.h"


#include <QCryptographicHash>
#include <QJsonArray>
#include <QJsonDocument>
#include <QNetworkProxy>
#include <QNetworkReply>

#include <cmath>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr qint64 minuteMs = 60'000, hourMs = 60 * minuteMs, dayMs = 24 * hourMs;
constexpr int day = 24 * 60; // minutes
constexpr int streamsShown = 6;

const char *const models[] = {"gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "text-embedding-3-small"};
const char *const questions[] = {"Summarize the open tickets of this week", "Why does the build fail on arm64?", "Translate the release notes into German", "Which invoices are overdue?"};

} // namespace

DemoData::DemoData(Console &console) : m_console(console)
{
    m_network.setProxy(QNetworkProxy::NoProxy);
}

void DemoData::start()
{
    plan();
    planTraffic();
    m_steps.append({0, [this] { openStreams(); }});
    next();
}

void DemoData::plan()
{
    m_steps.append({47 * dayMs, [this] {
        createProject(u"proj-reports"_s, u"Nightly reports"_s, u"production"_s);
        createProject(u"proj-prototype"_s, u"Old prototype"_s, u"development"_s);
    }});
    m_steps.append({29 * dayMs, [this] {
        createProject(u"proj-agents"_s, u"Coding agents"_s, u"development"_s);
        createProject(u"proj-search"_s, u"Search team"_s, u"production"_s);
        createProject(u"proj-support"_s, u"Support bot"_s, u"production"_s);
        change("PATCH", u"/manage/projects/proj-prototype"_s, {{u"is_active"_s, false}});
    }});
    m_steps.append({28 * dayMs, [this] {
        createToken(u"proj-reports"_s, u"Report job"_s, 30 * day, 0, 60);
        createToken(u"proj-search"_s, u"Query rewriting"_s, 30 * day, 0, 600);
        createToken(u"proj-support"_s, u"Answer drafts"_s, 30 * day, 2000, 120);
        createToken(u"proj-support"_s, u"Contractor"_s, 30 * day, 0, 60);
    }});
    m_steps.append({6 * dayMs, [this] {
        createToken(u"proj-agents"_s, u"Workshop"_s, 2 * day, 100, 30);
        change("DELETE", u"/manage/tokens/"_s + m_ids.value(u"Contractor"_s), {});
        m_revoked = m_tokens.take(u"Contractor"_s);
    }});
    m_steps.append({3 * dayMs, [this] { m_tokens.remove(u"Workshop"_s); }}); // its last requests were refused: it had expired
    m_steps.append({41 * minuteMs, [this] { ask(m_revoked, {{u"model"_s, u"gpt-4o"_s}}); }});
    m_steps.append({20 * hourMs, [this] {
        createToken(u"proj-agents"_s, u"Anna, Claude Code"_s, day, 0, 600);
        createToken(u"proj-agents"_s, u"CI, pull requests"_s, day, 400, 120);
    }});
    m_steps.append({25 * minuteMs, [this] {
        createToken(u"proj-agents"_s, u"Ben, Codex"_s, 60, 0, 600);
        createToken(u"proj-search"_s, u"Load test"_s, 8 * 60, 60, 0);
    }});
}

// More by day than by night, more on working days.
void DemoData::planTraffic()
{
    int number = 0;
    const auto add = [&](qint64 atMs, int requests) {
        m_steps.append({atMs, [this, first = number, requests] {
            for (int i = 0; i < requests; ++i)
                request(first + i);
        }});
        number += requests;
    };
    for (int d = 27; d >= 2; --d)
        add(d * dayMs + d * 7 % 24 * hourMs, d % 7 < 2 ? 20 : 40 + d * 5 % 6); // every hour has been an hour of use: no alerts
    for (int h = 24; h >= 1; --h)
        add(h * hourMs + 5 * minuteMs, 60 + static_cast<int>(std::lround(40 * std::sin(h / 3.8))) + h * 7 % 9);
    for (int m = 59; m >= 1; --m)
        add(m * minuteMs, 3 + static_cast<int>(std::lround(2 * std::sin(m / 6.0))) + m * 11 % 3);
    std::stable_sort(m_steps.begin(), m_steps.end(), [](const Step &a, const Step &b) { return a.atMs > b.atMs; });
}

void DemoData::moveClock(qint64 beforeNowMs)
{
    const qint64 wanted = -beforeNowMs;
    m_console.host.shiftDemoClock(wanted - m_shifted);
    m_shifted = wanted;
}

void DemoData::next()
{
    if (m_steps.isEmpty()) {
        Q_EMIT filled();
        return;
    }
    const Step step = m_steps.takeFirst();
    moveClock(step.atMs);
    ++m_waiting;
    step.act();
    done();
}

void DemoData::done()
{
    if (--m_waiting == 0)
        QMetaObject::invokeMethod(this, &DemoData::next, Qt::QueuedConnection);
}

void DemoData::change(const QByteArray &method, const QString &path, const QJsonObject &body)
{
    ++m_waiting;
    m_console.client.send(method, path, body, this, [this](const Reply &) { done(); });
}

void DemoData::createProject(const QString &id, const QString &name, const QString &environment)
{
    // No key of anybody's: the demo provider takes all.
    const QString key = u"sk-demo"_s + QString::fromLatin1(QCryptographicHash::hash(id.toUtf8(), QCryptographicHash::Sha256).toHex().left(32));
    change("POST", u"/manage/projects"_s, {{u"id"_s, id}, {u"name"_s, name}, {u"provider"_s, u"demo"_s}, {u"api_key"_s, key}, {u"environment"_s, environment}});
}

void DemoData::createToken(const QString &project, const QString &name, int minutes, int mostRequests, int rate)
{
    ++m_waiting;
    QJsonObject body{{u"project_id"_s, project}, {u"name"_s, name}, {u"duration_minutes"_s, minutes}, {u"rate_limit"_s, rate}};
    if (mostRequests > 0)
        body.insert(u"max_requests"_s, mostRequests);
    m_console.client.send("POST", u"/manage/tokens"_s, body, this, [this, name](const Reply &reply) {
        m_ids.insert(name, reply.body.value("id"_L1).toString());
        m_tokens.insert(name, reply.body.value("token"_L1).toString());
        done();
    });
}

void DemoData::request(int number)
{
    if (m_tokens.isEmpty())
        return;
    const QString model = QString::fromLatin1(models[number % 3]);
    const QString question = QString::fromLatin1(questions[number % 4]);
    // Some that fail, as everywhere: a token that nobody gave out.
    const QString token = number % 29 == 7 ? u"tok-"_s + QString(38, u'0') : std::next(m_tokens.cbegin(), (number * 5 + number / 7) % m_tokens.size()).value();
    ask(token, {{u"model"_s, model}, {u"messages"_s, QJsonArray{QJsonObject{{u"role"_s, u"user"_s}, {u"content"_s, question + QString(number % 5, u'?')}}}}});
}

void DemoData::ask(const QString &token, const QJsonObject &body)
{
    ++m_waiting;
    QNetworkRequest request(QUrl(m_console.client.baseUrl() + u"/v1/chat/completions"_s));
    request.setHeader(QNetworkRequest::ContentTypeHeader, u"application/json"_s);
    request.setHeader(QNetworkRequest::UserAgentHeader, u"openai-python/1.54"_s);
    request.setRawHeader("Authorization", "Bearer " + token.toLatin1());
    QNetworkReply *reply = m_network.post(request, QJsonDocument(body).toJson(QJsonDocument::Compact));
    connect(reply, &QNetworkReply::finished, this, [this, reply] {
        reply->deleteLater();
        done();
    });
}

// These go on while the pictures are taken.
void DemoData::openStreams()
{
    const QStringList tokens = m_tokens.values();
    for (int i = 0; i < streamsShown && i < tokens.size(); ++i) {
        const QJsonObject question{{u"role"_s, u"user"_s}, {u"content"_s, u"count to 2000"_s}};
        ask(tokens.at(i), {{u"model"_s, QString::fromLatin1(models[i % 3])}, {u"stream"_s, true}, {u"messages"_s, QJsonArray{question}}});
        --m_waiting;
    }
}

} // namespace llmproxy::ui
