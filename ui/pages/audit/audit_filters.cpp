// SPDX-License-Identifier: GPL-3.0-only
#include "pages/audit/audit_filters.h"

#include "client/answer.h"
#include "style/format.h"
#include "widgets/parts.h"

#include <QComboBox>
#include <QDateTime>
#include <QInputDialog>
#include <QJsonArray>
#include <QLineEdit>
#include <QMenu>
#include <QScrollArea>
#include <QTimer>

#include <map>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int typingMs = 300;
constexpr int chipsHeight = 34;
const char *const fields[] = {"action", "result", "actor", "project_id", "token_id", "client_ip", "request_id", "model", "status"};

} // namespace

AuditFilters::AuditFilters(Client &client, ProjectNames &projects, QWidget *parent)
    : QWidget(parent), m_client(client), m_projects(projects), m_text(new QLineEdit), m_span(new QComboBox), m_chips(new QHBoxLayout)
{
    auto *row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(Theme::gap);
    m_text->setPlaceholderText(tr("Text in an event"));
    m_text->setAccessibleName(tr("Text in an event"));
    m_text->setClearButtonEnabled(true);
    m_text->setMinimumWidth(180);
    m_text->setMaximumWidth(220);
    row->addWidget(m_text);
    nameBox(m_span, tr("Time"));
    m_span->addItem(tr("All time"), 0);
    m_span->addItem(tr("Last 15 minutes"), 15 * 60);
    m_span->addItem(tr("Last hour"), 3600);
    m_span->addItem(tr("Last 24 hours"), 86400);
    m_span->addItem(tr("Last 7 days"), 7 * 86400);
    m_span->addItem(tr("Last 30 days"), 30 * 86400);
    row->addWidget(m_span);
    QPushButton *add = button(tr("Filter"), u"add"_s);
    auto *menu = new QMenu(add);
    connect(menu, &QMenu::aboutToShow, this, [this, menu] { offer(menu); });
    add->setMenu(menu);
    add->setProperty("menu", true);
    row->addWidget(add);
    m_chips->setSpacing(6);
    m_chips->setContentsMargins(0, 0, 0, 0);
    m_chips->setAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    auto *chips = new QWidget;
    chips->setLayout(m_chips);
    auto *area = new QScrollArea; // as many as there are: the window stays as wide as it is
    area->setWidgetResizable(true);
    area->setWidget(chips);
    area->setFocusPolicy(Qt::NoFocus);
    area->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->setFixedHeight(chipsHeight);
    row->addWidget(area, 1);
    auto *typing = new QTimer(this);
    typing->setSingleShot(true);
    typing->setInterval(typingMs);
    connect(m_text, &QLineEdit::textChanged, this, [typing] { typing->start(); });
    typing->callOnTimeout(this, [this] { set(u"q"_s, m_text->text().trimmed()); });
    connect(&projects, &ProjectNames::changed, this, &AuditFilters::rebuild);
    connect(m_span, &QComboBox::activated, this, [this] {
        const int seconds = m_span->currentData().toInt();
        set(u"from"_s, seconds == 0 ? QString() : QDateTime::currentDateTimeUtc().addSecs(-seconds).toString(Qt::ISODateWithMs));
    });
}

QString AuditFilters::titleOf(const QString &name)
{
    const QMap<QString, QString> titles{{u"action"_s, tr("Action")}, {u"result"_s, tr("Result")}, {u"actor"_s, tr("Actor")}, {u"project_id"_s, tr("Project")}, {u"token_id"_s, tr("Token")},
                                        {u"client_ip"_s, tr("Address")}, {u"request_id"_s, tr("Request")}, {u"model"_s, tr("Model")}, {u"status"_s, tr("Status")}};
    return titles.value(name, name);
}

