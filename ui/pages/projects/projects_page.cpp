// SPDX-License-Identifier: GPL-3.0-only
#include "pages/projects/projects_page.h"

#include "dialogs/form_dialog.h"
#include "dialogs/run_dialog.h"
#include "pages/projects/project_dialog.h"
#include "style/format.h"


namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int mostShown = 5'000;
constexpr int ageNoticeDays = 30, ageFailDays = 90; // PROVIDER_KEY_MAX_AGE's notice and default

bool needsKey(const QJsonObject &project)
{
    for (const QJsonValue &one : project.value("providers"_L1).toArray()) {
        if (one.toObject().value("needs_key"_L1).toBool())
            return true;
    }
    return false;
}

// Its reference's source, a file or a service, has not answered yet.
bool waitsForKey(const QJsonObject &project)
{
    for (const QJsonValue &one : project.value("providers"_L1).toArray()) {
        if (one.toObject().value("key_state"_L1).toString() == "pending"_L1)
            return true;
    }
    return false;
}

int keyAge(const QJsonObject &project) // in days; -1: none is stored
{
    return project.value("api_key_age_days"_L1).toInt(-1);
}

Tone ageTone(const QJsonObject &project)
{
    const int days = keyAge(project);
    return needsKey(project) || days > ageFailDays ? Tone::Bad : waitsForKey(project) ? Tone::Warn : days < 0 ? Tone::Neutral : days > ageNoticeDays ? Tone::Warn : Tone::Good;
}

QString ageText(const QJsonObject &project)
{
    if (needsKey(project))
        return ProjectsPage::tr("needs its key again");
    if (waitsForKey(project))
        return ProjectsPage::tr("waiting for its key");
    const int days = keyAge(project);
    return days < 0 ? u"–"_s : days == 0 ? ProjectsPage::tr("today") : ProjectsPage::tr("%n day(s)", nullptr, days);
}

std::vector<Column> columns()
{
    const auto field = [](const QLatin1String &name) { return [name](const QJsonObject &o) { return orDash(o.value(name).toString()); }; };
    return {
        {ProjectsPage::tr("Name"), field("name"_L1), {}, {}, {}, {}, false, 0, true},
        {ProjectsPage::tr("State"),
         [](const QJsonObject &o) { return o.value("is_active"_L1).toBool() ? ProjectsPage::tr("active") : ProjectsPage::tr("inactive"); }, {}, {},
         [](const QJsonObject &o) { return o.value("is_active"_L1).toBool() ? Tone::Good : Tone::Neutral; }},
        {ProjectsPage::tr("Provider"),
         [](const QJsonObject &o) {
             QStringList names;
             for (const QJsonValue &one : o.value("providers"_L1).toArray())
                 names.append(one.toObject().value("provider"_L1).toString());
             return names.join(u", "_s);
         }, {}},
        {ProjectsPage::tr("Key"), field("api_key_masked"_L1)},
        {ProjectsPage::tr("Key age"), ageText, keyAge, {}, ageTone},
        yielding(3, {ProjectsPage::tr("Environment"), field("environment"_L1)}),
        yielding(2, {ProjectsPage::tr("Changed"), [](const QJsonObject &o) { return relative(timeOf(o.value("updated_at"_L1))); },
         [](const QJsonObject &o) { return o.value("updated_at"_L1).toString(); }, [](const QJsonObject &o) { return bothTimes(timeOf(o.value("updated_at"_L1))); },
         {}}),
        yielding(1, {ProjectsPage::tr("ID"), field("id"_L1), {}, {}, {}, {}, false, 0, true}),
    };
}

} // namespace

