// SPDX-License-Identifier: GPL-3.0-only
#include "pages/audit/audit_page.h"

#include "client/answer.h"
#include "pages/audit/export_dialog.h"
#include "pages/audit/verify_dialog.h"
#include "style/format.h"
#include "widgets/copy.h"

#include <QFontDatabase>
#include <QHeaderView>
#include <QInputDialog>
#include <QJsonDocument>
#include <QSplitter>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

// In the order in which the log has the keys.
QString eventText(const QJsonObject &event)
{
    QStringList lines;
    for (const auto &name : {"timestamp"_L1, "action"_L1, "actor"_L1, "project_id"_L1, "request_id"_L1, "client_ip"_L1, "result"_L1, "details"_L1, "seq"_L1, "prev"_L1, "hash"_L1}) {
        if (!event.contains(name))
            continue;
        const QByteArray value = QJsonDocument(QJsonObject{{name, event.value(name)}}).toJson(QJsonDocument::Indented);
        lines.append(QString::fromUtf8(value.mid(2, value.size() - 5)));
    }
    return u"{\n"_s + lines.join(u",\n"_s) + u"\n}"_s;
}

std::vector<SampleColumn> sampleColumns()
{
    return {{localTime(QDateTime(QDate(2026, 12, 28), QTime(22, 58, 58)))}, {u"success"_s, true}, {u"token.revoke.all"_s, false, true}, {u"POST /v1/chat/completions"_s, false, true},
            {u"200"_s, false, false, 4}, {u"tok-mWMm****mWmW"_s, false, false, 6}, {u"Coding agents"_s, false, true, 5}, {u"192.168.100.100"_s, false, false, 3}, {u"management"_s, false, false, 2}, {u"10000000"_s, false, false, 1}};
}

QString detailOf(const QJsonObject &event, const QLatin1String &name)
{
    return event.value("details"_L1).toObject().value(name).toString();
}

} // namespace

AuditPage::AuditPage(Console &console)
    : Page(console, u"audit"_s, tr("Audit"), tr("Every decision, chained and signed. Nothing secret is in it.")), m_model(new AuditModel(client(), console.projects, this)), m_filters(new AuditFilters(client(), console.projects)),
      m_table(new LongTable(*m_model, u"audit"_s, tr("Audit events"))), m_tail(new QCheckBox(tr("Follow"))), m_summary(label({}, "muted")), m_raw(new QPlainTextEdit), m_place(wrapped({}, "muted"))
{
    buildActions();
    auto *row = new QHBoxLayout;
    row->addWidget(m_filters, 1);
    m_tail->setChecked(true);
    m_tail->setToolTip(tr("New events come in at the top"));
    row->addWidget(m_tail);
    body()->addLayout(row);
    auto *split = new QSplitter(Qt::Horizontal);
    split->setChildrenCollapsible(false);
    m_table->table()->setSizes(sampleColumns());
    m_empty = new EmptyState(u"audit"_s, {}, {});
    m_clear = m_empty->addAction(tr("Clear all filters"), [this] { m_filters->clear(); });
    m_table->table()->setEmptyState(m_empty);
    split->addWidget(m_table);
    startAt(m_table->table());
    split->addWidget(makeDetails());
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 1);
    split->setSizes({760, 300});
    body()->addWidget(split, 1);
    body()->addWidget(m_summary);

    connect(m_filters, &AuditFilters::changed, this, &AuditPage::applyFilters);
    connect(m_table, &LongTable::chosen, this, &AuditPage::showDetails);
    connect(m_model, &QAbstractItemModel::dataChanged, this, &AuditPage::showDetails);
    connect(m_model, &AuditModel::failed, this, &AuditPage::setProblem);
    connect(m_model, &AuditModel::loaded, this, [this] {
        const bool isFiltered = !m_filters->isEmpty();
        m_empty->setTexts(tr("No events"), isFiltered ? tr("Nothing in the log fits the filter.") : tr("Nothing was logged yet, or the audit log is switched off: see AUDIT_ENABLED in the settings."));
        m_clear->setVisible(isFiltered);
        m_table->table()->setBusy(false);
        showSummary();
        if (m_wantedSeq > 0)
            goTo(std::exchange(m_wantedSeq, 0));
    });
    connect(m_model, &QAbstractItemModel::rowsInserted, this, &AuditPage::showSummary);
    connect(&client(), &Client::overviewChanged, this, [this] {
        if (isVisible() && m_tail->isChecked() && m_isLoaded)
            m_model->takeNewer(whole(client().overview().value("audit_last_seq"_L1), 0, largestNumber, 0));
    });
    m_table->table()->setMenu({m_request, m_token, m_address, m_copy});
}

