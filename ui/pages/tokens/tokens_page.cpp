// SPDX-License-Identifier: GPL-3.0-only
#include "pages/tokens/tokens_page.h"

#include "client/answer.h"
#include "dialogs/run_dialog.h"
#include "dialogs/token_view.h"
#include "pages/tokens/refresh_dialog.h"
#include "pages/tokens/token_columns.h"
#include "pages/tokens/token_dialog.h"
#include "style/format.h"
#include "widgets/copy.h"


namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostShown = 5'000; // sorted here by any column; more are found by filtering at the server
constexpr int typingMs = 250;
constexpr int countedMs = 2'000, mostCounted = 500; // so often rows are read anew while tokens are used, unless they are many

} // namespace

TokensPage::TokensPage(Console &console)
    : Page(console, u"tokens"_s, tr("Access tokens"), tr("What you hand out instead of a key.")),
      m_model(new RowsModel(u"id"_s, tokenColumns([this](const QString &id) { return projectName(id); }), this)),
      m_table(new Table(u"tokens"_s, tr("Access tokens"))), m_search(new QLineEdit), m_state(new QComboBox), m_project(new QComboBox), m_more(label({}, "muted"))
{
    buildActions();
    buildFilters();
    buildTable();
    body()->addWidget(m_more);
    m_more->hide();
    connect(&m_console.live, &LiveWatch::requests, this, [this](const QJsonObject &event) {
        m_running = event.value("running"_L1).toArray();
        m_isUsed = m_isUsed || !event.value("ended"_L1).toArray().isEmpty();
    });
    m_clock.callOnTimeout(this, [this] {
        if (isVisible())
            m_table->repaintTexts();
    });
    m_clock.start(1'000);
    m_counts.callOnTimeout(this, [this] {
        if (isVisible() && m_isUsed && m_model->rowCount() <= mostCounted)
            loadTokens();
    });
    m_counts.start(countedMs);
    updateActions();
}

void TokensPage::buildActions()
{
    m_create = act(tr("New token"), u"add"_s, QKeySequence::New, [this] { create(m_project->currentData().toString()); });
    m_edit = act(tr("Edit limits"), u"settings"_s, QKeySequence(Qt::Key_F2), [this] { edit(); });
    m_refresh = act(tr("Refresh"), u"refresh"_s, QKeySequence(Qt::CTRL | Qt::Key_R), [this] { refreshToken(); });
    m_revoke = act(tr("Revoke"), u"revoke"_s, QKeySequence::Delete, [this] { revokeSelected(); });
    m_revokeAll = act(tr("Revoke all of a project"), u"revoke"_s, QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Delete), [this] { revokeAll(); });
    m_events = act(tr("Its audit events"), u"audit"_s, QKeySequence(Qt::CTRL | Qt::Key_L), [this] {
        m_console.open(u"audit"_s, {{u"token_id"_s, m_table->selectedObjects().first().value("id"_L1)}});
    });
    m_copyId = act(tr("Copy id"), u"copy"_s, QKeySequence::Copy, [this] {
        QStringList ids;
        for (const QJsonObject &token : m_table->selectedObjects())
            ids.append(token.value("id"_L1).toString());
        copyText(ids.join(u'\n'));
        m_console.toast->say(tr("Copied."));
    });
    m_run = act(tr("Run with a token"), u"play"_s, QKeySequence(Qt::CTRL | Qt::Key_Return), [this] { runWithToken(); });
    addHeaderButton(m_revokeAll, "danger");
    addHeaderButton(m_run);
    addHeaderButton(m_create, "primary");
}

