// SPDX-License-Identifier: GPL-3.0-only
// Dialogs that are not about one row: verify, export, settings, other servers, the first run, the palette, ending the program.
#include "pages/settings/server_menu.h"
#include "shell/command_palette.h"
#include "shell/first_run.h"
#include "stage.h"
#include "test_registry.h"

#include <QCheckBox>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QSemaphore>
#include <QTemporaryDir>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

class TstDialogs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aGoodLogIsSaidToBeGood();
    void aVerificationSaysHowFarItIs();
    void aBrokenLogLeadsToItsEvent();
    void anExportIsWrittenWithItsProof();
    void aStoppedExportLeavesNothing();
    void aFileThatCannotBeWrittenIsSaid();
    void settingsAreJudgedSavedAndReset();
    void aServerNeedsHttpsAndAToken();
    void anUnknownKeyIsTrustedOrNot();
    void aChangedKeyIsAQuestion();
    void thePinBelongsToTheAddress_data();
    void thePinBelongsToTheAddress();
    void aCertificateCannotSayWhatIsOurs();
    void aTokenThatIsRefusedIsSaid();
    void theFirstRunLeadsToAToken();
    void theFirstRunKeepsARefusedKey();
    void theFirstRunTriesTheDemo();
    void thePaletteFindsAndActs();
};

namespace {

QDialog *opened(Stage &stage, const QString &page, const QString &button)
{
    stage.table(page);
    press(stage.page(page), button);
    [] { QTRY_VERIFY(dialog()); }();
    return dialog();
}

ServerIdentity selfSigned(const QString &pin)
{
    return {true, false, pin, u"CN=small"_s, u"CN=small"_s, u"2027-01-01"_s, u"it signed itself"_s};
}

ConnectDialog *connecting(Stage &stage, const RemoteServer &known = {}, const QString &address = u"https://small.example:8443"_s)
{
    auto *form = new ConnectDialog(stage.host, known, &stage.window);
    form->open();
    type(form, u"Address"_s, address);
    type(form, u"Management token"_s, u"management-token-of-nobody"_s);
    return form;
}

} // namespace

void TstDialogs::aGoodLogIsSaidToBeGood()
{
    Stage stage;
    stage.server().hold(u"/manage/audit/verify"_s);
    QDialog *shown = opened(stage, u"audit"_s, u"Verify"_s);
    QVERIFY(says(shown, u"Reading every event"_s));
    stage.server().letGo();
    QTRY_VERIFY(says(shown, u"The log is intact"_s));
    QTRY_VERIFY(says(shown, u"signed up to 990"_s));
    press(shown, u"Close"_s);
    QTRY_VERIFY(!dialog());
}

void TstDialogs::aVerificationSaysHowFarItIs()
{
    Stage stage;
    FakeServer fresh;
    QSemaphore done;
    stage.server().answer("POST", u"/manage/audit/verify"_s, [&](const Call &call) {
        done.acquire();
        return fresh.call(call, {});
    });
    QDialog *shown = opened(stage, u"audit"_s, u"Verify"_s);
    QTRY_VERIFY(says(shown, u"250 of 1,000 events"_s));
    QCOMPARE(find<QProgressBar>(shown, u"Progress"_s)->value(), 250);
    done.release();
    QTRY_VERIFY(says(shown, u"The log is intact"_s));
    press(shown, u"Close"_s);
    QTRY_VERIFY(!dialog());
}

void TstDialogs::aBrokenLogLeadsToItsEvent()
{
    Stage stage;
    const QJsonObject problem{{u"seq"_s, 700}, {u"kind"_s, u"changed"_s}, {u"message"_s, u"its hash is not that of its line"_s}};
    const QJsonObject part{{u"events"_s, 1'000}, {u"first_seq"_s, 1}, {u"last_seq"_s, 1'000}, {u"last_hash"_s, u"ab"_s}, {u"checkpoints"_s, 2}, {u"signed_to_seq"_s, 990}, {u"problem_count"_s, 1}, {u"problems"_s, QJsonArray{problem}}};
    stage.server().answer("POST", u"/manage/audit/verify"_s, 200, {{u"valid"_s, false}, {u"first_bad_seq"_s, 700}, {u"problem"_s, u"event 700 was changed"_s}, {u"file"_s, part}, {u"table"_s, QJsonValue()}, {u"duration_ms"_s, 9}});
    QDialog *shown = opened(stage, u"audit"_s, u"Verify"_s);
    QTRY_VERIFY(says(shown, u"The log was changed or is incomplete: event 700 was changed"_s));
    press(shown, u"Event 700: its hash is not that of its line"_s);
    QTRY_VERIFY(says(stage.page(u"audit"_s), u"Event 700 of the chain"_s));
}