// The values that the log has, most frequent first, and a way to type another.
void AuditFilters::offer(QMenu *menu)
{
    menu->clear();
    QHash<QString, QMenu *> menus;
    for (const char *const field : fields) {
        const QString name = QString::fromLatin1(field);
        QMenu *values = menu->addMenu(titleOf(name));
        menus.insert(name, values);
        values->addAction(tr("Type a value …"), this, [this, name] { askFor(name); });
        values->addSeparator();
    }
    m_client.get(u"/manage/audit/facets"_s, {}, menu, [this, menus](const Reply &reply) {
        std::map<QString, qsizetype> entries;
        for (const QJsonValue &one : reply.body.value("items"_L1).toArray()) {
            const QJsonObject facet = one.toObject();
            const QString value = facet.value("value"_L1).toString(), events = QString::number(whole(facet.value("events"_L1), 0, largestNumber, 0));
            const bool isToken = facet.value("kind"_L1).toString() == "token_uuid"_L1;
            const QString kind = isToken ? u"token_id"_s : facet.value("kind"_L1).toString();
            QMenu *values = menus.value(kind);
            if (!values || ++entries[kind] > mostWidgets)
                continue;
            QAction *choice = values->addAction(choiceText(nameOf(kind, value), events), this, [this, kind, value] { set(kind, value); });
            if (isToken)
                nameToken(choice, value, events);
            else if (kind == "project_id"_L1)
                connect(&m_projects, &ProjectNames::changed, choice, [this, choice, kind, value, events] { choice->setText(choiceText(nameOf(kind, value), events)); });
        }
    });
}

// What people call a value of that field.
QString AuditFilters::nameOf(const QString &name, const QString &value) const
{
    return name == "project_id"_L1 ? m_projects.of(value) : m_maskedTokens.value(value, value);
}

QString AuditFilters::choiceText(const QString &value, const QString &events)
{
    return tr("%1 (%2)", "value, number of events").arg(asCaption(value), events);
}

// The log knows tokens by ids that nobody knows; people know names and beginnings.
void AuditFilters::nameToken(QAction *choice, const QString &id, const QString &events)
{
    m_client.get(u"/manage/tokens/"_s + id, {}, choice, [this, choice, id, events](const Reply &reply) {
        const QString masked = reply.body.value("token_masked"_L1).toString(), name = reply.body.value("name"_L1).toString();
        if (masked.isEmpty())
            return; // one of long ago
        m_maskedTokens.insert(id, masked);
        choice->setText(choiceText(name.isEmpty() ? masked : name + u"  "_s + masked, events));
    });
}

void AuditFilters::askFor(const QString &name)
{
    bool isGiven = false;
    const QString hint = name == "action"_L1 ? tr("Exact value, or a prefix like token.*") : name == "token_id"_L1 ? tr("The masked token or its id") : name == "project_id"_L1 ? tr("The project's ID; projects with events are in the list by name") : QString();
    const QString value = QInputDialog::getText(window(), tr("Filter by %1").arg(titleOf(name)), hint.isEmpty() ? titleOf(name) : hint, QLineEdit::Normal, m_values.value(name), &isGiven);
    if (isGiven)
        set(name, value.trimmed());
}

void AuditFilters::set(const QString &name, const QString &value)
{
    if (m_values.value(name) == value)
        return;
    value.isEmpty() ? static_cast<void>(m_values.remove(name)) : static_cast<void>(m_values.insert(name, value));
    rebuild();
    Q_EMIT changed();
}

void AuditFilters::clear()
{
    if (m_values.isEmpty())
        return;
    m_values.clear();
    const QSignalBlocker quiet(m_text);
    m_text->clear();
    m_span->setCurrentIndex(0);
    rebuild();
    Q_EMIT changed();
}

void AuditFilters::rebuild()
{
    clearLayout(m_chips);
    for (auto value = m_values.constBegin(); value != m_values.constEnd(); ++value) {
        const QString name = value.key();
        if (name == "q"_L1 || name == "from"_L1)
            continue; // they have inputs of their own
        const QString known = nameOf(name, value.value());
        const QString text = fontMetrics().elidedText(titleOf(name) + u": "_s + known, Qt::ElideMiddle, 230);
        QPushButton *chip = button(asCaption(text), u"close"_s, "chip");
        chip->setToolTip(tr("Remove this filter"));
        chip->setAccessibleName(tr("Remove the filter %1: %2").arg(titleOf(name), shown(known, longestCell)));
        connect(chip, &QPushButton::clicked, this, [this, name] { set(name, {}); });
        m_chips->addWidget(chip);
    }
    if (!m_values.isEmpty()) {
        QPushButton *all = button(tr("Clear"), {}, "link");
        all->setAccessibleName(tr("Clear all filters"));
        connect(all, &QPushButton::clicked, this, &AuditFilters::clear);
        m_chips->addWidget(all);
    }
}

Query AuditFilters::query() const
{
    Query query;
    for (auto value = m_values.constBegin(); value != m_values.constEnd(); ++value)
        query.append({value.key(), value.value()});
    return query;
}

} // namespace llmproxy::ui
