// SPDX-License-Identifier: GPL-3.0-only
// Which columns of a table give way, and which leave, in a window that is too narrow for all of them; what a cell says on hover.
#include "models/rows_model.h"
#include "stage.h"
#include "test_registry.h"

#include <QHeaderView>
#include <QHelpEvent>
#include <QMenu>
#include <QTextDocument>
#include <QToolTip>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

void hover(Table &table, int column)
{
    const QPoint point = table.visualRect(table.model()->index(0, column)).center();
    QHelpEvent event(QEvent::ToolTip, point, table.viewport()->mapToGlobal(point));
    QCoreApplication::sendEvent(table.viewport(), &event);
}

std::vector<Column> nameWithNote()
{
    const auto field = [](const QLatin1String &name) { return [name](const QJsonObject &o) { return o.value(name).toString(); }; };
    return {{u"Name"_s, field("name"_L1)}, {u"Noted"_s, field("id"_L1), {}, field("note"_L1)}};
}

} // namespace

class TstTable : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void givesWayBeforeItLeaves_data();
    void givesWayBeforeItLeaves();
    void noPageScrollsSideways();
    void whatAPersonShowsStays();
    void aTipShowsTagsAndFollowsNone();
    void aTextThatDoesNotFitIsATip();
};

void TstTable::givesWayBeforeItLeaves_data()
{
    QTest::addColumn<int>("room");
    QTest::addColumn<std::vector<int>>("widths");
    QTest::newRow("room for all") << 1000 << std::vector<int>{100, 310, 100, 80, 160};
    QTest::newRow("to the pixel") << 750 << std::vector<int>{100, 310, 100, 80, 160};
    QTest::newRow("elastic ones give") << 650 << std::vector<int>{100, 230, 100, 80, 140};
    QTest::newRow("all that they can") << 500 << std::vector<int>{100, 110, 100, 80, 110};
    QTest::newRow("the first leaves, the others have its room") << 499 << std::vector<int>{100, 173, 100, 0, 125};
    QTest::newRow("the elastic one is next") << 419 << std::vector<int>{100, 219, 100, 0, 0};
    QTest::newRow("what stays may be too wide") << 50 << std::vector<int>{100, 110, 100, 0, 0};
}

void TstTable::givesWayBeforeItLeaves()
{
    QFETCH(const int, room);
    QFETCH(const std::vector<int>, widths);
    const std::vector<ColumnSize> columns{{100}, {310, true}, {100}, {80, false, 1}, {160, true, 2}};
    QCOMPARE(fittedWidths(columns, room), widths);
}

void TstTable::noPageScrollsSideways()
{
    Stage stage;
    stage.server().feed("requests", {{u"time"_s, QString()}, {u"running_count"_s, 1}, {u"running"_s, QJsonArray{sampleRequest(u"run-1"_s, u"streaming"_s)}}, {u"ended"_s, QJsonArray()}});
    for (const int width : {1280, 1024, 1600, 1280}) {
        stage.window.resize(width, 800);
        for (const QString &page : {u"projects"_s, u"tokens"_s, u"audit"_s, u"usage"_s}) {
            Table *table = stage.table(page);
            QTRY_VERIFY2(table->horizontalHeader()->length() <= table->viewport()->width(), qPrintable(u"%1 at %2: %3 in %4"_s.arg(page).arg(width).arg(table->horizontalHeader()->length()).arg(table->viewport()->width())));
        }
    }
    stage.window.resize(2200, 800);
    QTRY_COMPARE(stage.table(u"audit"_s)->horizontalHeader()->hiddenSectionCount(), 0);
}

void TstTable::whatAPersonShowsStays()
{
    Stage stage;
    stage.window.resize(1280, 800);
    Table *table = stage.table(u"audit"_s);
    QHeaderView *header = table->horizontalHeader();
    QTRY_VERIFY(table->isColumnHidden(9));
    QTimer::singleShot(0, [] {
        auto *menu = qobject_cast<QMenu *>(QApplication::activePopupWidget());
        QVERIFY(menu);
        menu->actions().at(9)->trigger();
        menu->close();
    });
    Q_EMIT header->customContextMenuRequested(QPoint(10, 10));
    QVERIFY(!table->isColumnHidden(9));
    stage.window.resize(1100, 800);
    QCoreApplication::processEvents();
    QVERIFY(!table->isColumnHidden(9));
}

void TstTable::aTipShowsTagsAndFollowsNone()
{
    const QString note = u"<img src='http://192.0.2.1/seen'> <b>R&D</b>"_s;
    RowsModel rows(u"id"_s, nameWithNote());
    rows.setRows({QJsonObject{{u"id"_s, u"1"_s}, {u"name"_s, u"short"_s}, {u"note"_s, note}}});
    Table table(u"tips"_s, u"Tips"_s);
    table.setSortedRows(&rows, 0, Qt::AscendingOrder);
    table.resize(400, 200);
    table.show();
    hover(table, 1);
    QTextDocument shown;
    shown.setHtml(QToolTip::text());
    QCOMPARE(shown.toPlainText(), note);
    QVERIFY(!QToolTip::text().contains(u"<img"_s));
    hover(table, 0);
    QTRY_VERIFY(!QToolTip::isVisible()); // all of it is there to be seen
}

void TstTable::aTextThatDoesNotFitIsATip()
{
    RowsModel rows(u"id"_s, nameWithNote());
    rows.setRows({QJsonObject{{u"id"_s, u"1"_s}, {u"name"_s, QString(80, u'n')}}});
    Table table(u"tips"_s, u"Tips"_s);
    table.setSortedRows(&rows, 0, Qt::AscendingOrder);
    table.resize(400, 200);
    table.show();
    hover(table, 0);
    QCOMPARE(QToolTip::text(), QString(80, u'n'));
}

REGISTER_TEST(TstTable)
#include "tst_table.moc"
