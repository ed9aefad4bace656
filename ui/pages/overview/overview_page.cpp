// SPDX-License-Identifier: GPL-3.0-only
#include "pages/overview/overview_page.h"

#include "dialogs/stop_question.h"
#include "style/format.h"
#include "widgets/copy.h"

#include <QJsonArray>
#include <QScrollArea>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int slowMs = 15'000; // checks and charts; figures follow each second
constexpr qint64 endingSoonMs = 3'600'000;
constexpr int mostTokens = 1'000, mostAlerts = 5, mostLines = 8;

enum Span { Hour, Day, Month };

qint64 secondsOf(int span)
{
    return span == Hour ? 3600 : span == Day ? 86400 : 30 * 86400;
}

} // namespace

OverviewPage::OverviewPage(Console &console)
    : Page(console, u"overview"_s, tr("Overview"), tr("How the proxy is doing, and what needs you first.")), m_state(new Badge), m_address(label({}, "heading")),
      m_details(label({}, "muted")), m_attention(new QVBoxLayout), m_span(new QButtonGroup(this))
{
    m_start = act(tr("Start the engine"), u"play"_s, {}, [this] { m_console.engine.start(); });
    m_stop = act(tr("Stop the engine"), u"stop"_s, {}, [this] { stopAsking(m_console.engine, this); });
    auto *area = new QScrollArea;
    area->setWidgetResizable(true);
    area->setFocusPolicy(Qt::NoFocus);
    auto *inner = new QWidget;
    auto *column = new QVBoxLayout(inner);
    column->setContentsMargins(0, 0, 4, 0);
    column->setSpacing(12);
    column->addWidget(makeEngineCard());
    column->addWidget(makeTiles());
    QFrame *attention = card();
    auto *stack = new QVBoxLayout(attention);
    stack->setContentsMargins(16, 12, 16, 12);
    stack->addWidget(label(tr("Needs attention"), "heading"));
    stack->addLayout(m_attention);
    column->addWidget(attention);
    column->addWidget(makeCharts());
    column->addStretch();
    area->setWidget(inner);
    body()->addWidget(area, 1);

    connect(&console.engine, &EngineControl::stateChanged, this, &OverviewPage::updateEngine);
    connect(&client(), &Client::stateChanged, this, &OverviewPage::updateEngine);
    connect(&client(), &Client::serverChanged, this, &OverviewPage::updateEngine);
    connect(&client(), &Client::overviewChanged, this, [this] {
        updateEngine();
        updateFigures();
    });
    connect(&console.live, &LiveWatch::alert, this, [this](const QJsonObject &alert) {
        const QString text = tr("Alert: %1").arg(alert.value("message"_L1).toString());
        erase_if(m_alerts, [&](const Attention &one) { return one.text == text; }); // again: once is enough
        m_alerts.prepend({Tone::Bad, text, tr("Show its event"),
                          [this, alert] { m_console.open(u"audit"_s, {{u"around"_s, alert.value("seq"_L1).toVariant()}}); }});
        while (m_alerts.size() > mostAlerts)
            m_alerts.removeLast();
        m_attentionShown.clear(); // the same words may lead to another event
        showAttention();
    });
    m_slow.callOnTimeout(this, [this] {
        if (isVisible())
            refresh();
    });
    m_slow.start(slowMs);
    updateEngine();
    showAttention();
}

QWidget *OverviewPage::makeEngineCard()
{
    QFrame *frame = card();
    auto *row = new QHBoxLayout(frame);
    row->setContentsMargins(16, 12, 16, 12);
    row->setSpacing(12);
    row->addWidget(m_state);
    auto *names = new QVBoxLayout;
    names->setSpacing(0);
    names->addWidget(m_address);
    names->addWidget(m_details);
    row->addLayout(names, 1);
    m_copy = copyButton(tr("Copy address"), [this] { return m_address->text(); }, false);
    row->addWidget(m_copy);
    row->addWidget(buttonOf(m_start, "primary"));
    row->addWidget(buttonOf(m_stop));
    return frame;
}

