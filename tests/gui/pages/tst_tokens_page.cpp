// SPDX-License-Identifier: GPL-3.0-only
// What is asked of the server when somebody makes, changes, refreshes and revokes tokens, and what is not lost when it refuses.
#include "dialogs/token_view.h"
#include "stage.h"
#include "test_registry.h"
#include "widgets/copy.h"

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QDoubleSpinBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QSettings>
#include <QTabWidget>

using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

class TstTokensPage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aPresetFillsTheForm();
    void aRefusalStandsAtItsField();
    void aTokenIsNotLostByAccident();
    void whatIsCopiedIsForgotten();
    void limitsAreChangedAndTakenBack();
    void aTokenIsRefreshed();
    void revokingSaysWhatItCuts();
    void revokingManyIsOneQuestion();
    void allOfAProjectAreRevoked();
    void aFilterIsTheServers();
    void theSecretIsNowhereAfterwards();
    void whatIsAskedForIsNotFilteredAway();
    void anotherServerEndsWhatWasBegun();
    void aLimitMayBeLarge();
    void aTokenOnItsWayIsWaitedFor();
    void whatIsTypedIsNotLostByEscape();
    void copyingByHandIsForgottenToo();
};

namespace {

QDialog *openForm(Stage &stage)
{
    stage.table(u"tokens"_s);
    press(stage.page(u"tokens"_s), u"New token"_s);
    [] { QTRY_VERIFY(dialog()); }();
    return dialog();
}

TokenDialog *shownToken()
{
    [] { QTRY_VERIFY(qobject_cast<TokenDialog *>(dialog())); }();
    return qobject_cast<TokenDialog *>(dialog());
}

} // namespace

