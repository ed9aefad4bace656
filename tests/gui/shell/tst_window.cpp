// SPDX-License-Identifier: GPL-3.0-only
// What ends the engine or the program asks first; the tray acts as the window does.
#include "stage.h"
#include "test_registry.h"

#include <QMenu>

using namespace Qt::StringLiterals;
using namespace llmproxy::test;
using namespace llmproxy::ui;

class TstWindow final : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void whatStopsTheEngineAsksFirst_data();
    void whatStopsTheEngineAsksFirst();
    void nothingRunsNothingIsAsked();
    void quittingAsksForThisComputersStreams();
    void theTrayBringsTheWindowUp();
    void quittingAsksWhatIsOpen();
    void aTakenPortIsNoDeadEnd();
    void aServerThatWentAwayIsReplaced();
};

namespace {

// The tray's menu, by its first words.
QMenu *trayMenu(Stage &stage)
{
    for (QMenu *menu : stage.window.findChildren<QMenu *>()) {
        if (!menu->actions().isEmpty() && menu->actions().first()->text() == "Open LLM Proxy"_L1)
            return menu;
    }
    return nullptr;
}

QAction *trayAction(Stage &stage, const QString &text)
{
    for (QAction *one : trayMenu(stage)->actions()) {
        if (one->text() == text)
            return one;
    }
    return nullptr;
}

} // namespace

void TstWindow::whatStopsTheEngineAsksFirst_data()
{
    QTest::addColumn<bool>("fromTray");
    QTest::newRow("overview") << false;
    QTest::newRow("tray") << true;
}

void TstWindow::whatStopsTheEngineAsksFirst()
{
    QFETCH(const bool, fromTray);
    Stage stage;
    stage.host.running = 2;
    QAction *stop = fromTray ? trayAction(stage, u"Stop the engine"_s) : Stage::action(stage.page(u"overview"_s), u"Stop the engine"_s);
    QVERIFY(stop);
    {
        const Answering no(u"Cancel"_s);
        stop->trigger();
        QTRY_VERIFY(no.isAsked());
        QVERIFY(no.question().contains(u"2 running stream"_s) && no.question().contains(u"1 min 30 s"_s)); // what the settings say
    }
    QCOMPARE(stage.session.engine().state(), EngineControl::State::Running);
    const Answering yes(u"Stop the engine"_s);
    stop->trigger();
    QTRY_COMPARE(stage.session.engine().state(), EngineControl::State::Stopped);
    QCOMPARE(stage.host.stops.load(), 1);
    QTRY_VERIFY(trayAction(stage, u"Start the engine"_s));
    trayAction(stage, u"Start the engine"_s)->trigger();
    QTRY_COMPARE(stage.session.engine().state(), EngineControl::State::Running);
}

void TstWindow::nothingRunsNothingIsAsked()
{
    Stage stage;
    trayAction(stage, u"Stop the engine"_s)->trigger();
    QTRY_COMPARE(stage.session.engine().state(), EngineControl::State::Stopped);
}

void TstWindow::quittingAsksForThisComputersStreams()
{
    Stage stage;
    stage.host.running = 1;
    stage.session.useRemote({u"Small"_s, u"https://small.example:8443"_s, {}, {}});
    QTRY_VERIFY(stage.session.client().isRemote());
    const Answering no(u"Cancel"_s);
    trayAction(stage, u"Quit"_s)->trigger();
    QTRY_VERIFY(no.isAsked());
    QVERIFY(no.question().contains(u"1 running stream"_s));
    QVERIFY(stage.window.isVisible());
}

void TstWindow::theTrayBringsTheWindowUp()
{
    Stage stage;
    stage.window.hide();
    trayAction(stage, u"Open LLM Proxy"_s)->trigger();
    QTRY_VERIFY(stage.window.isVisible());
}

void TstWindow::quittingAsksWhatIsOpen()
{
    Stage stage;
    stage.table(u"tokens"_s);
    press(stage.page(u"tokens"_s), u"New token"_s);
    QTRY_VERIFY(dialog());
    QDialog *form = dialog();
    type(form, u"Name"_s, u"Indexer"_s);
    const Answering no(u"Cancel"_s);
    trayAction(stage, u"Quit"_s)->trigger();
    QTRY_VERIFY(no.isAsked());
    QCOMPARE(dialog(), form);
    QCOMPARE(find<QLineEdit>(form, u"Name"_s)->text(), u"Indexer"_s);
    press(form, u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

void TstWindow::aTakenPortIsNoDeadEnd()
{
    Stage stage([](FakeHost &host) {
        host.portTaken = true;
        host.startProblem = u"cannot listen on 127.0.0.1:8080: Address already in use"_s;
    });
    QTRY_VERIFY(says(&stage.window, u"Address already in use"_s));
    QVERIFY(says(&stage.window, u"Not checked yet."_s)); // and not that all is well
    QVERIFY(!find<QPushButton>(&stage.window, u"Copy address"_s)->isEnabled());
    press(&stage.window, u"Start on a free port"_s);
    QTRY_COMPARE(stage.session.engine().state(), EngineControl::State::Running);
    QVERIFY(stage.host.startedOnFreePort);
    QTRY_VERIFY(!says(&stage.window, u"Address already in use"_s));
}

void TstWindow::aServerThatWentAwayIsReplaced()
{
    Stage stage([](FakeHost &host) { host.attached = true; });
    QTRY_COMPARE(stage.session.engine().state(), EngineControl::State::Attached);
    const int before = stage.host.starts;
    stage.server().lose(u"the engine that holds the data directory does not answer"_s);
    QTRY_VERIFY(find<QPushButton>(&stage.window, u"Start the engine here"_s));
    stage.host.attached = false;
    stage.server().comeBack();
    press(&stage.window, u"Start the engine here"_s);
    QTRY_COMPARE(stage.session.engine().state(), EngineControl::State::Running);
    QCOMPARE(stage.host.starts.load(), before + 1);
}

REGISTER_TEST(TstWindow)
#include "tst_window.moc"