OverviewPage::Tile OverviewPage::makeTile(QLayout *row, const QString &title)
{
    QFrame *frame = card();
    auto *column = new QVBoxLayout(frame);
    column->setContentsMargins(16, 12, 16, 12);
    column->setSpacing(2);
    Tile tile{label(u"–"_s, "figure"), label({}, "muted")};
    column->addWidget(label(title, "muted"));
    column->addWidget(tile.figure);
    column->addWidget(tile.note);
    tile.figure->setAccessibleDescription(title); // its name is the number
    row->addWidget(frame);
    return tile;
}

QWidget *OverviewPage::makeTiles()
{
    auto *holder = new QWidget;
    auto *row = new QHBoxLayout(holder);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(12);
    m_rate = makeTile(row, tr("Requests per second"));
    m_streams = makeTile(row, tr("Running now"));
    m_requests = makeTile(row, tr("Requests, 24 h"));
    m_errors = makeTile(row, tr("Errors, 24 h"));
    m_tokens = makeTile(row, tr("Model tokens, 24 h"));
    return holder;
}

QWidget *OverviewPage::makeCharts()
{
    QFrame *frame = card();
    auto *column = new QVBoxLayout(frame);
    column->setContentsMargins(16, 12, 16, 12);
    auto *head = new QHBoxLayout;
    head->addWidget(label(tr("Traffic"), "heading"), 1);
    int id = 0;
    for (const QString &name : {tr("Hour"), tr("Day"), tr("Month")}) {
        QPushButton *choice = button(name, {}, "segment");
        choice->setCheckable(true);
        choice->setChecked(id == Hour);
        m_span->addButton(choice, id++);
        head->addWidget(choice);
    }
    connect(m_span, &QButtonGroup::idClicked, this, &OverviewPage::loadCharts);
    column->addLayout(head);
    auto *row = new QHBoxLayout;
    m_requestChart = new TimeChart(tr("Requests"), [](double value) { return count(value); }, true);
    m_latencyChart = new TimeChart(tr("Duration, ms"), [](double value) { return duration(std::llround(value)); }, false);
    m_tokenChart = new TimeChart(tr("Model tokens"), [](double value) { return count(value); }, true);
    for (TimeChart *chart : {m_requestChart, m_latencyChart, m_tokenChart})
        row->addWidget(chart, 1);
    column->addLayout(row);
    return frame;
}

void OverviewPage::refresh()
{
    loadAttention();
    loadCharts();
}

void OverviewPage::forget()
{
    for (QList<Attention> *lines : {&m_alerts, &m_keys, &m_ending, &m_checks})
        lines->clear();
    m_isChecked = false;
    showAttention();
    for (TimeChart *chart : {m_requestChart, m_latencyChart, m_tokenChart})
        chart->set({}, {});
}

void OverviewPage::updateEngine()
{
    using State = EngineControl::State;
    const State state = m_console.engine.state();
    const bool online = client().state() == Client::State::Online && client().peer();
    const QJsonObject &overview = client().overview();
    const bool isHere = !client().isRemote();
    const bool isLost = client().state() == Client::State::Lost && client().peer();
    const bool isReady = overview.value("ready"_L1).toBool(true);
    m_state->set(online ? (isReady ? tr("Running") : tr("Not ready")) : isLost ? tr("Lost") : !isHere ? tr("Connecting") : state == State::Starting ? tr("Starting") : state == State::Failed ? tr("Failed") : tr("Stopped"),
                 online ? (isReady ? Tone::Good : Tone::Bad) : isLost || state == State::Failed ? Tone::Bad : Tone::Neutral);
    m_copy->setEnabled(!overview.isEmpty());
    m_address->setText(overview.isEmpty() ? tr("No address") : shown(client().baseUrl(), longestCell));
    const QDateTime started = timeOf(overview.value("started_at"_L1));
    QStringList details;
    if (!overview.isEmpty())
        details.append(tr("version %1").arg(overview.value("version"_L1).toString()));
    if (const QString listen = overview.value("listen"_L1).toString(); listen.contains(u','))
        details.append(tr("listening on %1").arg(QString(listen).replace(u","_s, u", "_s)));
    if (started.isValid())
        details.append(tr("started %1").arg(localTime(started))); // not "5 seconds ago": that lays the page out anew each second
    if (isHere && state == State::Attached)
        details.append(tr("a server on this computer; this console cannot stop it"));
    if (!overview.isEmpty() && !overview.value("audit_healthy"_L1).toBool())
        details.append(tr("the audit log cannot be written: is the disk full, or not writable?"));
    if (online && !isReady)
        details.append(tr("requests are refused until the storage can be written again"));
    if (isHere && state == State::Failed)
        details.append(m_console.engine.problem());
    m_details->setText(shown(details.join(u" · "_s), longestCell));
    m_details->setToolTip(bothTimes(started));
    m_start->setVisible(isHere && (state == State::Stopped || state == State::Failed || (state == State::Attached && isLost)));
    m_stop->setVisible(isHere && state == State::Running);
}