void TstTokensPage::aPresetFillsTheForm()
{
    Stage stage;
    QDialog *form = openForm(stage);
    auto *preset = find<QComboBox>(form, u"For"_s);
    QVERIFY(preset);
    preset->setCurrentIndex(1);
    type(form, u"Name"_s, u"Nightly"_s);
    type(form, u"Models"_s, u"gpt-4o*, o3"_s);
    press(form, u"Create token"_s);
    QTRY_COMPARE(stage.server().calls("POST", u"/manage/tokens"_s).size(), 1);
    const QJsonObject expected{{u"project_id"_s, u"proj-1"_s}, {u"duration_minutes"_s, 60}, {u"name"_s, u"Nightly"_s}, {u"note"_s, QJsonValue()}, {u"rate_limit"_s, 60}, {u"max_requests"_s, 1'000},
                               {u"max_concurrent"_s, 4}, {u"allowed_models"_s, QJsonArray{u"gpt-4o*"_s, u"o3"_s}}, {u"allowed_endpoints"_s, QJsonArray()}, {u"allowed_ips"_s, QJsonArray()}};
    QCOMPARE(stage.server().last("POST", u"/manage/tokens"_s).body, expected);
    TokenDialog *shown = shownToken();
    QCOMPARE(find<QLineEdit>(shown, u"Access token"_s)->text(), sampleSecret());
    find<QCheckBox>(shown, u"I have saved the token"_s)->setChecked(true);
    press(shown, u"Done"_s);
    QTRY_VERIFY(!dialog());
}

void TstTokensPage::aRefusalStandsAtItsField()
{
    Stage stage;
    stage.server().refuse("POST", u"/manage/tokens"_s, 400, u"'allowed_ips' has no network that one could mean."_s, u"allowed_ips"_s);
    QDialog *form = openForm(stage);
    type(form, u"Name"_s, u"Nightly"_s);
    type(form, u"Addresses"_s, u"10.0.0.0/99"_s);
    press(form, u"Create token"_s);
    QTRY_VERIFY(says(form, u"no network that one could mean"_s));
    auto *field = find<QLineEdit>(form, u"Addresses"_s);
    QCOMPARE(field->text(), u"10.0.0.0/99"_s); // nothing typed is lost
    QVERIFY(field->property("wrong").toBool());
    QCOMPARE(find<QLineEdit>(form, u"Name"_s)->text(), u"Nightly"_s);
    QVERIFY(find<QPushButton>(form, u"Create token"_s)->isEnabled());
    stage.server().lose(u"the connection was refused"_s);
    press(form, u"Create token"_s);
    QTRY_VERIFY(says(form, u"the connection was refused"_s));
    QCOMPARE(dialog(), form);
    stage.server().comeBack();
    press(form, u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

void TstTokensPage::aTokenIsNotLostByAccident()
{
    Stage stage;
    press(openForm(stage), u"Create token"_s);
    TokenDialog *shown = shownToken();
    {
        const Answering cancel(u"Cancel"_s);
        QTest::keyClick(shown, Qt::Key_Escape);
        QVERIFY(cancel.isAsked());
        QVERIFY(cancel.question().contains(u"nobody can show it again"_s));
    }
    QCOMPARE(dialog(), shown);
    const Answering close(u"Close all the same"_s);
    press(shown, u"Done"_s);
    QVERIFY(close.isAsked());
    QTRY_VERIFY(!dialog());
}

void TstTokensPage::whatIsCopiedIsForgotten()
{
    Stage stage;
    press(openForm(stage), u"Create token"_s);
    TokenDialog *shown = shownToken();
    press(shown, u"Copy token"_s);
    QCOMPARE(QApplication::clipboard()->text(), sampleSecret());
    auto *tabs = shown->findChild<QTabWidget *>();
    QVERIFY(tabs->count() >= 6); // curl, Python, Node, Claude Code, Codex, .env
    for (int i = 0; i < tabs->count(); ++i) {
        tabs->setCurrentIndex(i);
        auto *text = tabs->widget(i)->findChild<QPlainTextEdit *>();
        QVERIFY2(text->toPlainText().contains(sampleSecret()), qPrintable(tabs->tabText(i)));
        press(tabs->widget(i), u"Copy for "_s + tabs->tabText(i));
        QCOMPARE(QApplication::clipboard()->text(), text->toPlainText());
    }
    press(shown, u"Done"_s); // copied: nobody is asked
    QTRY_VERIFY(!dialog());
    forgetCopiedSecret(); // what the minute's timer calls
    QCOMPARE(QApplication::clipboard()->text(), QString());
    copySecret(u"once"_s);
    QApplication::clipboard()->setText(u"something else"_s);
    forgetCopiedSecret();
    QCOMPARE(QApplication::clipboard()->text(), u"something else"_s); // not ours any more
}

void TstTokensPage::limitsAreChangedAndTakenBack()
{
    Stage stage;
    Table *table = stage.table(u"tokens"_s);
    stage.chooseRow(table, Stage::rowOf(table, u"Anna"_s));
    press(stage.page(u"tokens"_s), u"Edit limits"_s);
    QTRY_VERIFY(dialog());
    find<QDoubleSpinBox>(dialog(), u"Rate limit"_s)->setValue(30);
    press(dialog(), u"Save"_s);
    QTRY_COMPARE(stage.server().last("PATCH").body, (QJsonObject{{u"rate_limit"_s, 30}})); // what was not touched is not sent
    QCOMPARE(stage.server().last("PATCH").path, u"/manage/tokens/tok-1"_s);
    QTRY_VERIFY(find<QPushButton>(&stage.window, u"Undo"_s));
    press(&stage.window, u"Undo"_s);
    QTRY_COMPARE(stage.server().last("PATCH").body.value("rate_limit"_L1).toInt(), 60);
    QTRY_VERIFY(says(&stage.window, u"Change undone."_s));
}

void TstTokensPage::aTokenIsRefreshed()
{
    Stage stage;
    Table *table = stage.table(u"tokens"_s);
    stage.chooseRow(table, Stage::rowOf(table, u"Anna"_s));
    press(stage.page(u"tokens"_s), u"Refresh"_s);
    QTRY_VERIFY(dialog());
    press(dialog(), u"Refresh"_s);
    QTRY_COMPARE(stage.server().last("POST").path, u"/manage/tokens/tok-1/refresh"_s);
    QCOMPARE(stage.server().last("POST").body, (QJsonObject{{u"grace_minutes"_s, 10}}));
    TokenDialog *shown = shownToken();
    QVERIFY(says(shown, u"The old token is still accepted for 9 min 5"_s) || says(shown, u"The old token is still accepted for 10 min"_s));
    find<QCheckBox>(shown, u"I have saved the token"_s)->setChecked(true);
    press(shown, u"Done"_s);
}

void TstTokensPage::revokingSaysWhatItCuts()
{
    Stage stage;
    QTRY_COMPARE(stage.server().followers(), 1);
    stage.server().feed("requests", {{u"time"_s, QString()}, {u"running_count"_s, 1}, {u"running"_s, QJsonArray{sampleRequest(u"run-1"_s, u"streaming"_s)}}, {u"ended"_s, QJsonArray()}});
    QTRY_VERIFY(stage.page(u"live"_s)->findChild<Table *>()->model()->rowCount() == 1);
    Table *table = stage.table(u"tokens"_s);
    stage.chooseRow(table, Stage::rowOf(table, u"Anna"_s));
    {
        const Answering no(u"Cancel"_s);
        press(stage.page(u"tokens"_s), u"Revoke"_s);
        QVERIFY(no.isAsked());
        QVERIFY2(no.question().contains(u"running stream"_s), qPrintable(no.question()));
        QVERIFY(no.question().contains(u"Anna"_s));
    }
    QVERIFY(stage.server().calls("DELETE").isEmpty());
    stage.server().refuse("DELETE", u"/manage/tokens/{id}"_s, 409, u"It was revoked meanwhile."_s);
    const Answering yes(u"Revoke"_s);
    press(stage.page(u"tokens"_s), u"Revoke"_s);
    QTRY_COMPARE(stage.server().last("DELETE").path, u"/manage/tokens/tok-1"_s);
    QTRY_VERIFY(says(&stage.window, u"It was revoked meanwhile."_s));
}

void TstTokensPage::revokingManyIsOneQuestion()
{
    Stage stage;
    Table *table = stage.table(u"tokens"_s);
    table->setFocus();
    QTest::keyClick(table, Qt::Key_A, Qt::ControlModifier);
    QCOMPARE(table->selectedRows().size(), 5);
    const Answering yes(u"Revoke"_s);
    press(stage.page(u"tokens"_s), u"Revoke"_s);
    QVERIFY(yes.isAsked());
    QTRY_COMPARE(stage.server().calls("DELETE").size(), 3); // those that live
    QTRY_VERIFY(says(&stage.window, u"3 token"_s));
}

void TstTokensPage::allOfAProjectAreRevoked()
{
    Stage stage;
    Page *page = stage.page(u"tokens"_s);
    page->open({{u"project_id"_s, u"proj-1"_s}});
    QTRY_VERIFY(Stage::action(page, u"Revoke all of a project"_s)->isEnabled());
    const Answering yes(u"Revoke all"_s);
    press(page, u"Revoke all of a project"_s);
    QTRY_COMPARE(stage.server().last("POST").path, u"/manage/projects/proj-1/tokens/revoke"_s);
    QTRY_VERIFY(says(&stage.window, u"3 token"_s));
    QVERIFY(says(&stage.window, u"2 stream"_s));
}

void TstTokensPage::aFilterIsTheServers()
{
    Stage stage;
    Page *page = stage.page(u"tokens"_s);
    type(page, u"Find tokens by name"_s, u"anna"_s);
    QTRY_COMPARE(stage.server().last("GET", u"/manage/tokens"_s).value(u"q"_s), u"anna"_s);
    auto *state = find<QComboBox>(page, u"State"_s);
    stage.server().answer("GET", u"/manage/tokens"_s, 200, list({}));
    state->setCurrentIndex(state->findData(u"revoked"_s));
    QTRY_COMPARE(stage.server().last("GET", u"/manage/tokens"_s).value(u"state"_s), u"revoked"_s);
    QTRY_VERIFY(says(page, u"No token fits the filter"_s));
}

namespace {

// Whatever a widget or its properties say.
QString everythingSaid(const QObject *root)
{
    QString all;
    QList<const QObject *> objects{root};
    for (const QObject *one : root->findChildren<QObject *>())
        objects.append(one);
    for (const QObject *one : std::as_const(objects)) {
        for (int i = 0; i < one->metaObject()->propertyCount(); ++i) {
            const QVariant value = one->metaObject()->property(i).read(one);
            if (value.typeId() == QMetaType::QString)
                all += value.toString() + u'\n';
        }
    }
    return all;
}

QString &messages()
{
    static QString text;
    return text;
}

} // namespace

void TstTokensPage::theSecretIsNowhereAfterwards()
{
    messages().clear();
    const QtMessageHandler before = qInstallMessageHandler([](QtMsgType, const QMessageLogContext &, const QString &text) { messages() += text; });
    {
        Stage stage;
        press(openForm(stage), u"Create token"_s);
        TokenDialog *shown = shownToken();
        QVERIFY(everythingSaid(shown).contains(sampleSecret())); // the search finds it where it is
        press(shown, u"Copy token"_s);
        press(shown, u"Done"_s);
        forgetCopiedSecret();
        QTRY_VERIFY(!dialog());
        QTRY_VERIFY(stage.window.findChildren<TokenDialog *>().isEmpty());
        QVERIFY(!everythingSaid(&stage.window).contains(sampleSecret()));
        QVERIFY(!QApplication::clipboard()->text().contains(sampleSecret()));
    }
    qInstallMessageHandler(before);
    QVERIFY(!messages().contains(sampleSecret()));
    QSettings settings;
    settings.sync();
    QFile file(settings.fileName());
    QVERIFY(file.open(QIODevice::ReadOnly));
    QVERIFY(!file.readAll().contains(sampleSecret().toUtf8()));
}

void TstTokensPage::whatIsAskedForIsNotFilteredAway()
{
    Stage stage;
    stage.table(u"tokens"_s);
    auto *state = stage.page(u"tokens"_s)->findChild<QComboBox *>();
    state->setCurrentIndex(state->findData(u"revoked"_s));
    QTRY_COMPARE(stage.server().last("GET", u"/manage/tokens"_s).value(u"state"_s), u"revoked"_s);
    stage.window.openPage(u"tokens"_s, {{u"project_id"_s, u"proj-1"_s}});
    QTRY_COMPARE(stage.server().last("GET", u"/manage/tokens"_s).value(u"project_id"_s), u"proj-1"_s);
    QCOMPARE(stage.server().last("GET", u"/manage/tokens"_s).value(u"state"_s), QString());
}

// The form is not left waiting, and nothing is undone at a server where it was not done.
void TstTokensPage::anotherServerEndsWhatWasBegun()
{
    Stage stage;
    QDialog *form = openForm(stage);
    type(form, u"Name"_s, u"Indexer"_s);
    stage.server().hold(u"/manage/tokens"_s);
    press(form, u"Create token"_s);
    QTRY_VERIFY(stage.server().waiting() > 0);
    stage.window.console().toast->offer(u"Limits saved."_s, u"Undo"_s, [] { QFAIL("undone elsewhere"); });
    QVERIFY(says(&stage.window, u"Limits saved."_s));
    stage.session.useRemote({u"Small server"_s, u"https://192.0.2.1"_s, {}, {}});
    stage.server().letGo();
    QTRY_VERIFY(says(form, u"Another server is shown now"_s));
    QCOMPARE(find<QLineEdit>(form, u"Name"_s)->text(), u"Indexer"_s);
    QVERIFY(!says(&stage.window, u"Limits saved."_s));
    press(form, u"Cancel"_s);
    QTRY_VERIFY(!dialog());
}

void TstTokensPage::aLimitMayBeLarge()
{
    QJsonObject token = sampleToken(u"tok-9"_s, u"Large"_s, u"active"_s);
    token.insert(u"max_requests"_s, qint64{3'000'000'000});
    Stage stage([&](FakeHost &host) { host.server->answer("GET", u"/manage/tokens"_s, 200, list({token})); });
    Table *table = stage.table(u"tokens"_s);
    stage.chooseRow(table, 0);
    press(stage.page(u"tokens"_s), u"Edit limits"_s);
    QTRY_VERIFY(dialog());
    QCOMPARE(find<QDoubleSpinBox>(dialog(), u"Requests"_s)->value(), 3e9);
    type(dialog(), u"Name"_s, u"Renamed"_s);
    press(dialog(), u"Save"_s);
    QTRY_COMPARE(stage.server().last("PATCH").body, (QJsonObject{{u"name"_s, u"Renamed"_s}}));
}

void TstTokensPage::aTokenOnItsWayIsWaitedFor()
{
    Stage stage;
    QDialog *form = openForm(stage);
    stage.server().hold(u"/manage/tokens"_s);
    press(form, u"Create token"_s);
    QTRY_VERIFY(stage.server().waiting() > 0);
    QTest::keyClick(form, Qt::Key_Escape);
    QVERIFY(form->isVisible());
    QVERIFY(!find<QLineEdit>(form, u"Name"_s)->isEnabled());
    form->close();
    QVERIFY(form->isVisible());
    QTRY_VERIFY(says(form, u"Waiting for the server"_s));
    stage.server().letGo();
    find<QCheckBox>(shownToken(), u"I have saved the token"_s)->setChecked(true);
    press(dialog(), u"Done"_s);
}

void TstTokensPage::whatIsTypedIsNotLostByEscape()
{
    Stage stage;
    QDialog *form = openForm(stage);
    type(form, u"Name"_s, u"Indexer"_s);
    {
        const Answering no(u"Cancel"_s);
        QTest::keyClick(form, Qt::Key_Escape);
        QVERIFY(no.isAsked());
    }
    QCOMPARE(find<QLineEdit>(form, u"Name"_s)->text(), u"Indexer"_s);
    const Answering yes(u"Close all the same"_s);
    QTest::keyClick(form, Qt::Key_Escape);
    QVERIFY(yes.isAsked());
    QTRY_VERIFY(!dialog());
}

void TstTokensPage::copyingByHandIsForgottenToo()
{
    Stage stage;
    press(openForm(stage), u"Create token"_s);
    TokenDialog *shown = shownToken();
    auto *field = find<QLineEdit>(shown, u"Access token"_s);
    field->selectAll();
    QTest::keyClick(field, Qt::Key_C, Qt::ControlModifier);
    QTRY_VERIFY(QApplication::clipboard()->mimeData()->hasFormat(u"x-kde-passwordManagerHint"_s));
    press(shown, u"Done"_s); // it was copied: no question
    QTRY_VERIFY(!dialog());
    forgetCopiedSecret();
    QVERIFY(!QApplication::clipboard()->text().contains(sampleSecret()));
}

REGISTER_TEST(TstTokensPage)
#include "tst_tokens_page.moc"