void TstDialogs::anExportIsWrittenWithItsProof()
{
    Stage stage;
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"out.jsonl"_s);
    stage.server().setExport({"{\"seq\":1}\n{\"seq\"", ":2}\n", "{\"proof\":true}\n"});
    QDialog *form = opened(stage, u"audit"_s, u"Export"_s);
    type(form, u"File"_s, path);
    press(form, u"Export"_s);
    QTRY_VERIFY(!dialog());
    QFile file(path), proof(path + u".proof"_s);
    QVERIFY(file.open(QIODevice::ReadOnly) && proof.open(QIODevice::ReadOnly));
    QCOMPARE(file.readAll(), QByteArray("{\"seq\":1}\n{\"seq\":2}\n"));
    QCOMPARE(proof.readAll(), QByteArray("{\"proof\":true}\n"));
    QCOMPARE(file.permissions() & (QFile::ReadGroup | QFile::ReadOther), QFile::Permissions());
    QCOMPARE(stage.server().last("GET", u"/manage/audit/export"_s).value(u"format"_s), u"jsonl"_s);
}

void TstDialogs::aStoppedExportLeavesNothing()
{
    Stage stage;
    const QTemporaryDir folder;
    stage.server().setExport({"{\"seq\":1}\n", "{\"proof\":true}\n"});
    stage.server().hold(u"/manage/audit/export"_s);
    QDialog *form = opened(stage, u"audit"_s, u"Export"_s);
    type(form, u"File"_s, folder.filePath(u"out.jsonl"_s));
    press(form, u"Export"_s);
    QTRY_VERIFY(find<QPushButton>(form, u"Stop"_s) && stage.server().waiting() > 0);
    press(form, u"Stop"_s);
    QTRY_VERIFY(says(form, u"Stopped; no file was written."_s));
    QVERIFY(QDir(folder.path()).isEmpty());
    press(form, u"Cancel"_s);
}

void TstDialogs::aFileThatCannotBeWrittenIsSaid()
{
    Stage stage;
    stage.server().setExport({"{\"seq\":1}\n", "{}\n"});
    QDialog *form = opened(stage, u"audit"_s, u"Export"_s);
    type(form, u"File"_s, u"/nowhere/at/all.jsonl"_s);
    press(form, u"Export"_s);
    QTRY_VERIFY(says(form, u"/nowhere/at/all.jsonl cannot be written"_s));
    QCOMPARE(find<QLineEdit>(form, u"File"_s)->text(), u"/nowhere/at/all.jsonl"_s);
    press(form, u"Cancel"_s);
}

