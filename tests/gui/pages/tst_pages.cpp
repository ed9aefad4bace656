// SPDX-License-Identifier: GPL-3.0-only
// What every page does with data, with nothing, with a refusal, and while its server is lost.
#include "stage.h"
#include "test_registry.h"

#include <QAbstractItemModelTester>
#include <QCheckBox>
#include <QClipboard>
#include <QFileDialog>
#include <QListWidget>
#include <QMenu>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

class TstPages : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void tablesAreGoodModels_data();
    void tablesAreGoodModels();
    void emptyPagesExplainThemselves_data();
    void emptyPagesExplainThemselves();
    void aRefusalIsSaid_data();
    void aRefusalIsSaid();
    void aLostServerIsSaidAndComesBack_data() { tablesAreGoodModels_data(); }
    void aLostServerIsSaidAndComesBack();
    void anEngineThatDoesNotStartSaysWhy();
    void slowAnswersBlockNobody();
    void theOverviewLeadsToWhatNeedsAttention();
    void theOverviewNamesEveryAddress();
    void nothingOfTheServerBeforeStays();
    void aRefusalIsNotALoss();
    void manyChangesAreReadOnce();
    void liveShowsWhatRunsAndEndsIt();
    void settingsSayWhatCannotBeChangedFromHere();
    void usageIsGroupedAsAsked();
    void usageIsSavedAsCsv();
    void securitySaysWhatToDo();
    void theAuditLogIsNarrowedAndReviewed();
    void theAuditFilterOffersWhatTheLogHas();
};

void TstPages::tablesAreGoodModels_data()
{
    QTest::addColumn<QString>("page");
    for (const char *id : {"projects", "tokens", "audit", "usage"})
        QTest::newRow(id) << QString::fromLatin1(id);
}

void TstPages::tablesAreGoodModels()
{
    QFETCH(const QString, page);
    Stage stage;
    Table *table = stage.table(page);
    const QAbstractItemModelTester tester(table->model(), QAbstractItemModelTester::FailureReportingMode::QtTest);
    const int columns = table->model()->columnCount();
    QVERIFY(columns > 5);
    for (int i = 0; i < columns; ++i)
        QVERIFY(!table->model()->headerData(i, Qt::Horizontal).toString().isEmpty());
    for (int i = 0; page != "audit"_L1 && i < columns; ++i) {
        table->sortByColumn(i, Qt::AscendingOrder);
        table->sortByColumn(i, Qt::DescendingOrder);
    }
    stage.server().answer("GET", u"/manage/"_s + page, 200, list({}));
    stage.page(page)->refresh();
    stage.chooseRow(table, 0);
    QCOMPARE(table->selectedRows(), QList<int>{0});
}

void TstPages::emptyPagesExplainThemselves_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("words");
    QTest::newRow("projects") << u"projects"_s << u"/manage/projects"_s << u"No projects yet"_s;
    QTest::newRow("tokens") << u"tokens"_s << u"/manage/tokens"_s << u"No tokens here"_s;
    QTest::newRow("audit") << u"audit"_s << u"/manage/audit"_s << u"No events"_s;
    QTest::newRow("live") << u"live"_s << u"/manage/overview"_s << u"No requests running"_s;
    QTest::newRow("usage") << u"usage"_s << u"/manage/usage"_s << u"Nothing was used"_s;
    QTest::newRow("overview") << u"overview"_s << u"/manage/doctor"_s << u"Nothing. All checks pass."_s;
}

void TstPages::emptyPagesExplainThemselves()
{
    QFETCH(const QString, page);
    QFETCH(const QString, path);
    QFETCH(const QString, words);
    Stage stage([&](FakeHost &host) {
        if (path != "/manage/overview"_L1)
            host.server->answer("GET", path, 200, list({}));
        if (page == "overview"_L1) // no token that ends soon either
            host.server->answer("GET", u"/manage/tokens"_s, 200, list({}));
    });
    Page *shown = stage.page(page);
    QTRY_VERIFY(says(shown, words));
}

void TstPages::aRefusalIsSaid_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<QString>("path");
    for (const char *id : {"projects", "tokens", "audit", "usage", "settings"})
        QTest::newRow(id) << QString::fromLatin1(id) << u"/manage/"_s + QString::fromLatin1(id);
    QTest::newRow("security") << u"security"_s << u"/manage/doctor"_s;
}

