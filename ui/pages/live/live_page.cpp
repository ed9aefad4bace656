// SPDX-License-Identifier: GPL-3.0-only
#include "pages/live/live_page.h"

#include "client/answer.h"
#include "style/format.h"


namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr qsizetype mostEnded = 200;

QString phaseText(const QJsonObject &request)
{
    const QString phase = request.value("phase"_L1).toString();
    if (phase == "receiving"_L1)
        return LivePage::tr("receiving");
    if (phase == "waiting"_L1)
        return LivePage::tr("waiting for the provider");
    if (phase == "streaming"_L1)
        return LivePage::tr("streaming");
    const QString reason = request.value("reason"_L1).toString();
    return reason.isEmpty() ? LivePage::tr("done") : LivePage::tr("ended: %1").arg(reason);
}

bool isRunning(const QJsonObject &request)
{
    return request.value("phase"_L1).toString() != "ended"_L1;
}

Tone phaseTone(const QJsonObject &request)
{
    if (isRunning(request))
        return request.value("phase"_L1).toString() == "waiting"_L1 ? Tone::Warn : Tone::Info;
    const QString result = request.value("result"_L1).toString();
    return result == "success"_L1 ? Tone::Good : result == "error"_L1 ? Tone::Bad : Tone::Warn;
}

// Until the provider says how many there were, each event of a stream is taken for one.
bool isGuessed(const QJsonObject &request)
{
    return request.value("completion_tokens"_L1).isNull();
}

// Model tokens a second since the first byte; below 0: not known.
double speedOf(const QJsonObject &request)
{
    const double events = request.value("streamed_events"_L1).toDouble();
    const double tokens = isGuessed(request) ? (events > 0 ? events : -1) : request.value("completion_tokens"_L1).toDouble(), first = request.value("first_byte_ms"_L1).toDouble(-1);
    const double streamed = request.value("duration_ms"_L1).toDouble() - first;
    return tokens < 0 || first < 0 || streamed <= 0 ? -1 : tokens * 1000 / streamed;
}

QString speedText(const QJsonObject &request)
{
    const double speed = speedOf(request);
    return speed < 0 ? u"–"_s : isGuessed(request) ? u"≈ "_s + count(speed) : count(speed);
}

// The server's own, which is ended by it, and what the client sent, which stands in the audit log.
QString idsOf(const QJsonObject &request)
{
    return LivePage::tr("ID: %1\nRequest ID: %2").arg(request.value("id"_L1).toString(), request.value("request_id"_L1).toString());
}

std::vector<Column> columns(ProjectNames &projects)
{
    const auto field = [](const QLatin1String &name) { return [name](const QJsonObject &o) { return orDash(o.value(name).toString()); }; };
    const auto number = [](const QLatin1String &name) { return [name](const QJsonObject &o) { return o.value(name).toDouble(-1); }; };
    const auto ms = [](const QLatin1String &name) {
        return [name](const QJsonObject &o) { return o.value(name).isNull() ? u"–"_s : duration(whole(o.value(name), 0, largestNumber, -1)); };
    };
    return {
        // Those that run stand first, and the newest first.
        {LivePage::tr("Phase"), phaseText, [](const QJsonObject &o) { return (isRunning(o) ? u"1"_s : u"0"_s) + o.value("started_at"_L1).toString(); }, phaseText, phaseTone, {}, false, 130, true},
        {LivePage::tr("Model"), field("model"_L1), {}, {}, {}, {}, false, 150, true},
        {LivePage::tr("Token"), field("token_masked"_L1), {}, {}, {}, {}, false, 140},
        yielding(5, {LivePage::tr("Project"), [&projects](const QJsonObject &o) { return orDash(projects.of(o.value("project_id"_L1).toString())); }, {}, field("project_id"_L1), {}, {}, false, 100, true}),
        yielding(4, {LivePage::tr("Client"), field("client_ip"_L1), {}, {}, {}, {}, false, 100}),
        {LivePage::tr("First byte"), ms("first_byte_ms"_L1), number("first_byte_ms"_L1), {}, {}, {}, true, 80},
        {LivePage::tr("Duration"), ms("duration_ms"_L1), number("duration_ms"_L1), [](const QJsonObject &o) { return bothTimes(timeOf(o.value("started_at"_L1))); }, {}, {}, true, 80},
        {LivePage::tr("Tokens/s"), speedText, speedOf,
         [](const QJsonObject &o) { return isGuessed(o) && speedOf(o) >= 0 ? LivePage::tr("Estimated from the events of the stream, until the provider reports the count") : QString(); }, {}, {}, true, 70},
        yielding(3, {LivePage::tr("Received"), [](const QJsonObject &o) { return bytes(whole(o.value("response_bytes"_L1), 0, largestNumber, 0)); }, number("response_bytes"_L1), {}, {}, {}, true, 80}),
        yielding(2, {LivePage::tr("Status"), [](const QJsonObject &o) { return o.value("status"_L1).isNull() ? u"–"_s : QString::number(o.value("status"_L1).toInt()); }, number("status"_L1), {}, {}, {}, true}),
        yielding(1, {LivePage::tr("Endpoint"), [](const QJsonObject &o) { return o.value("http_method"_L1).toString() + u' ' + o.value("endpoint"_L1).toString(); }, {}, idsOf, {}, {}, false, 190, true}),
    };
}

} // namespace

