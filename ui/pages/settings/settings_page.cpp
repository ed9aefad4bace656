// SPDX-License-Identifier: GPL-3.0-only
#include "pages/settings/settings_page.h"

#include "client/answer.h"
#include "dialogs/stop_question.h"
#include "pages/settings/server_menu.h"
#include "style/format.h"

#include <QComboBox>
#include <QCoreApplication>
#include <QDir>
#include <QFormLayout>
#include <QJsonArray>
#include <QSettings>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int typingMs = 250;
constexpr int rowsAtOnce = 12;

// The server's groups, as far as they are known here; another one has the name that the server gives it.
[[maybe_unused]] constexpr const char *groupNames[] = {
    QT_TRANSLATE_NOOP("SettingGroups", "Network"), QT_TRANSLATE_NOOP("SettingGroups", "TLS"), QT_TRANSLATE_NOOP("SettingGroups", "Storage"),
    QT_TRANSLATE_NOOP("SettingGroups", "Management"), QT_TRANSLATE_NOOP("SettingGroups", "Audit"), QT_TRANSLATE_NOOP("SettingGroups", "Alerts"),
    QT_TRANSLATE_NOOP("SettingGroups", "Logging"), QT_TRANSLATE_NOOP("SettingGroups", "Limits"), QT_TRANSLATE_NOOP("SettingGroups", "Tokens"),
    QT_TRANSLATE_NOOP("SettingGroups", "Providers"), QT_TRANSLATE_NOOP("SettingGroups", "Cache"), QT_TRANSLATE_NOOP("SettingGroups", "Engine"),
};

QListWidgetItem *groupItem(const QString &group)
{
    auto *item = new QListWidgetItem(shown(QCoreApplication::translate("SettingGroups", group.toUtf8().constData()), longestCell));
    item->setData(Qt::UserRole, group);
    return item;
}

} // namespace

SettingsPage::SettingsPage(Console &console, Session &session)
    : Page(console, u"settings"_s, tr("Settings"), tr("Of the server, and of this console. A flag, the environment and .env win over what is saved here.")), m_session(session), m_search(new QLineEdit),
      m_groups(new QListWidget), m_area(new QScrollArea), m_list(new QVBoxLayout), m_consoleGroup(makeConsoleGroup()), m_restart(new QFrame)
{
    m_discard = act(tr("Discard changes"), u"close"_s, {}, [this] {
        for (SettingRow *one : rows()) {
            if (one->isChanged())
                one->discard();
        }
        check();
    });
    m_save = act(tr("Save"), u"good"_s, QKeySequence::Save, [this] { save(); });
    addHeaderButton(m_discard);
    addHeaderButton(m_save, "primary");
    m_restart->setProperty("role", u"notice"_s);
    auto *notice = new QHBoxLayout(m_restart);
    notice->addWidget(wrapped(tr("Saved changes take effect when the engine is restarted.")), 1);
    QPushButton *restart = button(tr("Restart the engine"), u"refresh"_s);
    connect(restart, &QPushButton::clicked, this, [this] {
        if (mayStop(m_console.engine, this, tr("Restart the engine?"), tr("Restart the engine")))
            m_console.engine.restart();
    });
    notice->addWidget(restart);
    m_restart->hide();
    const auto follow = [this, restart] { restart->setVisible(m_console.engine.state() == EngineControl::State::Running && !client().isRemote()); };
    connect(&console.engine, &EngineControl::stateChanged, restart, follow);
    connect(&client(), &Client::serverChanged, restart, follow);
    follow();
    body()->addWidget(m_restart);
    auto *row = new QHBoxLayout;
    auto *left = new QVBoxLayout;
    m_search->setPlaceholderText(tr("Find a setting"));
    m_search->setAccessibleName(tr("Find a setting"));
    m_search->setClearButtonEnabled(true);
    m_groups->setAccessibleName(tr("Groups of settings"));
    m_groups->setFixedWidth(190);
    m_search->setFixedWidth(190);
    left->addWidget(m_search);
    left->addWidget(m_groups, 1);
    row->addLayout(left);
    auto *inner = new QWidget;
    m_list->setContentsMargins(0, 0, 4, 0);
    inner->setLayout(m_list);
    m_list->addWidget(m_consoleGroup);
    m_list->addStretch();
    m_area->setWidget(inner);
    m_area->setWidgetResizable(true);
    m_area->setFocusPolicy(Qt::NoFocus);
    row->addWidget(m_area, 1);
    body()->addLayout(row, 1);
    m_groups->addItem(tr("This console"));
    m_groups->setCurrentRow(0);
    connect(m_groups, &QListWidget::currentRowChanged, this, &SettingsPage::filter);
    connect(m_search, &QLineEdit::textChanged, this, &SettingsPage::filter);
    m_typing.setSingleShot(true);
    m_typing.setInterval(typingMs);
    m_typing.callOnTimeout(this, &SettingsPage::check);
    check();
}