void TstPages::aRefusalIsSaid()
{
    QFETCH(const QString, page);
    QFETCH(const QString, path);
    Stage stage([&](FakeHost &host) { host.server->refuse("GET", path, 403, u"Not from this address."_s); });
    Page *shown = stage.page(page);
    QTRY_VERIFY(says(shown, u"Not from this address."_s));
}

void TstPages::aLostServerIsSaidAndComesBack()
{
    QFETCH(const QString, page);
    Stage stage;
    Table *table = stage.table(page);
    const int rows = table->model()->rowCount();
    stage.server().lose(u"the connection was refused"_s);
    stage.page(page)->refresh();
    stage.session.client().poll();
    QTRY_VERIFY(says(&stage.window, u"does not answer: the connection was refused"_s));
    QVERIFY(page == "audit"_L1 ? table->model()->rowCount() > 0 : table->model()->rowCount() == rows); // what was seen stays
    stage.server().comeBack();
    stage.server().forgetCalls();
    press(&stage.window, u"Try again"_s);
    QTRY_VERIFY(!says(&stage.window, u"does not answer"_s));
    QTRY_VERIFY(page == "audit"_L1 || !stage.server().calls("GET", u"/manage/"_s + page).isEmpty()); // and is read anew
}

void TstPages::anEngineThatDoesNotStartSaysWhy()
{
    Stage stage([](FakeHost &host) { host.startProblem = u"port 8080 is taken"_s; });
    QTRY_VERIFY(says(&stage.window, u"port 8080 is taken"_s));
    stage.host.startProblem.clear();
    press(stage.page(u"overview"_s), u"Start the engine"_s);
    QTRY_VERIFY(!stage.session.client().overview().isEmpty());
    QTRY_VERIFY(!says(&stage.window, u"port 8080 is taken"_s));
    press(stage.page(u"overview"_s), u"Stop the engine"_s);
    QTRY_COMPARE(stage.host.stops.load(), 1);
}

void TstPages::slowAnswersBlockNobody()
{
    Stage stage;
    stage.server().hold(u"/manage/tokens"_s);
    Page *tokens = stage.page(u"tokens"_s);
    QTRY_VERIFY(stage.server().waiting() > 0);
    QVERIFY(!says(tokens, u"No tokens here"_s)); // nothing is known yet
    QVERIFY(stage.table(u"projects"_s)->model()->rowCount() == 3);
    stage.server().letGo();
    QTRY_COMPARE(stage.table(u"tokens"_s)->model()->rowCount(), 5);
}

void TstPages::theOverviewNamesEveryAddress()
{
    Stage stage;
    Page *overview = stage.page(u"overview"_s);
    QTRY_VERIFY(says(overview, u"http://127.0.0.1:8080"_s));
    QVERIFY(!says(overview, u"listening on"_s));
    QJsonObject several = stage.session.client().overview();
    several.insert(u"listen"_s, u"127.0.0.1:8080,[::1]:8080"_s);
    stage.server().answer("GET", u"/manage/overview"_s, 200, several);
    stage.session.client().poll();
    QTRY_VERIFY(says(overview, u"listening on 127.0.0.1:8080, [::1]:8080"_s));
}

void TstPages::theOverviewLeadsToWhatNeedsAttention()
{
    Stage stage;
    Page *overview = stage.page(u"overview"_s);
    QTRY_VERIFY(says(overview, u"Process user: Seen: Process user."_s));
    QVERIFY(says(overview, u"1,200"_s));
    QTRY_COMPARE(stage.server().followers(), 1);
    stage.server().feed("alert", {{u"time"_s, QString()}, {u"rule"_s, u"revoked_token"_s}, {u"message"_s, u"A revoked token was used."_s}, {u"seq"_s, 990}});
    QTRY_VERIFY(says(overview, u"Alert: A revoked token was used."_s));
    press(overview, u"Show its event"_s);
    Page *audit = stage.page(u"audit"_s);
    QTRY_VERIFY(says(audit, u"Event 990 of the chain"_s));
    stage.page(u"overview"_s);
    press(overview, u"How to fix it"_s);
    QTRY_VERIFY(says(&stage.window, u"Fix: Do it."_s));
}

