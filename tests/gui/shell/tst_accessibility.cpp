// SPDX-License-Identifier: GPL-3.0-only
// Everything that can be used has a name for people who do not see it, and Tab reaches it in the order in which one reads.
#include "stage.h"
#include "test_registry.h"

#include <QAbstractSpinBox>
#include <QAccessible>
#include <QComboBox>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QSet>
#include <QShortcut>
#include <QTabBar>
#include <QToolButton>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

bool isInteractive(const QWidget *widget)
{
    return qobject_cast<const QAbstractButton *>(widget) || qobject_cast<const QLineEdit *>(widget) || qobject_cast<const QComboBox *>(widget) || qobject_cast<const QAbstractSpinBox *>(widget)
           || qobject_cast<const QAbstractItemView *>(widget) || qobject_cast<const QPlainTextEdit *>(widget) || qobject_cast<const QTabBar *>(widget);
}

// Parts of another widget, which is the one that counts: the line of a spin box, the list of a combo box, a clear button, tabs' arrows.
bool isPart(const QWidget *widget)
{
    const QWidget *parent = widget->parentWidget();
    for (; parent; parent = parent->parentWidget()) {
        if (qobject_cast<const QAbstractSpinBox *>(parent) || qobject_cast<const QComboBox *>(parent) || qobject_cast<const QAbstractItemView *>(parent) || qobject_cast<const QLineEdit *>(parent)
            || qobject_cast<const QTabBar *>(parent))
            return true;
    }
    return false;
}

QString described(const QWidget *widget)
{
    return QString::fromLatin1(widget->metaObject()->className()) + u" “"_s + nameOf(const_cast<QWidget *>(widget)) + u'”';
}

QList<QWidget *> interactive(QWidget *root)
{
    QList<QWidget *> found;
    for (QWidget *one : root->findChildren<QWidget *>()) {
        if (one->isVisible() && one->window() == root->window() && isInteractive(one) && !isPart(one))
            found.append(one);
    }
    return found;
}

QStringList nameless(QWidget *root)
{
    QStringList wrong;
    for (QWidget *one : interactive(root)) {
        const QAccessibleInterface *told = QAccessible::queryAccessibleInterface(one);
        const QString name = told ? told->text(QAccessible::Name) : QString();
        const bool isBox = qobject_cast<QComboBox *>(one) && one->accessibleName().isEmpty() && one->accessibleDescription().isEmpty();
        if ((name.isEmpty() && one->accessibleName().isEmpty() && !qobject_cast<QTabBar *>(one)) || isBox)
            wrong.append(described(one));
    }
    return wrong;
}

// What the Tab key leads to, from where the focus is, until it comes round.
QList<QWidget *> tabbed(QWidget *window)
{
    QList<QWidget *> order;
    for (int i = 0; i < 200; ++i) {
        QTest::keyClick(window->focusWidget() ? window->focusWidget() : window, Qt::Key_Tab);
        QWidget *now = window->focusWidget();
        if (!now || order.contains(now))
            break;
        order.append(now);
    }
    return order;
}

QStringList unreached(QWidget *root, const QList<QWidget *> &order)
{
    QStringList missing;
    for (QWidget *one : interactive(root)) {
        if (!one->isEnabled() || one->focusPolicy() == Qt::NoFocus)
            continue;
        const QWidget *reached = one->focusProxy() ? one->focusProxy() : one;
        const auto *choice = qobject_cast<QAbstractButton *>(one);
        const bool isOneOfGroup = choice && choice->group() && choice->group()->exclusive(); // arrows lead from one to the next
        const bool isInside = std::any_of(order.begin(), order.end(), [&](const QWidget *other) { return other == reached || one->isAncestorOf(other); });
        if (!isInside && !isOneOfGroup)
            missing.append(described(one));
    }
    return missing;
}

} // namespace

class TstAccessibility : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyPageNamesWhatCanBeUsed_data();
    void everyPageNamesWhatCanBeUsed();
    void tabReachesEverythingOfAPage_data() { everyPageNamesWhatCanBeUsed_data(); }
    void tabReachesEverythingOfAPage();
    void dialogsAreNamedAndReadInOrder_data();
    void dialogsAreNamedAndReadInOrder();
    void shortcutsMeanOneThing();
};

void TstAccessibility::everyPageNamesWhatCanBeUsed_data()
{
    QTest::addColumn<QString>("page");
    for (const char *id : {"overview", "projects", "tokens", "audit", "live", "usage", "security", "settings"})
        QTest::newRow(id) << QString::fromLatin1(id);
}