QWidget *SettingsPage::makeConsoleGroup()
{
    QFrame *frame = card();
    auto *form = new QFormLayout(frame);
    form->setContentsMargins(14, 12, 14, 12);
    form->setSpacing(10);
    auto *appearance = stillBox();
    appearance->addItems({tr("Like the system"), tr("Light"), tr("Dark")});
    appearance->setCurrentIndex(static_cast<int>(Theme::instance().choice()));
    appearance->setAccessibleName(tr("Appearance"));
    connect(appearance, &QComboBox::activated, this, [](int index) {
        QSettings().setValue(u"appearance"_s, index);
        Theme::instance().apply(static_cast<Theme::Choice>(index));
    });
    auto *language = stillBox();
    language->addItem(tr("Like the system"), QString());
    for (const QString &file : QDir(u":/translations"_s).entryList({u"llm-proxy_*.qm"_s}, QDir::Files, QDir::Name)) {
        const QString code = file.section(u'_', 1).section(u'.', 0, 0);
        language->addItem(code == "en"_L1 ? u"English"_s : QLocale(code).nativeLanguageName(), code);
    }
    language->setCurrentIndex(std::max(0, language->findData(QSettings().value(u"language"_s).toString())));
    language->setAccessibleName(tr("Language"));
    connect(language, &QComboBox::activated, this, [this, language] {
        QSettings().setValue(u"language"_s, language->currentData());
        m_console.toast->say(tr("The language changes when LLM Proxy is started next."));
    });
    auto *closing = stillBox();
    closing->addItem(tr("Ask"), QVariant());
    closing->addItem(tr("Keep running in the tray"), true);
    closing->addItem(tr("Quit"), false);
    closing->setCurrentIndex(std::max(0, closing->findData(QSettings().value(u"closeToTray"_s))));
    closing->setAccessibleName(tr("When the window is closed"));
    connect(closing, &QComboBox::activated, this, [closing] {
        closing->currentData().isNull() ? QSettings().remove(u"closeToTray"_s) : QSettings().setValue(u"closeToTray"_s, closing->currentData());
    });
    QPushButton *servers = button(tr("Connect to a server …"), u"server"_s);
    connect(servers, &QPushButton::clicked, this, [this, servers] { showServerMenu(m_console, m_session, servers); });
    form->setFieldGrowthPolicy(QFormLayout::FieldsStayAtSizeHint);
    form->setLabelAlignment(Qt::AlignLeft);
    for (QWidget *input : std::initializer_list<QWidget *>{appearance, language, closing})
        input->setMinimumWidth(260);
    form->addRow(fieldLabel(tr("Appearance"), appearance), appearance);
    form->addRow(fieldLabel(tr("Language"), language), language);
    form->addRow(fieldLabel(tr("When the window is closed"), closing), closing);
    form->addRow(fieldLabel(tr("Server"), servers), servers);
    return frame;
}

// Saved to another server, what was typed for this one would be a mistake.
void SettingsPage::forget()
{
    if (!unsaved().isEmpty())
        m_console.toast->say(tr("What was typed in the settings is gone: it was for another server."));
    rebuild({});
}

QString SettingsPage::unsaved() const
{
    return changes().isEmpty() ? QString() : tr("Settings were changed and not saved.");
}

void SettingsPage::refresh()
{
    if (!changes().isEmpty())
        return; // what is being typed is not lost
    client().get(u"/manage/settings"_s, {}, this, [this](const Reply &reply) {
        setProblem(reply.ok() ? QString() : sentenceOf(reply));
        if (reply.ok() && changes().isEmpty())
            rebuild(reply.body);
    });
}

void SettingsPage::open(const QVariantMap &what)
{
    m_search->clear();
    m_wantedGroup = what.value(u"group"_s).toString();
    refresh();
}

void SettingsPage::rebuild(const QJsonObject &answer)
{
    m_restart->setVisible(answer.value("restart_needed"_L1).toBool());
    const QJsonArray settings = forWidgets(answer.value("items"_L1).toArray());
    if (settings == m_settings && m_wantedGroup.isEmpty() && changes().isEmpty())
        return;
    for (SettingRow *row : std::as_const(m_rows)) {
        if (row)
            row->deleteLater();
    }
    m_settings = settings;
    m_rows = QList<SettingRow *>(m_settings.size(), nullptr);
    QStringList groups;
    for (const QJsonValue &one : std::as_const(m_settings)) {
        if (const QString group = one.toObject().value("group"_L1).toString(); !groups.contains(group))
            groups.append(group);
    }
    const int chosen = m_wantedGroup.isEmpty() ? m_groups->currentRow() : 1 + static_cast<int>(groups.indexOf(m_wantedGroup));
    m_wantedGroup.clear();
    const QSignalBlocker quiet(m_groups);
    m_groups->clear();
    m_groups->addItem(tr("This console"));
    for (const QString &group : std::as_const(groups))
        m_groups->addItem(groupItem(group));
    m_groups->setCurrentRow(std::clamp(chosen, 0, m_groups->count() - 1));
    filter();
    check();
}