LivePage::LivePage(Console &console)
    : Page(console, u"live"_s, tr("Live"), tr("Running requests, updated twice a second.")), m_model(new RowsModel(u"id"_s, columns(console.projects), this)),
      m_table(new Table(u"live"_s, tr("Requests"))), m_withEnded(new QCheckBox(tr("Show what has just ended"))), m_summary(wrapped({}, "muted"))
{
    m_pause = act(tr("Pause"), u"pause"_s, QKeySequence(Qt::Key_P), [this] {
        m_isPaused = !m_isPaused;
        m_frozen = m_isPaused ? rowsNow() : QJsonArray();
        m_frozenCount = m_runningCount;
        m_pause->setText(m_isPaused ? tr("Go on") : tr("Pause"));
        show();
    });
    m_kill = act(tr("End request"), u"stop"_s, QKeySequence::Delete, [this] { kill(m_table->selectedObjects()); });
    m_killToken = act(tr("End all of this token"), u"stop"_s, QKeySequence(Qt::SHIFT | Qt::Key_Delete), [this] {
        QList<QJsonObject> all;
        const QString token = m_table->selectedObjects().first().value("token_uuid"_L1).toString();
        for (const QJsonValue &one : std::as_const(m_running)) {
            if (one.toObject().value("token_uuid"_L1).toString() == token)
                all.append(one.toObject());
        }
        kill(all);
    });
    m_events = act(tr("Everything of this request"), u"audit"_s, QKeySequence(Qt::CTRL | Qt::Key_L), [this] { m_console.open(u"audit"_s, {{u"request_id"_s, m_table->selectedObjects().first().value("request_id"_L1)}}); });
    auto *row = new QHBoxLayout;
    m_withEnded->setChecked(true);
    row->addWidget(m_withEnded);
    row->addWidget(m_summary, 1);
    row->addWidget(buttonOf(m_pause));
    row->addWidget(buttonOf(m_events));
    row->addWidget(buttonOf(m_killToken, "danger"));
    row->addWidget(buttonOf(m_kill, "danger"));
    body()->addLayout(row);
    m_table->setSortedRows(m_model, 0, Qt::DescendingOrder);
    m_table->setBusy(false);
    m_table->setEmptyState(new EmptyState(u"live"_s, tr("No requests running"), tr("As soon as a program uses a token, its request stands here: who, which model, how fast.")));
    body()->addWidget(m_table, 1);
    startAt(m_table);
    connect(m_withEnded, &QCheckBox::toggled, this, &LivePage::show);
    connect(m_table, &Table::selectionMoved, this, &LivePage::updateActions);
    connect(m_table, &Table::opened, m_events, &QAction::trigger);
    m_table->setMenu({m_events, m_kill, m_killToken});
    connect(&console.projects, &ProjectNames::changed, m_model, &RowsModel::refreshTexts);
    connect(&console.live, &LiveWatch::requests, this, &LivePage::take);
    updateActions();
}

void LivePage::reconnected()
{
    m_running = m_frozen = {};
    m_runningCount = m_frozenCount = 0;
    m_ended.clear();
    show();
}

void LivePage::refresh()
{
    show();
}

void LivePage::take(const QJsonObject &event)
{
    m_running = event.value("running"_L1).toArray();
    m_runningCount = asInt(event.value("running_count"_L1));
    const QJsonArray ended = event.value("ended"_L1).toArray();
    // At thousands of requests a second only the last ones are kept: the audit page has them all.
    const qsizetype kept = std::min(ended.size(), mostEnded);
    for (qsizetype i = ended.size() - kept; i < ended.size(); ++i)
        m_ended.prepend(ended.at(i).toObject());
    if (m_ended.size() > mostEnded)
        m_ended.resize(mostEnded);
    if (isVisible() && !m_isPaused)
        show();
}

QJsonArray LivePage::rowsNow() const
{
    QJsonArray rows = m_running;
    for (const QJsonObject &one : m_ended)
        rows.append(one);
    return rows;
}

void LivePage::show()
{
    QJsonArray rows;
    for (const QJsonValue &one : m_isPaused ? m_frozen : rowsNow()) {
        if (m_withEnded->isChecked() || isRunning(one.toObject()))
            rows.append(one);
    }
    m_model->setRows(rows);
    m_summary->setText(m_isPaused ? tr("Paused. %n request(s) ran then.", nullptr, m_frozenCount) : tr("%n request(s) running", nullptr, m_runningCount));
    updateActions();
}

void LivePage::updateActions()
{
    const QList<QJsonObject> requests = m_table->selectedObjects();
    m_kill->setEnabled(std::any_of(requests.begin(), requests.end(), isRunning));
    m_killToken->setEnabled(requests.size() == 1 && !requests.first().value("token_uuid"_L1).toString().isEmpty() && isRunning(requests.first()));
    m_events->setEnabled(requests.size() == 1);
}

void LivePage::kill(const QList<QJsonObject> &requests)
{
    for (const QJsonObject &request : requests) {
        if (!isRunning(request))
            continue;
        client().send("DELETE", u"/manage/requests/"_s + request.value("id"_L1).toString(), {}, this, [this](const Reply &reply) {
            // It may have ended by itself meanwhile: that is what was wanted.
            if (reply.status != 404)
                told(reply, tr("Ended. The client sees a broken stream."));
        });
    }
}

} // namespace llmproxy::ui