void TstAccessibility::everyPageNamesWhatCanBeUsed()
{
    QFETCH(const QString, page);
    Stage stage;
    Page *shown = stage.page(page);
    QTRY_VERIFY(shown->isVisible());
    QVERIFY(!shown->accessibleName().isEmpty());
    if (page == "settings"_L1)
        shown->open({{u"group"_s, u"Limits"_s}});
    QTRY_VERIFY(interactive(&stage.window).size() > 9);
    QCOMPARE(nameless(&stage.window).join(u", "_s), QString());
}

void TstAccessibility::tabReachesEverythingOfAPage()
{
    QFETCH(const QString, page);
    Stage stage;
    Page *shown = stage.page(page);
    QTRY_VERIFY(shown->isVisible());
    if (auto *table = shown->findChild<Table *>(); table && page != "live"_L1) {
        QTRY_VERIFY(table->model()->rowCount() > 0);
        stage.chooseRow(table, 0);
    }
    const QList<QWidget *> order = tabbed(&stage.window);
    QCOMPARE(unreached(shown, order).join(u", "_s), QString());
}

void TstAccessibility::dialogsAreNamedAndReadInOrder_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<QString>("button");
    QTest::addColumn<bool>("needsRow");
    QTest::newRow("project") << u"projects"_s << u"New project"_s << false;
    QTest::newRow("edited project") << u"projects"_s << u"Edit"_s << true;
    QTest::newRow("rotation") << u"projects"_s << u"Rotate key"_s << true;
    QTest::newRow("token") << u"tokens"_s << u"New token"_s << false;
    QTest::newRow("limits") << u"tokens"_s << u"Edit limits"_s << true;
    QTest::newRow("refresh") << u"tokens"_s << u"Refresh"_s << true;
    QTest::newRow("export") << u"audit"_s << u"Export"_s << false;
    QTest::newRow("verification") << u"audit"_s << u"Verify"_s << false;
}

void TstAccessibility::dialogsAreNamedAndReadInOrder()
{
    QFETCH(const QString, page);
    QFETCH(const QString, button);
    QFETCH(const bool, needsRow);
    Stage stage;
    Table *table = stage.table(page);
    if (needsRow)
        stage.chooseRow(table, std::max(0, Stage::rowOf(table, u"Anna"_s)));
    press(stage.page(page), button);
    QTRY_VERIFY(dialog());
    QDialog *shown = dialog();
    QVERIFY(!shown->windowTitle().isEmpty());
    QCOMPARE(nameless(shown).join(u", "_s), QString());
    const QList<QWidget *> order = tabbed(shown);
    QCOMPARE(unreached(shown, order).join(u", "_s), QString());
    // From top to bottom; from left to right in a row.
    QList<QWidget *> sorted = order;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const QWidget *one, const QWidget *other) {
        const QPoint first = one->mapTo(shown, QPoint()), second = other->mapTo(shown, QPoint());
        return std::abs(first.y() - second.y()) > 12 ? first.y() < second.y() : first.x() < second.x();
    });
    const auto start = order.indexOf(sorted.first());
    QVERIFY(start >= 0);
    QStringList read, reached;
    for (int i = 0; i < order.size(); ++i) {
        read.append(described(sorted.at(i)));
        reached.append(described(order.at((start + i) % order.size())));
    }
    QCOMPARE(reached.join(u", "_s), read.join(u", "_s));
    shown->close();
}

void TstAccessibility::shortcutsMeanOneThing()
{
    Stage stage;
    QSet<QString> ofWindow;
    for (const QShortcut *one : stage.window.findChildren<QShortcut *>()) {
        QVERIFY2(!ofWindow.contains(one->key().toString()), qPrintable(one->key().toString()));
        ofWindow.insert(one->key().toString());
    }
    for (const Page *page : stage.window.pages()) {
        QSet<QString> ofPage;
        for (const QAction *action : page->actions()) {
            const QString keys = action->shortcut().toString();
            if (keys.isEmpty())
                continue;
            QVERIFY2(!ofPage.contains(keys), qPrintable(page->id() + u": "_s + keys));
            QVERIFY2(!ofWindow.contains(keys), qPrintable(page->id() + u": "_s + keys));
            ofPage.insert(keys);
        }
    }
}

REGISTER_TEST(TstAccessibility)
#include "tst_accessibility.moc"
