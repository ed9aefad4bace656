// SPDX-License-Identifier: GPL-3.0-only
#include "pages/usage/usage_page.h"

#include "client/answer.h"
#include "client/apart.h"
#include "style/format.h"

#include <QFileDialog>
#include <QSaveFile>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostNames = 5'000;

double modelTokens(const QJsonObject &row)
{
    return row.value("prompt_tokens"_L1).toDouble() + row.value("completion_tokens"_L1).toDouble();
}

Column numberColumn(const QString &title, const QLatin1String &name)
{
    const auto value = [name](const QJsonObject &o) { return o.value(name).toDouble(); };
    return {title, [value](const QJsonObject &o) { return count(value(o)); }, value, [value](const QJsonObject &o) { return QLocale().toString(value(o), 'f', 0); }, {}, {}, true};
}

Column msColumn(const QString &title, const QLatin1String &name)
{
    return {title, [name](const QJsonObject &o) { return o.value(name).isNull() ? u"–"_s : duration(std::llround(std::clamp(o.value(name).toDouble(), 0.0, 1e15))); },
            [name](const QJsonObject &o) { return o.value(name).toDouble(); }, {}, {}, {}, true};
}

// RFC 4180; what a spreadsheet would run as a formula is made text.
QString cell(QString text)
{
    if (!text.isEmpty() && u"=+-@\t\r"_s.contains(text.front()))
        text.prepend(u'\'');
    return u'"' + text.replace(u'"', u"\"\""_s) + u'"';
}

} // namespace

UsagePage::UsagePage(Console &console)
    : Page(console, u"usage"_s, tr("Usage"), tr("What was asked for, by whom, and what came back.")), m_table(new Table(u"usage"_s, tr("Usage"))),
      m_by(new QComboBox), m_span(new QComboBox), m_chart(new TimeChart(tr("Model tokens"), [](double value) { return count(value); }, true)), m_total(label({}, "muted"))
{
    addHeaderButton(act(tr("Save as CSV"), u"export"_s, QKeySequence(Qt::CTRL | Qt::Key_E), [this] { exportCsv(); }));
    const std::vector<Column> columns{
        {tr("Name"), [this](const QJsonObject &o) { return nameOf(o); }, {}, [](const QJsonObject &o) { return o.value("key"_L1).toString(); }, {}, {}, false, 160, true},
        numberColumn(tr("Requests"), "requests"_L1), numberColumn(tr("Errors"), "errors"_L1), numberColumn(tr("Refused"), "denied"_L1),
        {tr("Model tokens"), [](const QJsonObject &o) { return count(modelTokens(o)); }, modelTokens, {}, {}, {}, true},
        yielding(3, numberColumn(tr("Sent"), "prompt_tokens"_L1)), yielding(4, numberColumn(tr("Received"), "completion_tokens"_L1)), yielding(5, msColumn(tr("Median"), "duration_ms_p50"_L1)),
        yielding(1, numberColumn(tr("Cached"), "cached_tokens"_L1)), yielding(2, numberColumn(tr("Reasoning"), "reasoning_tokens"_L1)),
        msColumn(tr("95th percentile"), "duration_ms_p95"_L1)};
    m_model = new RowsModel(u"id"_s, columns, this);
    nameBox(m_by, tr("Grouped by"));
    nameBox(m_span, tr("Time"));
    for (const auto &[title, value] : {std::pair{tr("By project"), u"project"_s}, {tr("By token"), u"token"_s}, {tr("By model"), u"model"_s}, {tr("By provider"), u"provider"_s}, {tr("By day"), u"day"_s}})
        m_by->addItem(title, value);
    for (const auto &[title, hours] : {std::pair{tr("Last hour"), 1}, {tr("Last 24 hours"), 24}, {tr("Last 7 days"), 7 * 24}, {tr("Last 30 days"), 30 * 24}, {tr("Last 365 days"), 365 * 24}})
        m_span->addItem(title, hours);
    m_span->setCurrentIndex(1);
    auto *row = new QHBoxLayout;
    row->addWidget(m_by);
    row->addWidget(m_span);
    row->addWidget(m_total, 1);
    body()->addLayout(row);
    QFrame *frame = card();
    (new QVBoxLayout(frame))->addWidget(m_chart);
    body()->addWidget(frame);
    m_table->setSortedRows(m_model, 4, Qt::DescendingOrder);
    m_table->setEmptyState(new EmptyState(u"usage"_s, tr("Nothing was used"), tr("No requests in this time. Choose a longer one, or hand out a token.")));
    body()->addWidget(m_table, 1);
    startAt(m_table);
    connect(&console.projects, &ProjectNames::changed, m_model, &RowsModel::refreshTexts);
    connect(m_by, &QComboBox::activated, this, &UsagePage::refresh);
    connect(m_span, &QComboBox::activated, this, &UsagePage::refresh);
}

Query UsagePage::query(const QString &by) const
{
    const QDateTime now = QDateTime::currentDateTimeUtc();
    Query query{{u"from"_s, now.addSecs(-3600LL * m_span->currentData().toInt()).toString(Qt::ISODateWithMs)}, {u"to"_s, now.toString(Qt::ISODateWithMs)}};
    query.append({u"by"_s, by == "day"_L1 ? u"time"_s : by});
    if (by == "day"_L1)
        query.append({u"step"_s, u"day"_s});
    return query;
}