void TstPages::nothingOfTheServerBeforeStays()
{
    Stage stage([](FakeHost &host) {
        for (const QString &path : {u"/manage/projects"_s, u"/manage/tokens"_s, u"/manage/audit"_s})
            host.elsewhere->answer("GET", path, 200, list({}));
    });
    for (const QString &id : {u"projects"_s, u"tokens"_s, u"audit"_s})
        QVERIFY(stage.table(id)->model()->rowCount() > 0);
    Page *settings = stage.page(u"settings"_s);
    auto *groups = find<QListWidget>(settings, u"Groups of settings"_s);
    QTRY_VERIFY(!groups->findItems(u"Limits"_s, Qt::MatchExactly).isEmpty());
    groups->setCurrentItem(groups->findItems(u"Limits"_s, Qt::MatchExactly).first());
    type(settings, u"MAX_CONNECTIONS"_s, u"7"_s);
    Page *audit = stage.page(u"audit"_s); // in sight while the server changes
    stage.session.useRemote({u"Small server"_s, u"https://192.0.2.1"_s, {}, {}});
    QTRY_VERIFY(says(audit, u"No events"_s));
    for (const QString &id : {u"projects"_s, u"tokens"_s, u"audit"_s})
        QTRY_COMPARE(stage.page(id)->findChild<Table *>()->model()->rowCount(), 0);
    stage.page(u"settings"_s);
    QTRY_VERIFY(!find<QPushButton>(settings, u"Save"_s)->isEnabled());
    QVERIFY(stage.host.elsewhere->calls("PATCH").isEmpty());
    // Not what the server calls itself: that may be an address of its own machine.
    QTRY_VERIFY(says(stage.page(u"overview"_s), u"https://192.0.2.1"_s));
}

// The server is there and does not take the token: it is not asked over and over, and a person can give another.
void TstPages::aRefusalIsNotALoss()
{
    Stage stage([](FakeHost &host) { host.elsewhere->refuse("GET", u"/manage/overview"_s, 401, u"This management token is not valid."_s); });
    stage.session.useRemote({u"Small server"_s, u"https://192.0.2.1"_s, {}, {}});
    QTRY_VERIFY(says(&stage.window, u"Small server refuses this console: This management token is not valid."_s));
    stage.page(u"tokens"_s);
    QTRY_VERIFY(!stage.host.elsewhere->calls("GET", u"/manage/tokens"_s).isEmpty()); // answered, and still
    QVERIFY(says(&stage.window, u"refuses this console"_s));
    QCOMPARE(stage.host.elsewhere->calls("GET", u"/manage/overview"_s).size(), 1);
    press(&stage.window, u"Enter the token"_s);
    QTRY_VERIFY(dialog());
    QVERIFY(says(dialog(), u"Connect to a server"_s));
    press(dialog(), u"Cancel"_s);
}

void TstPages::manyChangesAreReadOnce()
{
    Stage stage;
    stage.table(u"tokens"_s);
    int changed = 0, answered = 0;
    QObject::connect(&stage.session.client(), &Client::changed, &stage.window, [&] { ++changed; });
    for (int i = 0; i < 200; ++i)
        stage.session.client().send("DELETE", u"/manage/tokens/tok-1"_s, {}, &stage.window, [&](const Reply &) { ++answered; });
    QTRY_COMPARE(answered, 200);
    const int early = changed;
    QTRY_VERIFY(changed > early || changed > 1); // the last one is told, too
    QVERIFY2(changed < 20, qPrintable(QString::number(changed)));
}

void TstPages::liveShowsWhatRunsAndEndsIt()
{
    Stage stage;
    Page *live = stage.page(u"live"_s);
    QTRY_COMPARE(stage.server().followers(), 1);
    stage.server().feed("requests", {{u"time"_s, QString()}, {u"running_count"_s, 2}, {u"running"_s, QJsonArray{sampleRequest(u"run-1"_s, u"streaming"_s), sampleRequest(u"run-2"_s, u"waiting"_s)}},
                                     {u"ended"_s, QJsonArray{sampleRequest(u"run-0"_s, u"ended"_s)}}});
    Table *table = stage.table(u"live"_s);
    QTRY_COMPARE(table->model()->rowCount(), 3);
    QVERIFY(says(live, u"2 request"_s));
    QTRY_VERIFY(Stage::rowOf(table, u"Search team"_s) >= 0); // not its id
    QVERIFY(Stage::rowOf(table, u"≈ 10"_s) >= 0); // 47 events in 4.7 s
    stage.chooseRow(table, Stage::rowOf(table, u"streaming"_s));
    press(live, u"End request"_s);
    QTRY_COMPARE(stage.server().calls("DELETE").size(), 1);
    QCOMPARE(stage.server().last("DELETE").path, u"/manage/requests/run-1"_s);
    const int ended = Stage::rowOf(table, u"streaming"_s);
    const QString tip = table->model()->index(ended, table->model()->columnCount() - 1).data(Qt::ToolTipRole).toString();
    QVERIFY2(tip.contains(u"ID: run-1"_s) && tip.contains(u"Request ID: client-run-1"_s), qPrintable(tip));
    QTRY_VERIFY(says(&stage.window, u"Ended."_s));
    stage.server().forgetCalls();
    press(live, u"End all of this token"_s);
    QTRY_COMPARE(stage.server().calls("DELETE").size(), 2);
    press(live, u"Pause"_s);
    stage.server().feed("requests", {{u"time"_s, QString()}, {u"running_count"_s, 0}, {u"running"_s, QJsonArray()}, {u"ended"_s, QJsonArray()}});
    press(live, u"Go on"_s);
    QTRY_VERIFY(Stage::rowOf(table, u"streaming"_s) < 0);
}