void TstDialogs::settingsAreJudgedSavedAndReset()
{
    Stage stage;
    Page *page = stage.page(u"settings"_s);
    QTRY_VERIFY(page->findChild<QListWidget *>()->count() > 2);
    page->open({{u"group"_s, u"Limits"_s}});
    QTRY_VERIFY(find<QLineEdit>(page, u"MAX_CONNECTIONS"_s));
    stage.server().answer("PATCH", u"/manage/settings"_s, 200, {{u"items"_s, QJsonArray()}, {u"restart_needed"_s, false},
                                                                {u"problems"_s, QJsonArray{QJsonObject{{u"name"_s, u"MAX_CONNECTIONS"_s}, {u"problem"_s, u"'many' is not a number."_s}}}}});
    type(page, u"MAX_CONNECTIONS"_s, u"many"_s);
    QTRY_VERIFY(says(page, u"'many' is not a number."_s));
    QVERIFY(stage.server().last("PATCH").body.value("check_only"_L1).toBool());
    QVERIFY(!Stage::action(page, u"Save"_s)->isEnabled());
    press(page, u"Discard changes"_s);
    QCOMPARE(find<QLineEdit>(page, u"MAX_CONNECTIONS"_s)->text(), QString());
    FakeServer fresh;
    stage.server().answer("PATCH", u"/manage/settings"_s, [&fresh](const Call &call) { return fresh.call(call, QJsonDocument(call.body).toJson()); });
    QJsonObject waiting = fresh.call({"GET", u"/manage/settings"_s, {}, {}}, {}).body;
    waiting.insert(u"restart_needed"_s, true);
    stage.server().answer("GET", u"/manage/settings"_s, 200, waiting);
    press(page, u"Reset MAX_HEADER_COUNT to its default"_s);
    QTRY_VERIFY(Stage::action(page, u"Save"_s)->isEnabled());
    press(page, u"Save"_s);
    const QJsonObject expected{{u"changes"_s, QJsonArray{QJsonObject{{u"name"_s, u"MAX_HEADER_COUNT"_s}, {u"value"_s, QJsonValue()}}}}};
    QTRY_COMPARE(stage.server().last("PATCH").body, expected);
    QTRY_VERIFY(says(page, u"take effect when the engine is restarted"_s));
    page->open({{u"group"_s, u"Storage"_s}});
    QTRY_VERIFY(find<QLineEdit>(page, u"DATA_DIR"_s));
    QVERIFY(!find<QLineEdit>(page, u"DATA_DIR"_s)->isEnabled());
}

void TstDialogs::aServerNeedsHttpsAndAToken()
{
    Stage stage;
    auto *form = new ConnectDialog(stage.host, {}, &stage.window);
    form->open();
    type(form, u"Address"_s, u"http://small.example"_s);
    press(form, u"Connect"_s);
    QVERIFY(says(form, u"never sent unencrypted"_s));
    type(form, u"Address"_s, u"https://small.example"_s);
    press(form, u"Connect"_s);
    QVERIFY(says(form, u"Enter the server's MANAGEMENT_TOKEN"_s));
    stage.host.identity = {false, false, {}, {}, {}, {}, u"no route to host"_s};
    type(form, u"Management token"_s, u"management-token-of-nobody"_s);
    press(form, u"Connect"_s);
    QTRY_VERIFY(says(form, u"No server answers at this address: no route to host"_s));
    QVERIFY(stage.host.elsewhere->calls("GET").isEmpty());
    press(form, u"Cancel"_s);
}

void TstDialogs::anUnknownKeyIsTrustedOrNot()
{
    Stage stage;
    stage.host.identity = selfSigned(u"sha256//AAAA"_s);
    auto *form = connecting(stage);
    QSignalSpy chosen(form, &ConnectDialog::chosen);
    {
        const Answering no(u"Cancel"_s);
        press(form, u"Connect"_s);
        QTRY_VERIFY(no.isAsked());
        QVERIFY(no.question().contains(u"sha256//AAAA"_s));
    }
    QVERIFY(stage.host.elsewhere->calls("GET").isEmpty()); // nothing secret was sent
    const Answering yes(u"Trust this key"_s);
    press(form, u"Connect"_s);
    QTRY_COMPARE(chosen.size(), 1);
    QCOMPARE(stage.host.lastRemote().pin, u"sha256//AAAA"_s);
    QVERIFY(!stage.host.elsewhere->calls("GET", u"/manage/overview"_s).isEmpty());
}

void TstDialogs::aChangedKeyIsAQuestion()
{
    Stage stage;
    stage.host.identity = selfSigned(u"sha256//BBBB"_s);
    auto *form = connecting(stage, {u"Small"_s, u"https://small.example:8443"_s, u"sha256//AAAA"_s, {}});
    const Answering no(u"Cancel"_s);
    press(form, u"Connect"_s);
    QTRY_VERIFY(no.isAsked());
    QVERIFY(no.question().contains(u"The server's key has changed"_s) || no.question().contains(u"somebody stands between"_s));
    QVERIFY(stage.host.elsewhere->calls("GET").isEmpty());
    QVERIFY(form->isVisible());
    press(form, u"Cancel"_s);
}

