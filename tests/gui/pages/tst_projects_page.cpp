// SPDX-License-Identifier: GPL-3.0-only
// What is asked of the server when somebody makes, changes, rotates, stops and deletes projects; keys are sent and kept nowhere.
#include "dialogs/secret_field.h"
#include "stage.h"
#include "test_registry.h"

#include <QComboBox>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

QString key()
{
    return u"sk-test-"_s + QString(32, u'K');
}

void choose(Stage &stage, const QString &name)
{
    Table *table = stage.table(u"projects"_s);
    stage.chooseRow(table, Stage::rowOf(table, name));
}

QDialog *opened(Stage &stage, const QString &button)
{
    press(stage.page(u"projects"_s), button);
    [] { QTRY_VERIFY(dialog()); }();
    return dialog();
}

} // namespace

class TstProjectsPage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aProjectIsMade();
    void aKeyIsTriedFirst();
    void anAddressThatACheckFoundIsTaken();
    void theVersionOfAnotherAddressIsSentWithIt();
    void aShortenedBaseUrlIsSaid();
    void aKeyThatIsNotGivenStays();
    void aKeyIsRotated();
    void deactivatingSaysWhatItStops();
    void deletingIsAskedOnce();
    void aRefusalLosesNothing();
    void anotherBaseUrlAsksForTheKey();
    void theOverviewLeadsToTheKeyThatIsMissing();
    void aKeyThatIsOnItsWayIsSaid();
    void theOverviewLeadsToTheOldestKey();
    void aPastedKeyIsNotUndoneIntoSight();
};

void TstProjectsPage::aProjectIsMade()
{
    Stage stage;
    stage.table(u"projects"_s);
    QDialog *form = opened(stage, u"New project"_s);
    press(form, u"Create project"_s);
    QVERIFY(says(form, u"A project needs a name."_s));
    QVERIFY(stage.server().calls("POST").isEmpty());
    type(form, u"Name"_s, u"Agents"_s);
    type(form, u"Key"_s, key());
    press(form, u"Create project"_s);
    QTRY_COMPARE(stage.server().calls("POST", u"/manage/projects"_s).size(), 1);
    const QJsonObject expected{{u"name"_s, u"Agents"_s}, {u"environment"_s, u"development"_s}, {u"allowed_models"_s, QJsonArray()}, {u"provider"_s, u"openai"_s}, {u"api_key"_s, key()}};
    QCOMPARE(stage.server().last("POST", u"/manage/projects"_s).body, expected);
    QTRY_VERIFY(!dialog());
    QTRY_VERIFY(find<QPushButton>(&stage.window, u"Create a token for it"_s));
}

void TstProjectsPage::aKeyIsTriedFirst()
{
    Stage stage;
    stage.table(u"projects"_s);
    QDialog *form = opened(stage, u"New project"_s);
    type(form, u"Key"_s, key());
    type(form, u"Base URL"_s, u"https://models.example"_s);
    press(form, u"Check key"_s);
    QTRY_VERIFY(says(form, u"The provider takes the key."_s));
    QCOMPARE(stage.server().last("POST", u"/manage/providers/check"_s).body, (QJsonObject{{u"provider"_s, u"openai"_s}, {u"api_key"_s, key()}, {u"base_url"_s, u"https://models.example"_s}}));
    stage.server().answer("POST", u"/manage/providers/check"_s, 200, {{u"ok"_s, false}, {u"reason"_s, u"key_refused"_s}, {u"status"_s, 401}, {u"message"_s, u"The provider refuses the key."_s}, {u"models"_s, QJsonArray()}, {u"duration_ms"_s, 9}});
    press(form, u"Check key"_s);
    QTRY_VERIFY(says(form, u"The provider refuses the key."_s));
    QVERIFY(stage.server().calls("POST", u"/manage/projects"_s).isEmpty());
    press(form, u"Cancel"_s);
}