ProjectsPage::ProjectsPage(Console &console)
    : Page(console, u"projects"_s, tr("Projects and keys"), tr("Each project holds a provider's key, encrypted. Access tokens use it without seeing it.")),
      m_model(new RowsModel(u"id"_s, columns(), this)), m_table(new Table(u"projects"_s, tr("Projects"))),
      m_search(new QLineEdit)
{
    QAction *create = act(tr("New project"), u"add"_s, QKeySequence::New, [this] { this->create(); });
    m_edit = act(tr("Edit"), u"settings"_s, QKeySequence(Qt::Key_F2), [this] { edit(); });
    m_rotate = act(tr("Rotate key"), u"key"_s, QKeySequence(Qt::CTRL | Qt::Key_R), [this] { rotate(); });
    m_toggle = act(tr("Deactivate"), u"pause"_s, QKeySequence(Qt::CTRL | Qt::Key_D), [this] { toggle(); });
    m_tokens = act(tr("Its tokens"), u"token"_s, QKeySequence(Qt::CTRL | Qt::Key_T), [this] { m_console.open(u"tokens"_s, {{u"project_id"_s, selected().value("id"_L1)}}); });
    m_events = act(tr("Its audit events"), u"audit"_s, QKeySequence(Qt::CTRL | Qt::Key_L), [this] { m_console.open(u"audit"_s, {{u"project_id"_s, selected().value("id"_L1)}}); });
    m_run = act(tr("Run with a token"), u"play"_s, QKeySequence(Qt::CTRL | Qt::Key_Return), [this] { runWithToken(); });
    m_remove = act(tr("Delete"), u"close"_s, QKeySequence::Delete, [this] { remove(); });
    addHeaderButton(create, "primary");

    auto *row = new QHBoxLayout;
    m_search->setPlaceholderText(tr("Find by name, provider or id"));
    m_search->setAccessibleName(tr("Find projects"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(320);
    row->addWidget(m_search, 1);
    row->addStretch();
    for (QAction *action : {m_edit, m_rotate, m_toggle, m_run, m_tokens, m_events, m_remove})
        row->addWidget(buttonOf(action, action == m_remove ? "danger" : nullptr));
    body()->addLayout(row);

    m_sorted = m_table->setSortedRows(m_model, 0, Qt::AscendingOrder);
    m_sorted->setFilterKeyColumn(-1);
    m_sorted->setFilterCaseSensitivity(Qt::CaseInsensitive);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    auto *empty = new EmptyState(u"project"_s, tr("No projects yet"), tr("A project holds one provider's key. Make the first, and give out access tokens for it."));
    empty->addAction(tr("New project"), [this] { this->create(); });
    m_table->setEmptyState(empty);
    body()->addWidget(m_table, 1);
    startAt(m_table);

    connect(m_search, &QLineEdit::textChanged, m_sorted, &QSortFilterProxyModel::setFilterFixedString);
    connect(m_table, &Table::selectionMoved, this, &ProjectsPage::updateActions);
    connect(m_model, &QAbstractItemModel::dataChanged, this, &ProjectsPage::updateActions);
    connect(m_table, &Table::opened, this, &ProjectsPage::edit);
    m_table->setMenu({m_edit, m_rotate, m_toggle, m_run, m_tokens, m_events, m_remove});
    updateActions();
}

void ProjectsPage::refresh()
{
    client().list(u"/manage/projects"_s, {}, mostShown, this, [this](const Reply &reply) {
        m_table->setBusy(false);
        setProblem(reply.ok() ? QString() : sentenceOf(reply));
        if (reply.ok())
            m_model->setRows(reply.body.value("items"_L1).toArray());
        updateActions();
        if (reply.ok())
            goTo(std::exchange(m_wanted, {}));
    });
}

void ProjectsPage::forget()
{
    m_wanted.clear();
    m_search->clear();
    m_model->setRows({});
    m_table->setBusy(true);
}

void ProjectsPage::open(const QVariantMap &what)
{
    if (what.contains(u"create"_s))
        QMetaObject::invokeMethod(this, [this] { create(); }, Qt::QueuedConnection);
    m_search->setText(what.value(u"q"_s).toString());
    m_wanted = what; // found in the list that is on its way
    refresh();
}

void ProjectsPage::goTo(const QVariantMap &what)
{
    int row = m_model->indexOf(what.value(u"project_id"_s).toString());
    if (what.contains(u"oldest_key"_s)) {
        row = -1;
        for (int i = 0; i < m_model->rowCount(); ++i) {
            if (row < 0 || keyAge(m_model->row(i)) > keyAge(m_model->row(row)))
                row = i;
        }
    }
    if (row < 0)
        return;
    m_table->selectRow(m_sorted->mapFromSource(m_model->index(row, 0)).row());
    if (what.contains(u"rotate"_s) || what.contains(u"oldest_key"_s))
        rotate();
}

QJsonObject ProjectsPage::selected() const
{
    const QList<QJsonObject> projects = m_table->selectedObjects();
    return projects.size() == 1 ? projects.first() : QJsonObject();
}

void ProjectsPage::updateActions()
{
    const QJsonObject project = selected();
    for (QAction *action : {m_edit, m_rotate, m_toggle, m_tokens, m_events})
        action->setEnabled(!project.isEmpty());
    const bool active = project.value("is_active"_L1).toBool(true);
    m_toggle->setText(active ? tr("Deactivate") : tr("Activate"));
    const QString whyNot = whyNoRun(client());
    m_run->setEnabled(!project.isEmpty() && active && whyNot.isEmpty());
    m_run->setToolTip(!whyNot.isEmpty() ? whyNot : !project.isEmpty() && !active ? tr("Activate the project first") : tr("Opens a terminal with a token of this project"));
    m_remove->setEnabled(!project.isEmpty() && !active);
    m_remove->setToolTip(!project.isEmpty() && active ? tr("Deactivate the project first") : QString());
}

void ProjectsPage::create()
{
    auto *dialog = new ProjectDialog(client(), {}, window());
    connect(dialog, &ProjectDialog::saved, this, [this](const QJsonObject &project) {
        m_console.toast->offer(tr("Project %1 created.").arg(project.value("name"_L1).toString()) + noteOn(project), tr("Create a token for it"),
                               [this, id = project.value("id"_L1).toString()] { m_console.open(u"tokens"_s, {{u"create"_s, id}}); });
    });
    dialog->open();
}

void ProjectsPage::edit()
{
    const QJsonObject project = selected();
    if (project.isEmpty())
        return;
    auto *dialog = new ProjectDialog(client(), project, window());
    connect(dialog, &ProjectDialog::saved, this, [this](const QJsonObject &saved) { m_console.toast->say(tr("Project %1 saved.").arg(saved.value("name"_L1).toString()) + noteOn(saved)); });
    dialog->open();
}

void ProjectsPage::rotate()
{
    const QJsonObject project = selected();
    if (project.isEmpty())
        return;
    auto *dialog = new RotateKeyDialog(client(), project, window());
    connect(dialog, &RotateKeyDialog::rotated, this, [this, name = project.value("name"_L1).toString()] { m_console.toast->say(tr("%1 uses its new key.").arg(name)); });
    dialog->open();
}

void ProjectsPage::toggle()
{
    const QJsonObject project = selected();
    if (project.isEmpty())
        return;
    if (!project.value("is_active"_L1).toBool()) {
        setActive(project, true);
        return;
    }
    // What it stops, before it does.
    client().list(u"/manage/tokens"_s, {{u"project_id"_s, project.value("id"_L1).toString()}, {u"state"_s, u"live"_s}}, mostShown, this, [this, project](const Reply &reply) {
        const auto tokens = static_cast<int>(reply.body.value("items"_L1).toArray().size());
        const QString what = reply.ok() ? tr("%n live token(s) will be refused.", nullptr, tokens) : tr("Its tokens will be refused.");
        if (confirmed(window(), tr("Deactivate %1?").arg(project.value("name"_L1).toString()),
                      what + u' ' + tr("Its running streams are cut at once. Nothing is deleted; you can activate it again."), tr("Deactivate"), true))
            setActive(project, false);
    });
}

void ProjectsPage::setActive(const QJsonObject &project, bool active)
{
    const QString name = project.value("name"_L1).toString();
    client().send("PATCH", u"/manage/projects/"_s + project.value("id"_L1).toString(), {{u"is_active"_s, active}}, this, [this, project, active, name](const Reply &reply) {
        if (!reply.ok())
            told(reply);
        else
            m_console.toast->offer(active ? tr("%1 is active.").arg(name) : tr("%1 is inactive.").arg(name), tr("Undo"), [this, project, active] { setActive(project, !active); });
    });
}

void ProjectsPage::runWithToken()
{
    const QJsonObject project = selected();
    if (project.isEmpty())
        return;
    auto *dialog = new RunDialog({project}, project.value("id"_L1).toString(), m_console.host.dataDir(), window());
    connect(dialog, &RunDialog::opened, this, [this](const QString &terminal) { m_console.toast->say(tr("Opened in %1.").arg(terminal)); });
    dialog->open();
}

void ProjectsPage::remove()
{
    const QJsonObject project = selected();
    const QString name = project.value("name"_L1).toString();
    if (project.isEmpty() || !confirmed(window(), tr("Delete %1?").arg(name), tr("Its keys are deleted for good. Audit events are kept."), tr("Delete"), true))
        return;
    client().send("DELETE", u"/manage/projects/"_s + project.value("id"_L1).toString(), {}, this, [this, name](const Reply &reply) { told(reply, tr("%1 deleted.").arg(name)); });
}

} // namespace llmproxy::ui