// What a console that is not on the server's machine may not change, it shows.
void TstPages::settingsSayWhatCannotBeChangedFromHere()
{
    Stage stage;
    Page *settings = stage.page(u"settings"_s);
    auto *groups = find<QListWidget>(settings, u"Groups of settings"_s);
    QTRY_VERIFY(!groups->findItems(u"Network"_s, Qt::MatchExactly).isEmpty());
    groups->setCurrentItem(groups->findItems(u"Network"_s, Qt::MatchExactly).first());
    QTRY_VERIFY(find<QLineEdit>(settings, u"TRUSTED_PROXIES"_s));
    auto *proxies = find<QLineEdit>(settings, u"TRUSTED_PROXIES"_s);
    QVERIFY(!proxies->isEnabled());
    QCOMPARE(proxies->text(), u"10.0.0.1"_s);
    QVERIFY(!find<QPushButton>(settings, u"Reset TRUSTED_PROXIES to its default"_s));
    QVERIFY(says(settings, u"Can only be changed on the server's machine itself."_s));
    QVERIFY(says(settings, u"Can only be lowered from here"_s));
    stage.server().refuse("PATCH", u"/manage/settings"_s, 403, u"It can only be lowered."_s, u"KEEPALIVE_TIMEOUT"_s);
    type(settings, u"KEEPALIVE_TIMEOUT"_s, u"80s"_s);
    QTRY_VERIFY(says(settings, u"It can only be lowered."_s));
}

void TstPages::usageIsGroupedAsAsked()
{
    Stage stage;
    Table *table = stage.table(u"usage"_s);
    QTRY_VERIFY(Stage::rowOf(table, u"Search team"_s) >= 0); // ids by their names
    auto *by = stage.page(u"usage"_s)->findChild<QComboBox *>();
    for (const char *wanted : {"token", "model", "provider"}) {
        by->setCurrentIndex(by->findData(QString::fromLatin1(wanted)));
        Q_EMIT by->activated(by->currentIndex());
        QTRY_VERIFY([&] {
            const QList<Call> calls = stage.server().calls("GET", u"/manage/usage"_s);
            return std::any_of(calls.begin(), calls.end(), [&](const Call &call) { return call.value(u"by"_s) == QLatin1String(wanted); });
        }());
    }
}

void TstPages::usageIsSavedAsCsv()
{
    const QTemporaryDir folder;
    const auto save = [](Stage &stage, const QString &path) {
        QTimer::singleShot(0, &stage.window, [path] {
            QTRY_VERIFY(qobject_cast<QFileDialog *>(dialog()));
            dialog()->findChild<QLineEdit *>()->setText(path);
            dialog()->accept();
        });
        press(stage.page(u"usage"_s), u"Save as CSV"_s);
    };
    Stage stage([](FakeHost &host) {
        QJsonObject projects = FakeServer().call({"GET", u"/manage/projects"_s, {}, {}}, {}).body;
        QJsonArray items = projects.value("items"_L1).toArray();
        QJsonObject first = items.first().toObject();
        first.insert(u"name"_s, u"=1+1, \"hi\""_s);
        items.replace(0, first);
        projects.insert(u"items"_s, items);
        host.server->answer("GET", u"/manage/projects"_s, 200, projects);
    });
    QTRY_VERIFY(Stage::rowOf(stage.table(u"usage"_s), u"=1+1, \"hi\""_s) >= 0);
    save(stage, folder.filePath(u"usage.csv"_s));
    QTRY_VERIFY(says(&stage.window, u"usage.csv written."_s));
    QFile file(folder.filePath(u"usage.csv"_s));
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QByteArray text = file.readAll();
    QVERIFY(text.startsWith("name,id,requests,errors,refused,prompt_tokens,completion_tokens,cached_tokens,cache_write_tokens,cache_write_1h_tokens,reasoning_tokens,"
                            "audio_input_tokens,audio_output_tokens,image_input_tokens,image_output_tokens,searches,seconds,pages,estimated\r\n"));
    QVERIFY2(text.contains("\r\n\"'=1+1, \"\"hi\"\"\",\""), text); // no formula a spreadsheet would run
    save(stage, u"/nowhere/at/all.csv"_s);
    QTRY_VERIFY(says(&stage.window, u"/nowhere/at/all.csv cannot be written"_s));
}