void TstProjectsPage::anAddressThatACheckFoundIsTaken()
{
    Stage stage;
    stage.table(u"projects"_s);
    QDialog *form = opened(stage, u"New project"_s);
    type(form, u"Name"_s, u"Agents"_s);
    type(form, u"Key"_s, key());
    type(form, u"Base URL"_s, u"https://models.example/chat"_s);
    QVERIFY(!find<QPushButton>(form, u"Use this address"_s));
    const QJsonObject found{{u"base_url"_s, u"https://models.example/inference"_s}, {u"version_segment"_s, false}};
    stage.server().answer("POST", u"/manage/providers/check"_s, 200, {{u"ok"_s, false}, {u"reason"_s, u"unexpected_answer"_s}, {u"status"_s, 400}, {u"message"_s, u"The API is at another address."_s}, {u"models"_s, QJsonArray()}, {u"duration_ms"_s, 9}, {u"proposal"_s, found}});
    press(form, u"Check key"_s);
    QTRY_VERIFY(find<QPushButton>(form, u"Use this address"_s));
    stage.server().answer("POST", u"/manage/providers/check"_s, 200, {{u"ok"_s, true}, {u"reason"_s, u"ok"_s}, {u"status"_s, 400}, {u"message"_s, u"The provider takes the key."_s}, {u"models"_s, QJsonArray()}, {u"duration_ms"_s, 9}});
    press(form, u"Use this address"_s); // checks it, too
    QTRY_VERIFY(says(form, u"The provider takes the key."_s));
    QVERIFY(!find<QPushButton>(form, u"Use this address"_s));
    const QJsonObject asked = stage.server().last("POST", u"/manage/providers/check"_s).body;
    press(form, u"Create project"_s);
    QTRY_COMPARE(stage.server().calls("POST", u"/manage/projects"_s).size(), 1);
    for (const QJsonObject &body : {asked, stage.server().last("POST", u"/manage/projects"_s).body}) {
        QCOMPARE(body.value("base_url"_L1), found.value("base_url"_L1));
        QCOMPARE(body.value("version_segment"_L1), found.value("version_segment"_L1));
    }
}

void TstProjectsPage::theVersionOfAnotherAddressIsSentWithIt()
{
    Stage stage;
    QJsonObject project = sampleProject(u"proj-1"_s, u"Search team"_s, true);
    project.insert(u"base_url"_s, u"https://old.example/x"_s);
    project.insert(u"version_segment"_s, false);
    stage.server().answer("GET", u"/manage/projects"_s, 200, list({project}));
    choose(stage, u"Search team"_s);
    QDialog *form = opened(stage, u"Edit"_s);
    auto *version = find<QComboBox>(form, u"Version in paths"_s);
    QVERIFY(version);
    QCOMPARE(version->currentText(), u"Without /v1"_s);
    type(form, u"Base URL"_s, u"https://new.example/x"_s);
    press(form, u"Save"_s);
    QTRY_COMPARE(stage.server().calls("PATCH").size(), 1);
    QCOMPARE(stage.server().last("PATCH").body.value("version_segment"_L1), QJsonValue(false));
}

void TstProjectsPage::aShortenedBaseUrlIsSaid()
{
    Stage stage;
    choose(stage, u"Search team"_s);
    QJsonObject saved = sampleProject(u"proj-1"_s, u"Search team"_s, true);
    saved.insert(u"base_url"_s, u"https://models.example/v1"_s);
    saved.insert(u"notes"_s, QJsonArray{u"'base_url' was shortened."_s});
    stage.server().answer("PATCH", u"/manage/projects/proj-1"_s, 200, saved);
    QDialog *form = opened(stage, u"Edit"_s);
    type(form, u"Base URL"_s, u"https://models.example/v1/chat/completions"_s);
    press(form, u"Save"_s);
    QTRY_VERIFY(says(&stage.window, u"The base URL was shortened to https://models.example/v1."_s));
}

void TstProjectsPage::aKeyThatIsNotGivenStays()
{
    Stage stage;
    choose(stage, u"Search team"_s);
    QDialog *form = opened(stage, u"Edit"_s);
    type(form, u"Name"_s, u"Search"_s);
    press(form, u"Save"_s);
    QTRY_COMPARE(stage.server().calls("PATCH").size(), 1);
    QCOMPARE(stage.server().last("PATCH").path, u"/manage/projects/proj-1"_s);
    QVERIFY(!stage.server().last("PATCH").body.contains(u"api_key"_s));
    QCOMPARE(stage.server().last("PATCH").body.value("name"_L1).toString(), u"Search"_s);
}

void TstProjectsPage::aKeyIsRotated()
{
    Stage stage;
    choose(stage, u"Search team"_s);
    QDialog *form = opened(stage, u"Rotate key"_s);
    press(form, u"Rotate key"_s);
    QVERIFY(says(form, u"Paste the new key, or name where it is kept."_s));
    auto *kind = find<QComboBox>(form, u"How the key is given"_s);
    QVERIFY(kind);
    kind->setCurrentIndex(1);
    auto *edit = form->findChild<QLineEdit *>();
    QTest::keyClicks(edit, u"OPENAI_KEY"_s);
    press(form, u"Rotate key"_s);
    QTRY_COMPARE(stage.server().last("POST").path, u"/manage/projects/proj-1/rotate-key"_s);
    QCOMPARE(stage.server().last("POST").body, (QJsonObject{{u"api_key"_s, u"env:OPENAI_KEY"_s}, {u"provider"_s, u"openai"_s}}));
    QTRY_VERIFY(says(&stage.window, u"Search team uses its new key."_s));
}