void TokensPage::buildFilters()
{
    m_search->setPlaceholderText(tr("Find by name"));
    m_search->setAccessibleName(tr("Find tokens by name"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(240);
    nameBox(m_state, tr("State"));
    m_state->addItem(tr("Every state"), QString());
    m_state->addItem(tr("Live"), u"live"_s);
    m_state->addItem(tr("In grace"), u"grace"_s);
    m_state->addItem(tr("Expired"), u"expired"_s);
    m_state->addItem(tr("Revoked"), u"revoked"_s);
    nameBox(m_project, tr("Project"));
    m_project->addItem(tr("Every project"), QString());
    auto *row = new QHBoxLayout;
    row->addWidget(m_search);
    row->addWidget(m_state);
    row->addWidget(m_project);
    row->addStretch();
    for (QAction *action : {m_edit, m_refresh, m_events})
        row->addWidget(buttonOf(action));
    row->addWidget(buttonOf(m_revoke, "danger"));
    body()->addLayout(row);
    m_typing.setSingleShot(true);
    m_typing.setInterval(typingMs);
    m_typing.callOnTimeout(this, &TokensPage::refresh);
    connect(m_search, &QLineEdit::textChanged, this, [this] { m_typing.start(); });
    connect(m_state, &QComboBox::currentIndexChanged, this, &TokensPage::refresh);
    connect(m_project, &QComboBox::activated, this, &TokensPage::refresh);
}

void TokensPage::buildTable()
{
    m_table->setSortedRows(m_model, TokenExpires, Qt::AscendingOrder);
    m_empty = new EmptyState(u"token"_s, {}, {});
    m_empty->addAction(tr("New token"), [this] { create({}); });
    m_table->setEmptyState(m_empty);
    body()->addWidget(m_table, 1);
    startAt(m_table);
    connect(m_table, &Table::selectionMoved, this, &TokensPage::updateActions);
    connect(m_model, &QAbstractItemModel::dataChanged, this, &TokensPage::updateActions);
    connect(m_table, &Table::opened, this, &TokensPage::edit);
    m_table->setMenu({m_edit, m_refresh, m_revoke, m_run, m_events, m_copyId});
}

void TokensPage::loadProjects()
{
    client().list(u"/manage/projects"_s, {}, mostShown, this, [this](const Reply &reply) {
        if (!reply.ok())
            return;
        m_projects = reply.body.value("items"_L1).toArray();
        m_projectsKnown = true;
        m_projectById.clear();
        const QString chosen = m_project->currentData().toString();
        m_project->clear();
        m_project->addItem(tr("Every project"), QString());
        for (const QJsonValue &one : std::as_const(m_projects)) {
            const QJsonObject project = one.toObject();
            m_projectById.insert(project.value("id"_L1).toString(), project);
            m_project->addItem(shown(project.value("name"_L1).toString(), longestCell), project.value("id"_L1).toString());
        }
        m_project->setCurrentIndex(std::max(0, m_project->findData(chosen)));
        m_model->refreshTexts();
        updateActions();
        if (std::exchange(m_createAsked, false))
            create(m_createFor);
    });
}

void TokensPage::refresh()
{
    loadProjects();
    loadTokens();
}

void TokensPage::loadTokens()
{
    m_isUsed = false;
    Query query;
    const auto add = [&](const QString &name, const QString &value) {
        if (!value.isEmpty())
            query.append({name, value});
    };
    const bool isFiltered = !m_search->text().trimmed().isEmpty() || m_state->currentIndex() > 0 || m_project->currentIndex() > 0;
    m_empty->setTexts(isFiltered ? tr("No token fits the filter") : tr("No tokens here"),
                      isFiltered ? tr("Search for something else, or choose every state and every project.")
                                 : tr("Hand out a token instead of the provider's key: it ends by itself, has limits, and can be revoked at once."));
    add(u"q"_s, m_search->text().trimmed());
    add(u"state"_s, m_state->currentData().toString());
    add(u"project_id"_s, m_project->currentData().toString());
    client().list(u"/manage/tokens"_s, query, mostShown, this, [this](const Reply &reply) {
        m_table->setBusy(false);
        setProblem(reply.ok() ? QString() : sentenceOf(reply));
        if (!reply.ok())
            return;
        m_model->setRows(reply.body.value("items"_L1).toArray());
        m_more->setVisible(!reply.body.value("complete"_L1).toBool());
        m_more->setText(tr("The newest %n token(s) are shown. Narrow the filter to find older ones.", nullptr, mostShown));
        updateActions();
    });
}

void TokensPage::forget()
{
    const QSignalBlocker quiet(m_state), still(m_search);
    m_search->clear();
    m_typing.stop();
    m_state->setCurrentIndex(0);
    m_project->clear();
    m_project->addItem(tr("Every project"), QString());
    m_projects = {};
    m_projectById.clear();
    m_createAsked = false;
    m_running = {};
    m_model->setRows({});
    m_table->setBusy(true);
}

void TokensPage::reconnected()
{
    m_projectsKnown = false;
}

void TokensPage::open(const QVariantMap &what)
{
    if (what.contains(u"create"_s)) {
        m_createFor = what.value(u"create"_s).toString();
        m_createAsked = true;
    }
    else {
        // What is asked for, and not less of it because of a filter from before.
        const QString id = what.value(u"project_id"_s).toString();
        if (m_project->findData(id) < 0)
            m_project->addItem(shown(projectName(id), longestCell), id);
        m_project->setCurrentIndex(m_project->findData(id));
        m_search->setText(what.value(u"q"_s).toString());
        m_state->setCurrentIndex(std::max(0, m_state->findData(what.value(u"state"_s).toString())));
    }
    refresh();
}

QString TokensPage::projectName(const QString &id) const
{
    const QString name = m_projectById.value(id).value("name"_L1).toString();
    return name.isEmpty() ? id : name;
}

QString TokensPage::providerOf(const QString &projectId) const
{
    return m_projectById.value(projectId).value("provider"_L1).toString();
}

void TokensPage::updateActions()
{
    const QList<QJsonObject> tokens = m_table->selectedObjects();
    const auto isLive = [](const QJsonObject &token) {
        const QString state = token.value("state"_L1).toString();
        return state == "active"_L1 || state == "grace"_L1;
    };
    const bool one = tokens.size() == 1;
    m_edit->setEnabled(one && tokens.first().value("state"_L1).toString() != "revoked"_L1);
    m_refresh->setEnabled(one && tokens.first().value("state"_L1).toString() == "active"_L1);
    m_events->setEnabled(one);
    m_copyId->setEnabled(!tokens.isEmpty());
    m_revoke->setEnabled(std::any_of(tokens.begin(), tokens.end(), isLive));
    const QString whyNot = whyNothingRuns();
    m_run->setEnabled(m_projectsKnown && whyNot.isEmpty());
    m_run->setToolTip(whyNot.isEmpty() ? tr("Opens a terminal with a fresh token") : whyNot);
    m_revokeAll->setEnabled(!m_project->currentData().toString().isEmpty());
    m_revokeAll->setToolTip(m_revokeAll->isEnabled() ? QString() : tr("Choose a project first"));
}

void TokensPage::create(const QString &projectId)
{
    if (!m_projectsKnown) { // as soon as one can be chosen
        m_createFor = projectId;
        m_createAsked = true;
        return;
    }
    auto *dialog = new TokenFormDialog(client(), m_projects, projectId, window());
    connect(dialog, &TokenFormDialog::created, this, &TokensPage::showNew);
    dialog->open();
}

QString TokensPage::projectToRun() const
{
    const QList<QJsonObject> tokens = m_table->selectedObjects();
    return tokens.size() == 1 ? tokens.first().value("project_id"_L1).toString() : m_project->currentData().toString();
}

QString TokensPage::whyNothingRuns() const
{
    const QString whyNot = whyNoRun(client()), id = projectToRun();
    if (!whyNot.isEmpty() || !m_projectsKnown)
        return whyNot;
    const auto isActive = [](const QJsonObject &project) { return project.value("is_active"_L1).toBool(); };
    if (id.isEmpty())
        return std::any_of(m_projectById.begin(), m_projectById.end(), isActive) ? QString() : tr("There is no active project");
    return !m_projectById.contains(id) || isActive(m_projectById.value(id)) ? QString() : tr("Activate the project first");
}

void TokensPage::runWithToken()
{
    auto *dialog = new RunDialog(m_projects, projectToRun(), m_console.host.dataDir(), window());
    connect(dialog, &RunDialog::opened, this, [this](const QString &terminal) { m_console.toast->say(tr("Opened in %1.").arg(terminal)); });
    dialog->open();
}

void TokensPage::showNew(const QJsonObject &token)
{
    if (!isAccessToken(token.value("token"_L1).toString())) {
        setProblem(noToken());
        return;
    }
    auto *dialog = new TokenDialog(token, client().baseUrl(), providerOf(token.value("project_id"_L1).toString()), window());
    dialog->open();
}

void TokensPage::edit()
{
    if (!m_edit->isEnabled())
        return;
    auto *dialog = new TokenFormDialog(client(), m_table->selectedObjects().first(), window());
    connect(dialog, &TokenFormDialog::updated, this, [this](const QJsonObject &before, const QJsonObject &changes) {
        m_console.toast->offer(tr("Limits of %1 saved.").arg(before.value("token_masked"_L1).toString()), tr("Undo"), [this, before, changes] {
            QJsonObject body;
            for (auto field = changes.constBegin(); field != changes.constEnd(); ++field)
                body.insert(field.key(), before.value(field.key()));
            client().send("PATCH", u"/manage/tokens/"_s + before.value("id"_L1).toString(), body, this, [this](const Reply &reply) { told(reply, tr("Change undone.")); });
        });
    });
    dialog->open();
}

void TokensPage::refreshToken()
{
    auto *dialog = new RefreshDialog(client(), m_table->selectedObjects().first(), window());
    connect(dialog, &RefreshDialog::refreshed, this, &TokensPage::showNew);
    dialog->open();
}

int TokensPage::streamsOf(const QSet<QString> &ids, const QString &projectId) const
{
    int streams = 0;
    for (const QJsonValue &one : m_running) {
        const QJsonObject request = one.toObject();
        streams += ids.contains(request.value("token_uuid"_L1).toString()) || (!projectId.isEmpty() && request.value("project_id"_L1).toString() == projectId);
    }
    return streams;
}

// Empty where none runs: nothing to think about.
QString TokensPage::streamsText(int streams)
{
    return streams > 0 ? tr("%n running stream(s) will be cut.", nullptr, streams) + u' ' : QString();
}

void TokensPage::revokeSelected()
{
    QSet<QString> ids;
    QStringList names;
    for (const QJsonObject &token : m_table->selectedObjects()) {
        if (token.value("state"_L1).toString() == "revoked"_L1 || token.value("state"_L1).toString() == "expired"_L1)
            continue;
        ids.insert(token.value("id"_L1).toString());
        names.append(token.value("name"_L1).toString().isEmpty() ? token.value("token_masked"_L1).toString() : token.value("name"_L1).toString());
    }
    if (ids.isEmpty())
        return;
    const auto number = static_cast<int>(ids.size());
    const QString what = names.mid(0, 5).join(u", "_s) + (names.size() > 5 ? u", …"_s : QString());
    const QString never = tr("A revoked token never works again, and neither do those it was refreshed from or to.");
    if (!confirmed(window(), tr("Revoke %n token(s)?", nullptr, number), what + u"\n\n"_s + streamsText(streamsOf(ids, {})) + never, tr("Revoke"), true))
        return;
    const auto left = std::make_shared<int>(number);
    for (const QString &id : std::as_const(ids)) {
        client().send("DELETE", u"/manage/tokens/"_s + id, {}, this, [this, left, number](const Reply &reply) {
            if (told(reply) && --*left == 0)
                m_console.toast->say(tr("%n token(s) revoked.", nullptr, number));
        });
    }
}

void TokensPage::revokeAll()
{
    const QString id = m_project->currentData().toString();
    const QString what = streamsText(streamsOf({}, id)) + tr("Revoked tokens never work again.");
    if (id.isEmpty() || !confirmed(window(), tr("Revoke every token of %1?").arg(projectName(id)), what, tr("Revoke all"), true))
        return;
    client().send("POST", u"/manage/projects/%1/tokens/revoke"_s.arg(id), {}, this, [this](const Reply &reply) {
        const auto number = [&](const QLatin1String &name) { return asInt(reply.body.value(name)); };
        told(reply, tr("%n token(s) revoked.", nullptr, number("revoked_count"_L1)) + u' ' + tr("%n stream(s) cut.", nullptr, number("streams_cut"_L1)));
    });
}

} // namespace llmproxy::ui