void UsagePage::forget()
{
    m_tokenNames.clear();
    m_model->setRows({});
    m_table->setBusy(true);
    m_chart->set({}, {});
    m_total->clear();
}

void UsagePage::refresh()
{
    if (m_by->currentData() == u"token"_s)
        loadTokenNames();
    loadTable();
    loadChart();
}

void UsagePage::loadTokenNames()
{
    client().list(u"/manage/tokens"_s, {}, mostNames, this, [this](const Reply &reply) {
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            const QJsonObject item = one.toObject();
            const QString name = item.value("name"_L1).toString();
            m_tokenNames.insert(item.value("id"_L1).toString(), name.isEmpty() ? item.value("token_masked"_L1).toString() : name);
        }
        m_model->refreshTexts();
    });
}

void UsagePage::loadTable()
{
    const QString by = m_by->currentData().toString();
    client().get(u"/manage/usage"_s, query(by), this, [this, by](const Reply &reply) {
        m_table->setBusy(false);
        setProblem(reply.ok() ? QString() : sentenceOf(reply));
        if (!reply.ok())
            return;
        QJsonArray rows;
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            QJsonObject row = one.toObject();
            if (row.value("requests"_L1).toDouble() + row.value("denied"_L1).toDouble() <= 0)
                continue;
            row.insert(u"id"_s, row.value("time"_L1).toString() + u'|' + row.value("key"_L1).toString());
            rows.append(row);
        }
        m_shownBy = by;
        m_model->setRows(rows);
        const QJsonObject total = reply.body.value("total"_L1).toObject();
        m_total->setText(tr("Requests: %1 · Errors: %2 · Model tokens: %3").arg(count(total.value("requests"_L1).toDouble()), count(total.value("errors"_L1).toDouble()), count(modelTokens(total))));
    });
}

void UsagePage::loadChart()
{
    client().get(u"/manage/usage"_s, query(u"time"_s), this, [this](const Reply &reply) {
        std::vector<QDateTime> times;
        TimeSeries sent{tr("sent"), Tone::Info, {}}, received{tr("received"), Tone::Good, {}};
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            times.push_back(timeOf(one.toObject().value("time"_L1)));
            sent.values.push_back(one.toObject().value("prompt_tokens"_L1).toDouble());
            received.values.push_back(one.toObject().value("completion_tokens"_L1).toDouble());
        }
        if (reply.ok())
            m_chart->set(times, {sent, received});
    });
}

QString UsagePage::nameOf(const QJsonObject &row) const
{
    if (!row.value("time"_L1).isNull())
        return tr("%1 (UTC)").arg(QLocale().toString(timeOf(row.value("time"_L1)).toUTC().date(), QLocale::ShortFormat));
    const QString key = row.value("key"_L1).toString();
    if (key.isEmpty())
        return tr("not known");
    return m_shownBy == "project"_L1 ? m_console.projects.of(key) : m_tokenNames.value(key, key);
}

void UsagePage::exportCsv()
{
    const QString path = QFileDialog::getSaveFileName(window(), tr("Save as CSV"), u"usage.csv"_s, tr("CSV (*.csv)"));
    if (path.isEmpty())
        return;
    // Not on this thread: a folder may be far away.
    const auto write = [path, text = csv().toUtf8()] {
        QSaveFile file(path);
        return file.open(QIODevice::WriteOnly) && file.write(text) == text.size() && file.commit() ? QString() : file.errorString();
    };
    apart(this, write, [this, path](const QString &problem) {
        m_console.toast->say(problem.isEmpty() ? tr("%1 written.").arg(path) : tr("%1 cannot be written: %2").arg(path, problem));
    });
}

QString UsagePage::csv() const
{
    static constexpr QLatin1String names[] = {
        "requests"_L1, "errors"_L1, "denied"_L1, "prompt_tokens"_L1, "completion_tokens"_L1, "cached_tokens"_L1, "cache_write_tokens"_L1,
        "cache_write_1h_tokens"_L1, "reasoning_tokens"_L1, "audio_input_tokens"_L1, "audio_output_tokens"_L1, "image_input_tokens"_L1,
        "image_output_tokens"_L1, "searches"_L1, "seconds"_L1, "pages"_L1, "estimated"_L1};
    QStringList head{u"name"_s, u"id"_s};
    for (const QLatin1String name : names)
        head.append(name == "denied"_L1 ? u"refused"_s : QString(name));
    QStringList lines{head.join(u',')};
    for (int i = 0; i < m_model->rowCount(); ++i) {
        const QJsonObject &row = m_model->row(i);
        QStringList cells{cell(nameOf(row)), cell(row.value("key"_L1).toString())};
        for (const QLatin1String name : names)
            cells.append(QString::number(whole(row.value(name), 0, largestNumber, 0)));
        lines.append(cells.join(u','));
    }
    return lines.join(u"\r\n"_s) + u"\r\n"_s;
}

} // namespace llmproxy::ui