void TstProjectsPage::deactivatingSaysWhatItStops()
{
    Stage stage;
    choose(stage, u"Search team"_s);
    {
        const Answering no(u"Cancel"_s);
        press(stage.page(u"projects"_s), u"Deactivate"_s);
        QTRY_VERIFY(no.isAsked());
        QVERIFY2(no.question().contains(u"5 live token"_s), qPrintable(no.question()));
        QVERIFY(no.question().contains(u"running streams are cut"_s));
    }
    QVERIFY(stage.server().calls("PATCH").isEmpty());
    const Answering yes(u"Deactivate"_s);
    press(stage.page(u"projects"_s), u"Deactivate"_s);
    QTRY_COMPARE(stage.server().last("PATCH").body, (QJsonObject{{u"is_active"_s, false}}));
    QTRY_VERIFY(find<QPushButton>(&stage.window, u"Undo"_s));
    press(&stage.window, u"Undo"_s);
    QTRY_COMPARE(stage.server().last("PATCH").body, (QJsonObject{{u"is_active"_s, true}}));
}

void TstProjectsPage::deletingIsAskedOnce()
{
    Stage stage;
    choose(stage, u"Search team"_s);
    QVERIFY(!find<QPushButton>(stage.page(u"projects"_s), u"Delete"_s)->isEnabled()); // an active one
    choose(stage, u"Old"_s);
    QCOMPARE(find<QPushButton>(stage.page(u"projects"_s), u"Activate"_s) != nullptr, true);
    {
        const Answering no(u"Cancel"_s);
        press(stage.page(u"projects"_s), u"Delete"_s);
        QVERIFY(no.isAsked());
    }
    QVERIFY(stage.server().calls("DELETE").isEmpty());
    stage.server().refuse("DELETE", u"/manage/projects/{id}"_s, 409, u"It still has live tokens."_s);
    const Answering yes(u"Delete"_s);
    press(stage.page(u"projects"_s), u"Delete"_s);
    QTRY_COMPARE(stage.server().last("DELETE").path, u"/manage/projects/proj-3"_s);
    QTRY_VERIFY(says(&stage.window, u"It still has live tokens."_s));
}