void TstPages::securitySaysWhatToDo()
{
    Stage stage;
    Page *security = stage.page(u"security"_s);
    QTRY_VERIFY(says(security, u"Fix: Do it."_s));
    QVERIFY(says(security, u"Audit chain"_s));
    find<QCheckBox>(security, u"Only open items"_s)->click();
    QTRY_VERIFY(!says(security, u"Audit chain"_s));
    QTRY_VERIFY(says(security, u"Process user"_s) && says(security, u"TLS"_s));
    press(security, u"Copy the fix of: Process user"_s);
    QTRY_COMPARE(QGuiApplication::clipboard()->text(), u"Do it."_s);
    stage.server().forgetCalls();
    press(security, u"Check again"_s);
    QTRY_COMPARE(stage.server().calls("GET", u"/manage/doctor"_s).size(), 1);
}

void TstPages::theAuditFilterOffersWhatTheLogHas()
{
    Stage stage;
    const QJsonObject project = FakeServer().call({"GET", u"/manage/projects"_s, {}, {}}, {}).body.value("items"_L1).toArray().first().toObject();
    const QString id = project.value("id"_L1).toString(), name = project.value("name"_L1).toString();
    stage.server().answer("GET", u"/manage/audit/facets"_s, 200, {{u"items"_s, QJsonArray{QJsonObject{{u"kind"_s, u"project_id"_s}, {u"value"_s, id}, {u"events"_s, 900}}}}});
    Page *audit = stage.page(u"audit"_s);
    stage.table(u"audit"_s);
    QMenu *menu = find<QPushButton>(audit, u"Filter"_s)->menu();
    menu->popup({});
    QMenu *projects = nullptr;
    for (QAction *one : menu->actions())
        projects = one->text() == "Project"_L1 ? one->menu() : projects;
    QVERIFY(projects);
    const QString offered = name + u" (900)"_s; // people know names, not ids
    QTRY_COMPARE(projects->actions().last()->text(), offered);
    projects->actions().last()->trigger();
    menu->close();
    QTRY_COMPARE(stage.server().last("GET", u"/manage/audit"_s).value(u"project_id"_s), id);
    press(audit, u"Remove the filter Project: "_s + name);
    QTRY_COMPARE(stage.server().last("GET", u"/manage/audit"_s).value(u"project_id"_s), QString());
}

void TstPages::theAuditLogIsNarrowedAndReviewed()
{
    Stage stage;
    Page *audit = stage.page(u"audit"_s);
    audit->open({{u"action"_s, u"token.*"_s}});
    QTRY_COMPARE(stage.server().last("GET", u"/manage/audit"_s).value(u"action"_s), u"token.*"_s);
    Table *table = stage.table(u"audit"_s);
    stage.chooseRow(table, 1);
    QTRY_VERIFY(says(audit, u"of the chain"_s));
    press(audit, u"Everything of this request"_s);
    QTRY_VERIFY(stage.server().last("GET", u"/manage/audit"_s).value(u"request_id"_s).startsWith(u"req-"_s));
    QTimer::singleShot(0, audit, [] {
        QTRY_VERIFY(dialog());
        QTest::keyClicks(dialog()->findChild<QLineEdit *>(), u"Looked at it"_s);
        dialog()->accept();
    });
    press(audit, u"Mark as reviewed"_s);
    QTRY_COMPARE(stage.server().last("POST", u"/manage/audit/review"_s).body.value("note"_L1).toString(), u"Looked at it"_s);
}

REGISTER_TEST(TstPages)
#include "tst_pages.moc"