// Typed again, in another spelling, and also where a certificate authority vouches for whoever answers now.
void TstDialogs::thePinBelongsToTheAddress_data()
{
    QTest::addColumn<bool>("isTrusted");
    QTest::addColumn<QString>("typed");
    QTest::newRow("self-signed") << false << u"https://small.example"_s;
    QTest::newRow("trusted") << true << u"https://small.example"_s;
    QTest::newRow("capitals and port") << true << u"https://SMALL.example:443/"_s;
    QTest::newRow("dot") << false << u"https://small.example."_s;
}

void TstDialogs::thePinBelongsToTheAddress()
{
    QFETCH(const bool, isTrusted);
    QFETCH(const QString, typed);
    rememberServer({u"Small"_s, u"https://small.example"_s, u"sha256//AAAA"_s, {}});
    Stage stage;
    stage.host.identity = selfSigned(u"sha256//BBBB"_s);
    stage.host.identity.isTrusted = isTrusted;
    auto *form = connecting(stage, {}, typed);
    {
        const Answering no(u"Cancel"_s);
        press(form, u"Connect"_s);
        QTRY_VERIFY(no.isAsked());
        QVERIFY(no.question().contains(u"The server's key has changed"_s));
    }
    QVERIFY(stage.host.elsewhere->calls("GET").isEmpty());
    QCOMPARE(rememberedPin(typed), u"sha256//AAAA"_s);
    QSignalSpy chosen(form, &ConnectDialog::chosen);
    stage.host.identity.pin = u"sha256//AAAA"_s;
    press(form, u"Connect"_s);
    QTRY_COMPARE(chosen.size(), 1);
    rememberServer(chosen.first().first().value<RemoteServer>());
    QCOMPARE(rememberedPin(typed), u"sha256//AAAA"_s);
    QCOMPARE(rememberedServers().size(), 1);
}

// What a certificate says of itself stays on its line.
void TstDialogs::aCertificateCannotSayWhatIsOurs()
{
    Stage stage;
    stage.host.identity = selfSigned(u"sha256//BBBB"_s);
    stage.host.identity.subject = u"CN = small\nKey: sha256//AAAA\n\u202egpj"_s;
    auto *form = connecting(stage);
    const Answering no(u"Cancel"_s);
    press(form, u"Connect"_s);
    QTRY_VERIFY(no.isAsked());
    QVERIFY(no.question().contains(u"For: CN = small⟨U+000A⟩Key: sha256//AAAA⟨U+000A⟩⟨U+202E⟩gpj"_s));
    press(form, u"Cancel"_s);
}

void TstDialogs::aTokenThatIsRefusedIsSaid()
{
    Stage stage;
    stage.host.identity = {true, true, u"sha256//AAAA"_s, {}, {}, {}, {}};
    stage.host.elsewhere->refuse("GET", u"/manage/overview"_s, 401, u"This management token is not valid."_s);
    auto *form = connecting(stage);
    press(form, u"Connect"_s);
    QTRY_VERIFY(says(form, u"This management token is not valid."_s));
    QVERIFY(stage.host.lastRemote().pin.isEmpty()); // its certificate is trusted by itself
    press(form, u"Cancel"_s);
}

void TstDialogs::theFirstRunLeadsToAToken()
{
    Stage stage([](FakeHost &host) {
        QJsonObject overview = sampleOverview();
        overview.insert(u"projects"_s, 0);
        host.server->answer("GET", u"/manage/overview"_s, 200, overview);
    });
    QTRY_VERIFY(qobject_cast<FirstRun *>(dialog())); // nobody has set it up: it comes by itself
    QDialog *shown = dialog();
    QVERIFY(says(shown, u"/srv/llm-proxy/data"_s));
    press(shown, u"Next"_s);
    type(shown, u"Key"_s, u"sk-of-nobody"_s);
    press(shown, u"Check and continue"_s);
    QTRY_VERIFY(find<QLineEdit>(shown, u"Access token"_s));
    QCOMPARE(find<QLineEdit>(shown, u"Access token"_s)->text(), sampleSecret());
    QCOMPARE(stage.server().last("POST", u"/manage/projects"_s).body.value("api_key"_L1).toString(), u"sk-of-nobody"_s);
    QCOMPARE(stage.server().last("POST", u"/manage/tokens"_s).body.value("project_id"_L1).toString(), u"proj-1"_s);
    {
        const Answering no(u"Cancel"_s);
        press(shown, u"Done"_s);
        QVERIFY(no.isAsked()); // not copied yet
    }
    press(shown, u"Copy token"_s);
    press(shown, u"Done"_s);
    QTRY_VERIFY(!dialog());
}