void TstProjectsPage::aRefusalLosesNothing()
{
    Stage stage;
    stage.table(u"projects"_s);
    stage.server().refuse("POST", u"/manage/projects"_s, 400, u"The address is not one of https."_s, u"providers[0].base_url"_s);
    QDialog *form = opened(stage, u"New project"_s);
    type(form, u"Name"_s, u"Agents"_s);
    type(form, u"Key"_s, key());
    type(form, u"Base URL"_s, u"ftp://x"_s);
    press(form, u"Create project"_s);
    QTRY_VERIFY(says(form, u"not one of https"_s));
    QVERIFY(find<QLineEdit>(form, u"Base URL"_s)->property("wrong").toBool());
    QCOMPARE(find<QLineEdit>(form, u"Key"_s)->text(), key());
    QCOMPARE(find<QLineEdit>(form, u"Key"_s)->echoMode(), QLineEdit::Password);
    press(form, u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

// The stored key does not follow: it is asked for at its field, and the rest stays as it was typed.
void TstProjectsPage::anotherBaseUrlAsksForTheKey()
{
    Stage stage;
    choose(stage, u"Search team"_s);
    stage.server().refuse("PATCH", u"/manage/projects/{id}"_s, 400, u"The stored key was given for another address. Give 'api_key' again."_s, u"api_key"_s);
    QDialog *form = opened(stage, u"Edit"_s);
    type(form, u"Base URL"_s, u"https://other.example"_s);
    press(form, u"Save"_s);
    QTRY_VERIFY(says(form, u"Give 'api_key' again."_s));
    QVERIFY(form->findChild<SecretField *>()->property("wrong").toBool());
    stage.server().answer("PATCH", u"/manage/projects/{id}"_s, 200, sampleProject(u"proj-1"_s, u"Search team"_s));
    type(form, u"Key"_s, key());
    press(form, u"Save"_s);
    QTRY_COMPARE(stage.server().last("PATCH").body.value("api_key"_L1).toString(), key());
    QCOMPARE(stage.server().last("PATCH").body.value("base_url"_L1).toString(), u"https://other.example"_s);
    QTRY_VERIFY(!dialog());
}

// Nobody has looked at the page yet: its list is only on its way.
void TstProjectsPage::theOverviewLeadsToTheKeyThatIsMissing()
{
    QJsonObject key{{u"provider"_s, u"openai"_s}, {u"key_state"_s, u"unusable"_s}, {u"needs_key"_s, true}};
    QJsonObject broken = sampleProject(u"proj-9"_s, u"Broken"_s, true);
    broken.insert(u"providers"_s, QJsonArray{key});
    Stage stage([&](FakeHost &host) { host.server->answer("GET", u"/manage/projects"_s, 200, list({sampleProject(u"proj-1"_s, u"Search team"_s, true), broken})); });
    Page *overview = stage.page(u"overview"_s);
    QTRY_VERIFY(find<QPushButton>(overview, u"Enter the key"_s));
    press(overview, u"Enter the key"_s);
    QTRY_VERIFY(dialog());
    QVERIFY(says(dialog(), u"Broken"_s));
    press(dialog(), u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

void TstProjectsPage::aKeyThatIsOnItsWayIsSaid()
{
    const QJsonObject key{{u"provider"_s, u"openai"_s}, {u"key_state"_s, u"pending"_s}, {u"needs_key"_s, false}};
    QJsonObject waiting = sampleProject(u"proj-9"_s, u"Slow disk"_s, true);
    waiting.insert(u"providers"_s, QJsonArray{key});
    Stage stage([&](FakeHost &host) { host.server->answer("GET", u"/manage/projects"_s, 200, list({waiting})); });
    Page *overview = stage.page(u"overview"_s);
    QTRY_VERIFY(says(overview, u"Slow disk is waiting for its openai key"_s));
    press(overview, u"Show the project"_s);
    QTRY_VERIFY(Stage::rowOf(stage.table(u"projects"_s), u"waiting for its key"_s) >= 0);
}

void TstProjectsPage::theOverviewLeadsToTheOldestKey()
{
    QJsonObject old = sampleProject(u"proj-9"_s, u"Long ago"_s, true);
    old.insert(u"api_key_age_days"_s, 95);
    Stage stage([&](FakeHost &host) {
        host.server->answer("GET", u"/manage/projects"_s, 200, list({sampleProject(u"proj-1"_s, u"Search team"_s, true), old}));
        host.server->answer("GET", u"/manage/doctor"_s, 200, list({QJsonObject{{u"id"_s, u"provider_key_age"_s}, {u"title"_s, u"Provider key age"_s}, {u"state"_s, u"fail"_s}, {u"evidence"_s, u"proj-9"_s}, {u"fix"_s, u"Rotate"_s}}}));
    });
    Page *overview = stage.page(u"overview"_s);
    QTRY_VERIFY(find<QPushButton>(overview, u"Rotate the oldest"_s));
    QPointer<QPushButton> link = find<QPushButton>(overview, u"Rotate the oldest"_s);
    const qsizetype before = stage.server().calls("GET", u"/manage/doctor"_s).size();
    overview->refresh();
    QTRY_VERIFY(stage.server().calls("GET", u"/manage/doctor"_s).size() > before);
    QTRY_COMPARE(stage.server().waiting(), 0);
    QVERIFY(link); // nothing has changed: it keeps the keyboard
    press(overview, u"Rotate the oldest"_s);
    QTRY_VERIFY(dialog());
    QVERIFY(says(dialog(), u"Long ago"_s));
    press(dialog(), u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

void TstProjectsPage::aPastedKeyIsNotUndoneIntoSight()
{
    Stage stage;
    stage.table(u"projects"_s);
    QDialog *form = opened(stage, u"New project"_s);
    auto *edit = find<QLineEdit>(form, u"Key"_s);
    edit->setFocus();
    QTest::keyClicks(edit, key());
    QComboBox *kind = nullptr;
    for (QComboBox *one : form->findChildren<QComboBox *>())
        kind = one->accessibleName() == u"How the key is given"_s ? one : kind;
    QVERIFY(kind);
    kind->setCurrentIndex(1);
    QCOMPARE(edit->echoMode(), QLineEdit::Normal);
    QTest::keyClick(edit, Qt::Key_Z, Qt::ControlModifier);
    QCOMPARE(edit->text(), QString());
    press(form, u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

REGISTER_TEST(TstProjectsPage)
#include "tst_projects_page.moc"
