// SPDX-License-Identifier: GPL-3.0-only
#include "stage.h"

#include <QAccessible>
#include <QApplication>
#include <QLineEdit>
#include <QMessageBox>

namespace llmproxy::test {

using namespace Qt::StringLiterals;
using namespace llmproxy::ui;

Stage::Stage(const std::function<void(FakeHost &)> &prepare) : host()
{
    if (prepare)
        prepare(host);
    window.show();
    session.useLocal();
    if (host.startProblem.isEmpty())
        [&] { QTRY_VERIFY(!session.client().overview().isEmpty()); }();
}

Stage::~Stage()
{
    server().letGo();
    host.elsewhere->letGo();
    const QStringList faults = server().faults() + host.elsewhere->faults();
    if (!faults.isEmpty())
        QTest::qFail(qPrintable(u"calls that the real server would refuse: "_s + faults.join(u"; "_s)), __FILE__, __LINE__);
}

Page *Stage::page(const QString &id)
{
    window.openPage(id);
    Page *found = nullptr;
    for (Page *one : window.pages()) {
        if (one->id() == id)
            found = one;
    }
    return found;
}

Table *Stage::table(const QString &pageId)
{
    Table *found = page(pageId)->findChild<Table *>();
    [&] { QTRY_VERIFY(found->model()->rowCount() > 0); }();
    return found;
}

void Stage::chooseRow(Table *table, int row)
{
    const QRect cell = table->visualRect(table->model()->index(row, 0));
    QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, cell.center());
}

int Stage::rowOf(const Table *table, const QString &text)
{
    const QAbstractItemModel *model = table->model();
    for (int row = 0; row < model->rowCount(); ++row) {
        for (int column = 0; column < model->columnCount(); ++column) {
            if (model->index(row, column).data().toString() == text)
                return row;
        }
    }
    return -1;
}

QAction *Stage::action(Page *page, const QString &text)
{
    for (QAction *one : page->actions()) {
        if (one->text() == text)
            return one;
    }
    return nullptr;
}

QString nameOf(QWidget *widget)
{
    if (!widget->accessibleName().isEmpty())
        return widget->accessibleName();
    const QAccessibleInterface *told = QAccessible::queryAccessibleInterface(widget);
    return told ? told->text(QAccessible::Name) : QString();
}

void press(QWidget *where, const QString &name)
{
    QTRY_VERIFY2(find<QAbstractButton>(where, name), qPrintable(u"no button "_s + name)); // a layout may be on its way
    auto *button = find<QAbstractButton>(where, name);
    QVERIFY2(button->isEnabled(), qPrintable(name + u" cannot be pressed"_s));
    QTest::mouseClick(button, Qt::LeftButton);
}

void type(QWidget *where, const QString &field, const QString &text)
{
    QTRY_VERIFY2(find<QLineEdit>(where, field), qPrintable(u"no field "_s + field));
    auto *edit = find<QLineEdit>(where, field);
    edit->setFocus();
    edit->selectAll();
    QTest::keyClick(edit, Qt::Key_Backspace);
    QTest::keyClicks(edit, text);
}

bool says(QWidget *where, const QString &part)
{
    for (const QLabel *one : where->findChildren<QLabel *>()) {
        if (one->isVisible() && one->text().contains(part))
            return true;
    }
    return false;
}

QDialog *dialog()
{
    return qobject_cast<QDialog *>(QApplication::activeModalWidget());
}

Answering::Answering(const QString &button) : m_button(button)
{
    m_timer.callOnTimeout(this, [this] {
        auto *box = qobject_cast<QMessageBox *>(QApplication::activeModalWidget());
        auto *wanted = box ? find<QAbstractButton>(box, m_button) : nullptr;
        for (QAbstractButton *one : box && !wanted ? box->buttons() : QList<QAbstractButton *>()) {
            if (one->text().remove(u'&') == m_button)
                wanted = one;
        }
        if (!wanted)
            return;
        m_timer.stop();
        m_asked = true;
        m_question = box->windowTitle() + u'\n' + box->text();
        wanted->click();
    });
    m_timer.start(5);
}

} // namespace llmproxy::test
