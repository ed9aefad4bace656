// SPDX-License-Identifier: GPL-3.0-only
#include "shell/command_palette.h"

#include "client/answer.h"
#include "shell/main_window.h"
#include "style/format.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int typingMs = 150;
constexpr int mostObjects = 20;

constexpr int hintRole = Qt::UserRole;

// What it is called at the left, its shortcut or kind at the right.
class EntryDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        QStyledItemDelegate::paint(painter, option, index);
        painter->setPen(Theme::instance().colors().muted);
        painter->drawText(option.rect.adjusted(0, 0, -12, 0), Qt::AlignVCenter | Qt::AlignRight, index.data(hintRole).toString());
    }
};

// Every typed word begins somewhere in the title or hint.
bool matches(const QString &text, const QStringList &words)
{
    return std::all_of(words.begin(), words.end(), [&](const QString &word) { return text.contains(word, Qt::CaseInsensitive); });
}

} // namespace

CommandPalette::CommandPalette(MainWindow &window) : QDialog(&window, Qt::Dialog | Qt::FramelessWindowHint), m_window(window), m_edit(new QLineEdit), m_list(new QListWidget)
{
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Find anything"));
    setModal(true);
    resize(620, 420);
    auto *whole = new QVBoxLayout(this); // without a frame of the desktop's it needs one of its own
    whole->setContentsMargins(0, 0, 0, 0);
    QFrame *frame = card();
    whole->addWidget(frame);
    auto *column = new QVBoxLayout(frame);
    m_edit->setPlaceholderText(tr("A page, an action, a project or a token"));
    m_edit->setAccessibleName(tr("Find anything"));
    m_list->setAccessibleName(tr("What was found"));
    m_list->setUniformItemSizes(true);
    m_list->setItemDelegate(new EntryDelegate(m_list));
    m_list->setIconSize({18, 18});
    column->addWidget(m_edit);
    column->addWidget(m_list);
    m_edit->installEventFilter(this);
    m_typing.setSingleShot(true);
    m_typing.setInterval(typingMs);
    m_typing.callOnTimeout(this, &CommandPalette::askServer);
    connect(m_edit, &QLineEdit::textChanged, this, [this] {
        m_objects.clear();
        filter();
        m_typing.start();
    });
    connect(m_edit, &QLineEdit::returnPressed, this, &CommandPalette::choose);
    connect(m_list, &QListWidget::itemActivated, this, &CommandPalette::choose);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::choose);
    collect();
    filter();
    m_edit->setFocus();
}

void CommandPalette::collect()
{
    for (Page *page : m_window.pages()) {
        m_entries.push_back({page->iconName(), page->title(), tr("page"), [this, page] { m_window.openPage(page->id()); }});
        for (QAction *action : page->actions()) {
            if (!action->isEnabled() || !action->isVisible())
                continue;
            const QString keys = action->shortcut().toString(QKeySequence::NativeText);
            m_entries.push_back({action->data().toString(), page->title() + u": "_s + action->text(), keys, [this, page, action] {
                m_window.openPage(page->id());
                action->trigger();
            }});
        }
    }
    if (!m_window.console().client.isRemote())
        m_entries.push_back({u"key"_s, tr("Welcome: a provider's key and a first token, in three steps"), {}, [this] { m_window.welcome(); }});
    m_entries.push_back({u"close"_s, tr("Quit"), QKeySequence(QKeySequence::Quit).toString(QKeySequence::NativeText), [this] { m_window.quit(); }});
}

void CommandPalette::filter()
{
    const QStringList words = m_edit->text().split(u' ', Qt::SkipEmptyParts);
    m_shown.clear();
    m_list->clear();
    for (const auto *entries : {&m_objects, &m_entries}) {
        for (const Entry &entry : *entries) {
            if (entries == &m_entries && !matches(entry.title + u' ' + entry.hint, words))
                continue;
            m_shown.push_back(&entry);
            auto *item = new QListWidgetItem(Theme::instance().icon(entry.icon), entry.title);
            item->setData(hintRole, entry.hint);
            item->setData(Qt::AccessibleDescriptionRole, entry.hint);
            m_list->addItem(item);
        }
    }
    if (m_shown.empty()) {
        auto *none = new QListWidgetItem(tr("Nothing found"));
        none->setFlags(Qt::NoItemFlags);
        m_list->addItem(none);
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::askServer()
{
    if (m_edit->text().trimmed().isEmpty())
        return;
    addObjects(u"/manage/projects"_s, u"project"_s, u"projects"_s);
    addObjects(u"/manage/tokens"_s, u"token"_s, u"tokens"_s);
}

void CommandPalette::addObjects(const QString &path, const QString &icon, const QString &page)
{
    const QString typed = m_edit->text().trimmed();
    m_window.console().client.get(path, {{u"q"_s, typed}, {u"limit"_s, QString::number(mostObjects)}}, this, [this, typed, icon, page](const Reply &reply) {
        if (typed != m_edit->text().trimmed())
            return; // of what was typed before
        for (const QJsonValue &one : forWidgets(reply.body.value("items"_L1).toArray())) {
            const QString name = one.toObject().value("name"_L1).toString();
            m_objects.push_back({icon, shown(name, longestCell), icon == "project"_L1 ? tr("project") : tr("token"), [this, page, name] { m_window.openPage(page, {{u"q"_s, name}}); }});
        }
        filter();
    });
}

void CommandPalette::choose()
{
    const int row = m_list->currentRow();
    if (row < 0 || static_cast<size_t>(row) >= m_shown.size())
        return;
    const auto run = m_shown.at(static_cast<size_t>(row))->run;
    accept();
    run();
}

bool CommandPalette::eventFilter(QObject *watched, QEvent *event)
{
    if (event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent *>(event)->key();
        if (key == Qt::Key_Down || key == Qt::Key_Up || key == Qt::Key_PageDown || key == Qt::Key_PageUp) {
            QCoreApplication::sendEvent(m_list, event);
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace llmproxy::ui