void OverviewPage::updateFigures()
{
    const QJsonObject &o = client().overview();
    const auto number = [&](const QLatin1String &name) { return o.value(name).toDouble(); };
    m_rate.figure->setText(count(number("requests_per_second"_L1)));
    m_rate.note->setText(tr("mean of the last 10 s"));
    m_streams.figure->setText(count(number("active_streams"_L1)));
    m_streams.note->setText(tr("requests and streams"));
    m_requests.figure->setText(count(number("requests_24h"_L1)));
    m_requests.note->setText(tr("%1 refused").arg(count(number("denied_24h"_L1))));
    const double requests = number("requests_24h"_L1), errors = number("errors_24h"_L1);
    m_errors.figure->setText(count(errors));
    m_errors.note->setText(requests > 0 ? tr("%1 % of all").arg(QLocale().toString(100 * errors / requests, 'f', 1)) : tr("none"));
    m_tokens.figure->setText(count(number("prompt_tokens_24h"_L1) + number("completion_tokens_24h"_L1)));
    m_tokens.note->setText(tr("%1 sent, %2 received").arg(count(number("prompt_tokens_24h"_L1)), count(number("completion_tokens_24h"_L1))));
}

OverviewPage::Attention OverviewPage::attentionOf(const QJsonObject &check)
{
    const Tone tone = check.value("state"_L1).toString() == "fail"_L1 ? Tone::Bad : Tone::Warn;
    const QString id = check.value("id"_L1).toString(), text = check.value("title"_L1).toString() + u": "_s + check.value("evidence"_L1).toString();
    if (id == "provider_key_age"_L1)
        return {tone, text, tr("Rotate the oldest"), [this] { m_console.open(u"projects"_s, {{u"oldest_key"_s, true}}); }};
    return {tone, text, tr("How to fix it"), [this, id] { m_console.open(u"security"_s, {{u"item"_s, id}}); }};
}

void OverviewPage::loadAttention()
{
    client().get(u"/manage/doctor"_s, {}, this, [this](const Reply &reply) {
        if (!reply.ok())
            return;
        m_isChecked = true;
        m_checks.clear();
        for (const QString &wanted : {u"fail"_s, u"warn"_s}) {
            for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
                const QJsonObject item = one.toObject();
                if (item.value("state"_L1).toString() == wanted)
                    m_checks.append(attentionOf(item));
            }
        }
        showAttention();
    });
    client().list(u"/manage/projects"_s, {{u"state"_s, u"active"_s}}, mostTokens, this, [this](const Reply &reply) {
        m_keys.clear();
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            const QJsonObject project = one.toObject();
            for (const QJsonValue &key : project.value("providers"_L1).toArray()) {
                if (key.toObject().value("needs_key"_L1).toBool())
                    m_keys.append({Tone::Bad, tr("%1 needs its %2 key again").arg(project.value("name"_L1).toString(), key.toObject().value("provider"_L1).toString()), tr("Enter the key"),
                                   [this, project] { m_console.open(u"projects"_s, {{u"project_id"_s, project.value("id"_L1)}, {u"rotate"_s, true}}); }});
                else if (key.toObject().value("key_state"_L1).toString() == "pending"_L1)
                    m_keys.append({Tone::Warn, tr("%1 is waiting for its %2 key").arg(project.value("name"_L1).toString(), key.toObject().value("provider"_L1).toString()), tr("Show the project"),
                                   [this, project] { m_console.open(u"projects"_s, {{u"project_id"_s, project.value("id"_L1)}}); }});
            }
        }
        showAttention();
    });
    client().list(u"/manage/tokens"_s, {{u"state"_s, u"live"_s}}, mostTokens, this, [this](const Reply &reply) {
        m_ending.clear();
        int ending = 0;
        QString first;
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            const QJsonObject token = one.toObject();
            if (token.value("last_used_at"_L1).isNull() || QDateTime::currentDateTimeUtc().msecsTo(timeOf(token.value("expires_at"_L1))) > endingSoonMs)
                continue;
            ++ending;
            if (first.isEmpty())
                first = token.value("name"_L1).toString().isEmpty() ? token.value("token_masked"_L1).toString() : token.value("name"_L1).toString();
        }
        if (ending > 0)
            m_ending.append({Tone::Warn, tr("%n token(s) in use end within the hour, %1 among them", nullptr, ending).arg(first), tr("Refresh them"),
                             [this] { m_console.open(u"tokens"_s, {{u"state"_s, u"live"_s}}); }});
        showAttention();
    });
}