// Rows are made when they are first seen, a few at a time: all of them take 50 ms on a slow machine.
void SettingsPage::filter()
{
    const QString typed = m_search->text().trimmed();
    const QString group = m_groups->currentItem() ? m_groups->currentItem()->data(Qt::UserRole).toString() : QString();
    m_consoleGroup->setVisible(typed.isEmpty() && m_groups->currentRow() == 0);
    int wanted = 0; // that are not there
    for (qsizetype i = 0; i < m_rows.size(); ++i) {
        const QJsonObject setting = m_settings.at(i).toObject();
        const bool isWanted = typed.isEmpty() ? setting.value("group"_L1).toString() == group : SettingRow::matches(setting, typed);
        if (isWanted && !m_rows.at(i) && ++wanted <= rowsAtOnce)
            makeRow(i);
        if (m_rows.at(i))
            m_rows.at(i)->setVisible(isWanted);
    }
    if (wanted > rowsAtOnce)
        QTimer::singleShot(0, this, &SettingsPage::filter);
}

SettingRow *SettingsPage::makeRow(qsizetype index)
{
    auto *row = new SettingRow(m_settings.at(index).toObject());
    connect(row, &SettingRow::edited, this, [this] { m_typing.start(); });
    const auto before = m_rows.begin() + index;
    m_list->insertWidget(1 + static_cast<int>(index - std::count(m_rows.begin(), before, nullptr)), row); // behind the console's own group
    m_rows[index] = row;
    return row;
}

QList<SettingRow *> SettingsPage::rows() const
{
    QList<SettingRow *> rows = m_rows;
    rows.removeAll(nullptr);
    return rows;
}

SettingRow *SettingsPage::rowOf(const QString &name) const
{
    for (SettingRow *row : rows()) {
        if (row->name() == name)
            return row;
    }
    return nullptr;
}

QJsonArray SettingsPage::changes() const
{
    QJsonArray changes;
    for (const SettingRow *row : rows()) {
        if (row->isChanged())
            changes.append(QJsonObject{{u"name"_s, row->name()}, {u"value"_s, row->isReset() ? QJsonValue() : QJsonValue(row->text())}});
    }
    return changes;
}

// As one types: the server judges, nothing is written.
void SettingsPage::check()
{
    const QJsonArray wanted = changes();
    m_discard->setEnabled(!wanted.isEmpty());
    m_save->setEnabled(!wanted.isEmpty());
    for (SettingRow *row : rows())
        row->setProblem({});
    if (wanted.isEmpty())
        return;
    client().send("PATCH", u"/manage/settings"_s, {{u"changes"_s, wanted}, {u"check_only"_s, true}}, this, [this](const Reply &reply) {
        if (!reply.ok()) {
            showRefusal(reply);
            return;
        }
        const QJsonArray problems = reply.body.value("problems"_L1).toArray();
        m_save->setEnabled(problems.isEmpty() && !changes().isEmpty());
        for (const QJsonValue &one : problems) {
            if (SettingRow *row = rowOf(one.toObject().value("name"_L1).toString()))
                row->setProblem(one.toObject().value("problem"_L1).toString());
        }
    });
}

void SettingsPage::save()
{
    QHash<QString, QString> sent;
    for (const SettingRow *row : rows())
        sent.insert(row->name(), row->text());
    m_save->setEnabled(false);
    client().send("PATCH", u"/manage/settings"_s, {{u"changes"_s, changes()}}, this, [this, sent](const Reply &reply) { reply.ok() ? showSaved(reply, sent) : showRefusal(reply); });
}

void SettingsPage::showSaved(const Reply &reply, const QHash<QString, QString> &sent)
{
    m_console.toast->say(tr("Saved."));
    QHash<QString, QString> meanwhile; // typed while it was being saved
    for (const SettingRow *row : rows()) {
        if (sent.contains(row->name()) && sent.value(row->name()) != row->text())
            meanwhile.insert(row->name(), row->text());
    }
    rebuild(reply.body);
    for (qsizetype i = 0; i < m_settings.size(); ++i) {
        const auto typed = meanwhile.constFind(m_settings.at(i).toObject().value("name"_L1).toString());
        if (typed != meanwhile.constEnd())
            (m_rows.at(i) ? m_rows.at(i) : makeRow(i))->setText(typed.value());
    }
}

void SettingsPage::showRefusal(const Reply &reply)
{
    m_save->setEnabled(false);
    if (SettingRow *row = rowOf(fieldOf(reply)))
        row->setProblem(sentenceOf(reply));
    else
        m_console.toast->say(sentenceOf(reply));
}

} // namespace llmproxy::ui