void AuditPage::buildActions()
{
    QAction *verify = act(tr("Verify"), u"verify"_s, QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_V), [this] {
        auto *dialog = new VerifyDialog(client(), window());
        connect(dialog, &VerifyDialog::showEvent, this, [this](qint64 seq) { open({{u"around"_s, seq}}); });
        dialog->open();
    });
    QAction *exported = act(tr("Export"), u"export"_s, QKeySequence(Qt::CTRL | Qt::Key_E), [this] {
        auto *dialog = new ExportDialog(client(), m_filters->query(), window());
        connect(dialog, &ExportDialog::written, this, [this](const QString &path, qint64 size) { m_console.toast->say(tr("%1 written, %2.").arg(path, bytes(size))); });
        dialog->open();
    });
    QAction *reviewed = act(tr("Mark as reviewed"), u"good"_s, {}, [this] { review(); });
    addHeaderButton(reviewed);
    addHeaderButton(exported);
    addHeaderButton(verify, "primary");
    m_request = act(tr("Everything of this request"), u"search"_s, {}, [this] { showOnly(u"request_id"_s, m_shown.value("request_id"_L1).toString()); });
    m_token = act(tr("Everything of this token"), u"token"_s, {}, [this] {
        const QString uuid = detailOf(m_shown, "token_uuid"_L1);
        showOnly(u"token_id"_s, uuid.isEmpty() ? detailOf(m_shown, "token_id"_L1) : uuid);
    });
    m_address = act(tr("Everything of this address"), u"server"_s, {}, [this] { showOnly(u"client_ip"_s, m_shown.value("client_ip"_L1).toString()); });
    m_copy = act(tr("Copy event"), u"copy"_s, QKeySequence::Copy, [this] { copyText(m_raw->toPlainText()); });
}

QWidget *AuditPage::makeDetails()
{
    QFrame *pane = card();
    pane->setMinimumWidth(280);
    auto *column = new QVBoxLayout(pane);
    column->addWidget(label(tr("Event"), "heading"));
    column->addWidget(m_place);
    m_raw->setReadOnly(true);
    m_raw->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_raw->setAccessibleName(tr("The event as it is logged"));
    m_raw->setPlaceholderText(tr("Choose an event to see all of it."));
    m_raw->setLineWrapMode(QPlainTextEdit::WidgetWidth);
    m_raw->setTabChangesFocus(true);
    column->addWidget(m_raw, 1);
    for (QAction *action : {m_request, m_token, m_address, m_copy})
        column->addWidget(wideButtonOf(action));
    showDetails();
    return pane;
}

void AuditPage::forget()
{
    const QSignalBlocker quiet(m_filters);
    m_filters->clear();
    m_model->forget();
    m_wantedSeq = 0;
}

void AuditPage::reconnected()
{
    m_isLoaded = false;
}

void AuditPage::refresh()
{
    if (!std::exchange(m_isLoaded, true))
        m_model->setFilter(m_filters->query());
}

void AuditPage::applyFilters()
{
    m_table->table()->setBusy(true);
    setProblem({});
    m_isLoaded = true;
    m_model->setFilter(m_filters->query());
}

void AuditPage::open(const QVariantMap &what)
{
    if (what.contains(u"around"_s)) {
        m_tail->setChecked(false);
        m_wantedSeq = std::clamp<qint64>(what.value(u"around"_s).toLongLong(), 0, largestNumber);
        if (m_filters->isEmpty())
            m_model->reload();
        else
            m_filters->clear();
        return;
    }
    m_filters->clear();
    for (auto value = what.constBegin(); value != what.constEnd(); ++value)
        m_filters->set(value.key(), value.value().toString());
}

void AuditPage::showOnly(const QString &filter, const QString &value)
{
    open({{filter, value}});
}

void AuditPage::goTo(qint64 seq)
{
    m_table->choose(m_model->rowOf(seq));
}

void AuditPage::showDetails()
{
    const QJsonObject event = m_model->event(m_table->chosenRow());
    m_request->setEnabled(!event.value("request_id"_L1).toString().isEmpty());
    m_token->setEnabled(!detailOf(event, "token_id"_L1).isEmpty());
    m_address->setEnabled(!event.value("client_ip"_L1).toString().isEmpty());
    m_copy->setEnabled(!event.isEmpty());
    if (event == m_shown)
        return;
    m_shown = event;
    if (event.isEmpty()) {
        m_raw->clear();
        m_place->clear();
        return;
    }
    m_raw->setPlainText(shown(eventText(event), longestText));
    m_place->setText(tr("Event %1 of the chain. Its hash covers it and the hash of event %2: changing either breaks the chain here.")
                         .arg(seqOf(event))
                         .arg(seqOf(event) - 1));
}

void AuditPage::showSummary()
{
    const int events = m_model->rowCount();
    m_summary->setText(m_model->isComplete() ? tr("%Ln event(s)", nullptr, events) : tr("%Ln event(s) so far; scroll for more", nullptr, events));
}

void AuditPage::review()
{
    bool isGiven = false;
    const QString note = QInputDialog::getText(window(), tr("Mark as reviewed"), tr("This records that you have reviewed the log up to now. A note, for the record:"), QLineEdit::Normal, {}, &isGiven);
    if (!isGiven)
        return;
    QJsonObject body;
    if (!note.trimmed().isEmpty())
        body.insert(u"note"_s, note.trimmed());
    client().send("POST", u"/manage/audit/review"_s, body, this, [this](const Reply &reply) { told(reply, tr("Recorded: reviewed up to event %1.").arg(whole(reply.body.value("to_seq"_L1), 0, largestNumber, 0))); });
}

} // namespace llmproxy::ui