void OverviewPage::showAttention()
{
    const QList<Attention> all = m_alerts + m_keys + m_ending + m_checks;
    QStringList texts;
    for (const Attention &one : all)
        texts.append(one.text);
    if (texts.isEmpty())
        texts.append(m_isChecked ? tr("Nothing. All checks pass.") : tr("Not checked yet."));
    if (texts == m_attentionShown)
        return; // made anew, its links would lose the keyboard
    m_attentionShown = texts;
    clearLayout(m_attention);
    int lines = 0;
    for (const Attention &one : all) {
        if (++lines > mostLines)
            break;
        auto *holder = new QWidget;
        auto *row = new QHBoxLayout(holder);
        row->setContentsMargins(0, 2, 0, 2);
        QLabel *sign = mark(one.tone == Tone::Bad ? u"bad"_s : u"warning"_s, one.tone, 18);
        sign->setAccessibleName(one.tone == Tone::Bad ? tr("Problem") : tr("Warning"));
        row->addWidget(sign);
        row->addWidget(wrapped(one.text), 1);
        QPushButton *go = button(one.fix, {}, "link");
        connect(go, &QPushButton::clicked, this, one.go);
        row->addWidget(go);
        m_attention->addWidget(holder);
    }
    if (all.size() > mostLines) {
        QPushButton *more = button(tr("%n more", nullptr, static_cast<int>(all.size()) - mostLines), {}, "link");
        connect(more, &QPushButton::clicked, this, [this] { m_console.open(u"security"_s, {}); });
        m_attention->addWidget(more, 0, Qt::AlignLeft);
    }
    if (all.isEmpty())
        m_attention->addWidget(label(texts.first(), "muted"));
}

void OverviewPage::loadCharts()
{
    const QDateTime now = QDateTime::currentDateTimeUtc();
    const int span = m_span->checkedId();
    const QString step = span == Hour ? u"minute"_s : span == Day ? u"hour"_s : u"day"_s;
    const Query query{{u"by"_s, u"time"_s}, {u"step"_s, step}, {u"from"_s, now.addSecs(-secondsOf(span)).toString(Qt::ISODateWithMs)}, {u"to"_s, now.toString(Qt::ISODateWithMs)}};
    client().get(u"/manage/usage"_s, query, this, [this](const Reply &reply) {
        if (!reply.ok())
            return;
        std::vector<QDateTime> times;
        TimeSeries requests{tr("answered"), Tone::Info, {}}, refused{tr("refused"), Tone::Warn, {}}, errors{tr("errors"), Tone::Bad, {}}, half{tr("median"), Tone::Info, {}},
            most{tr("95th percentile"), Tone::Warn, {}}, sent{tr("sent"), Tone::Info, {}}, received{tr("received"), Tone::Good, {}};
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            const QJsonObject item = one.toObject();
            const auto number = [&](const QLatin1String &name) { return item.value(name).toDouble(); };
            times.push_back(timeOf(item.value("time"_L1)));
            requests.values.push_back(number("requests"_L1));
            refused.values.push_back(number("denied"_L1));
            errors.values.push_back(number("errors"_L1));
            half.values.push_back(item.value("duration_ms_p50"_L1).toDouble(qQNaN())); // null: no requests, no duration
            most.values.push_back(item.value("duration_ms_p95"_L1).toDouble(qQNaN()));
            sent.values.push_back(number("prompt_tokens"_L1));
            received.values.push_back(number("completion_tokens"_L1));
        }
        m_requestChart->set(times, {requests, refused, errors});
        m_latencyChart->set(times, {half, most});
        m_tokenChart->set(times, {sent, received});
    });
}

} // namespace llmproxy::ui