void TstDialogs::theFirstRunKeepsARefusedKey()
{
    Stage stage;
    auto *shown = new FirstRun(stage.window.console(), &stage.window);
    shown->open();
    stage.server().answer("POST", u"/manage/providers/check"_s, 200, {{u"ok"_s, false}, {u"reason"_s, u"key_refused"_s}, {u"status"_s, 401}, {u"message"_s, u"The provider refuses the key."_s}, {u"models"_s, QJsonArray()}, {u"duration_ms"_s, 9}});
    press(shown, u"Next"_s);
    type(shown, u"Key"_s, u"sk-of-nobody"_s);
    press(shown, u"Check and continue"_s);
    QTRY_VERIFY(says(shown, u"The provider refuses the key."_s));
    QCOMPARE(find<QLineEdit>(shown, u"Key"_s)->text(), u"sk-of-nobody"_s);
    QVERIFY(stage.server().calls("POST", u"/manage/projects"_s).isEmpty());
    // A token that is refused does not make a second project at the next try.
    FakeServer fresh;
    stage.server().answer("POST", u"/manage/providers/check"_s, [&fresh](const Call &call) { return fresh.call(call, QJsonDocument(call.body).toJson()); });
    stage.server().refuse("POST", u"/manage/tokens"_s, 503, u"The log cannot be written."_s);
    press(shown, u"Check and continue"_s);
    QTRY_VERIFY(says(shown, u"The log cannot be written."_s));
    stage.server().answer("POST", u"/manage/tokens"_s, [&fresh](const Call &call) { return fresh.call(call, QJsonDocument(call.body).toJson()); });
    press(shown, u"Check and continue"_s);
    QTRY_VERIFY(find<QLineEdit>(shown, u"Access token"_s));
    QCOMPARE(stage.server().calls("POST", u"/manage/projects"_s).size(), 1);
    press(shown, u"Copy token"_s);
    press(shown, u"Done"_s);
}

void TstDialogs::theFirstRunTriesTheDemo()
{
    Stage stage;
    auto *shown = new FirstRun(stage.window.console(), &stage.window);
    shown->open();
    press(shown, u"Try it with the demo provider"_s);
    QTRY_VERIFY(find<QLineEdit>(shown, u"Access token"_s));
    QCOMPARE(stage.server().last("POST", u"/manage/projects"_s).body.value("provider"_L1).toString(), u"demo"_s);
    press(shown, u"Copy token"_s);
    press(shown, u"Done"_s);
    QTRY_VERIFY(!dialog());
}

void TstDialogs::thePaletteFindsAndActs()
{
    Stage stage;
    auto *palette = new CommandPalette(stage.window);
    palette->open();
    auto *edit = palette->findChild<QLineEdit *>();
    auto *found = palette->findChild<QListWidget *>();
    QVERIFY(found->count() > 12);
    QTest::keyClicks(edit, u"search"_s);
    QTRY_VERIFY(!found->findItems(u"Search team"_s, Qt::MatchExactly).isEmpty()); // from the server
    edit->clear();
    QTest::keyClicks(edit, u"nothing is called that"_s);
    QTRY_VERIFY(found->findItems(u"Overview"_s, Qt::MatchStartsWith).isEmpty());
    edit->clear();
    QTest::keyClicks(edit, u"secur"_s);
    QTRY_COMPARE(found->item(0)->text(), u"Security"_s);
    QTest::keyClick(edit, Qt::Key_Return);
    QTRY_VERIFY(!dialog());
    QTRY_VERIFY(says(&stage.window, u"This installation against the checklist"_s));
}

REGISTER_TEST(TstDialogs)
#include "tst_dialogs.moc"
