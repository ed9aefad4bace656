// SPDX-License-Identifier: GPL-3.0-only
// Each page of the console before a server that is wrong on purpose, in every answer and in the feed: no crash, no window that
// stands still, and nothing on the screen that is not seen there.
#include "client/answer.h"
#include "sample_answers.h"
#include "stage.h"
#include "style/format.h"
#include "test_registry.h"
#include "widgets/parts.h"

#include <QElapsedTimer>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QPlainTextEdit>

using namespace llmproxy;
using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr qint64 slowerBy = 3; // ASan keeps what was freed, and checks each access
#else
constexpr qint64 slowerBy = 1;
#endif
constexpr qint64 longestStallMs = 2'000 * slowerBy;
constexpr qint64 mostMemory = 200'000'000 * slowerBy; // bytes more than before

const QString unseen = u"a\u202egpj\u200b\u009d\u2066\x1b[31m<a href='file:///etc/passwd'>x</a>\n"_s;

// Every value of an answer becomes another, by a rule.
using Rule = std::function<QJsonValue(const QString &name, const QJsonValue &value)>;

QJsonValue through(const Rule &rule, const QString &name, const QJsonValue &value)
{
    if (value.isArray()) {
        QJsonArray list;
        for (const QJsonValue &one : value.toArray())
            list.append(through(rule, name, one));
        return rule(name, list);
    }
    if (value.isObject()) {
        QJsonObject object;
        const QJsonObject before = value.toObject();
        for (auto field = before.begin(); field != before.end(); ++field)
            object.insert(field.key(), through(rule, field.key(), field.value()));
        return rule(name, object);
    }
    return rule(name, value);
}

FakeServer::Twist each(const Rule &rule)
{
    return [rule](const Call &, Reply reply) {
        QJsonObject body;
        for (auto field = reply.body.begin(); field != reply.body.end(); ++field)
            body.insert(field.key(), through(rule, field.key(), field.value()));
        reply.body = body;
        return reply;
    };
}

FakeServer::Twist numbers(double number)
{
    return each([number](const QString &, const QJsonValue &value) { return value.isDouble() ? QJsonValue(number) : value; });
}

FakeServer::Twist texts(const QString &text)
{
    return each([text](const QString &name, const QJsonValue &value) { return value.isString() && name != "next_cursor"_L1 ? QJsonValue(text) : value; });
}

// Some of a megabyte, the rest of some thousand characters: an answer has 8 MB at most.
FakeServer::Twist longTexts()
{
    auto left = std::make_shared<std::atomic<int>>(0);
    const auto rule = [left](const QString &name, const QJsonValue &value) {
        if (!value.isString() || name == "next_cursor"_L1)
            return value;
        return QJsonValue(QString(--*left >= 0 ? 1 << 20 : 2'000, u'x'));
    };
    return [left, twist = each(rule)](const Call &call, const Reply &reply) {
        *left = 4;
        return twist(call, reply);
    };
}

QJsonValue wrongType(const QJsonValue &value)
{
    switch (value.type()) {
    case QJsonValue::Bool:
        return u"yes"_s;
    case QJsonValue::Double:
        return u"twelve"_s;
    case QJsonValue::String:
        return -1.5;
    case QJsonValue::Array:
        return QJsonObject{{u"0"_s, 1}};
    case QJsonValue::Object:
        return QJsonArray{1, u"two"_s};
    default:
        return true;
    }
}

QJsonValue nested(int depth)
{
    QJsonValue value = 1;
    for (int at = 0; at < depth; ++at)
        value = at % 2 == 0 ? QJsonValue(QJsonArray{value}) : QJsonValue(QJsonObject{{u"items"_s, value}});
    return value;
}

// A list of so many of what it has.
QJsonObject longer(QJsonObject body, qsizetype items)
{
    const QJsonArray few = body.value("items"_L1).toArray();
    if (few.isEmpty())
        return body;
    QJsonArray many;
    for (qsizetype at = 0; at < items; ++at)
        many.append(few.at(at % few.size()));
    body.insert(u"items"_s, many);
    return body;
}

FakeServer::Twist cursor(const std::function<QString(int number)> &next, bool hasItems)
{
    auto number = std::make_shared<std::atomic<int>>(0);
    return [next, hasItems, number](const Call &call, Reply reply) {
        if (!reply.body.contains(u"items"_s))
            return reply;
        reply.body = hasItems ? longer(reply.body, call.value(u"limit"_s).toInt()) : QJsonObject{{u"items"_s, QJsonArray()}};
        reply.body.insert(u"next_cursor"_s, next(++*number));
        return reply;
    };
}

std::vector<std::pair<const char *, FakeServer::Twist>> lies()
{
    const auto answers = [](int status, const QJsonObject &body) { return [status, body](const Call &, const Reply &) { return Reply{status, body, {}}; }; };
    return {
        {"wrong types", each([](const QString &, const QJsonValue &value) { return wrongType(value); })},
        {"wrong types inside", each([](const QString &name, const QJsonValue &value) { return name == "items"_L1 || value.isArray() || value.isObject() ? value : wrongType(value); })},
        {"nulls", each([](const QString &, const QJsonValue &) { return QJsonValue(); })},
        {"nulls inside", each([](const QString &, const QJsonValue &value) { return value.isArray() || value.isObject() ? value : QJsonValue(); })},
        {"nothing", answers(200, {})},
        {"an empty list", answers(200, {{u"items"_s, QJsonArray()}})},
        {"items that are none", answers(200, {{u"items"_s, QJsonArray{1, u"two"_s, QJsonValue(), QJsonArray(), QJsonObject()}}})},
        {"negative", numbers(-1)},
        {"very negative", numbers(-1e300)},
        {"huge", numbers(1e300)},
        {"beyond int", numbers(4'294'967'297.0)},
        {"largest", numbers(9'007'199'254'740'991.0)},
        {"fractions", numbers(0.5)},
        {"zero", numbers(0)},
        {"invisible texts", texts(unseen)},
        {"long texts", longTexts()},
        {"empty texts", texts({})},
        {"no times", each([](const QString &name, const QJsonValue &value) { return name == "time"_L1 || name.endsWith("_at"_L1) || name == "timestamp"_L1 ? QJsonValue(u"yesterday"_s) : value; })},
        {"one time", each([](const QString &name, const QJsonValue &value) { return name == "time"_L1 || name.endsWith("_at"_L1) || name == "timestamp"_L1 ? QJsonValue(u"2026-11-01T00:00:00Z"_s) : value; })},
        {"times of long ago", each([](const QString &name, const QJsonValue &value) { return name == "time"_L1 || name.endsWith("_at"_L1) ? QJsonValue(u"0001-01-01T00:00:00Z"_s) : value; })},
        {"deep", each([](const QString &name, const QJsonValue &value) { return name == "details"_L1 || name == "providers"_L1 || value.isString() ? nested(200) : value; })},
        {"long lists", [](const Call &, Reply reply) { reply.body = longer(reply.body, 6'000); return reply; }},
        {"the same cursor", cursor([](int) { return u"again"_s; }, true)},
        {"two cursors in turn", cursor([](int number) { return QString::number(number % 2); }, true)},
        {"cursors without end", cursor([](int number) { return QString::number(number); }, true)},
        {"empty pages without end", cursor([](int number) { return QString::number(number); }, false)},
        {"a redirect", answers(302, {})},
        {"an error of nobody", answers(500, {{u"error"_s, u"broken"_s}})},
        {"an odd status", answers(999, {{u"error"_s, QJsonObject{{u"message"_s, unseen}}}})},
    };
}

const char *const pageIds[] = {"overview", "projects", "tokens", "live", "audit", "usage", "security", "settings"};

// Of this process; what the console takes is among it.
qint64 memoryNow()
{
    QFile file(u"/proc/self/statm"_s);
    return file.open(QIODevice::ReadOnly) ? file.readAll().split(' ').value(1).toLongLong() * 4096 : 0;
}

// The longest time in which the window answered nothing.
class Stalls final : public QObject
{
public:
    Stalls()
    {
        m_last.start();
        startTimer(5);
    }
    qint64 longest() { return std::max(m_longest, m_last.elapsed()); }

private:
    void timerEvent(QTimerEvent *) override { m_longest = std::max(m_longest, m_last.restart()); }
    QElapsedTimer m_last;
    qint64 m_longest = 0;
};

bool isClean(const QString &text)
{
    return shown(text, text.size()) == text;
}

// What stands on the screen with something in it that is not seen. What a person edits is as it is.
QString unclean(QWidget *window)
{
    for (const QLabel *label : window->findChildren<QLabel *>()) {
        if (label->isVisible() && !isClean(label->text()))
            return u"label "_s + shown(label->text());
    }
    for (const QAbstractButton *button : window->findChildren<QAbstractButton *>()) {
        if (button->isVisible() && !isClean(button->text()))
            return u"button "_s + shown(button->text());
    }
    for (const QPlainTextEdit *edit : window->findChildren<QPlainTextEdit *>()) {
        if (edit->isVisible() && !isClean(edit->toPlainText()))
            return u"text "_s + shown(edit->toPlainText());
    }
    for (const QAbstractItemView *view : window->findChildren<QAbstractItemView *>()) {
        const QAbstractItemModel *model = view->model();
        for (int row = 0; view->isVisible() && model && row < std::min(model->rowCount(), 50); ++row) {
            for (int column = 0; column < model->columnCount(); ++column) {
                for (const int role : {int{Qt::DisplayRole}, int{Qt::ToolTipRole}}) {
                    if (const QString text = model->index(row, column).data(role).toString(); !isClean(text))
                        return u"cell "_s + shown(text);
                }
            }
        }
    }
    return {};
}

} // namespace

class TstLyingServer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void noPageIsHarmed_data();
    void noPageIsHarmed();
    void aFeedOfNonsense();
    void aPathIsNotTheServersToChoose();
    void aTokenThatIsNoneIsNotShown();
};

void TstLyingServer::noPageIsHarmed_data()
{
    QTest::addColumn<int>("number");
    int number = 0;
    for (const auto &[name, lie] : lies())
        QTest::newRow(name) << number++;
}

void TstLyingServer::noPageIsHarmed()
{
    QFETCH(const int, number);
    const FakeServer::Twist lie = lies().at(static_cast<size_t>(number)).second;
    Stage stage;
    stage.server().twist(lie);
    const qint64 before = memoryNow();
    for (const char *const id : pageIds) {
        Stalls stalls;
        Page *page = stage.page(QString::fromLatin1(id));
        stage.session.client().poll();
        Q_EMIT stage.session.client().serverChanged(); // every page reads anew
        QElapsedTimer asked;
        asked.start();
        qsizetype calls = -1;
        // Until nothing but this is asked, or for half a second; an honest page asks for figures each second.
        for (int round = 0; round < 10 && asked.elapsed() < 500 && calls + 1 != stage.server().calls("GET").size(); ++round) {
            calls = stage.server().calls("GET").size();
            bool isAnswered = false;
            stage.session.client().get(u"/manage/doctor"_s, {}, &stage.window, [&](const Reply &) { isAnswered = true; });
            QTRY_VERIFY(isAnswered);
        }
        stage.window.grab();
        if (QAbstractItemView *view = page->findChild<Table *>(); view && view->model() && view->model()->rowCount() > 0)
            QTest::mouseClick(view->viewport(), Qt::LeftButton, {}, view->visualRect(view->model()->index(0, 0)).center());
        QVERIFY2(unclean(&stage.window).isEmpty(), qPrintable(QString::fromLatin1(id) + u": "_s + unclean(&stage.window)));
        const qint64 longest = stalls.longest();
        QVERIFY2(longest < longestStallMs, qPrintable(u"%1 stood still for %2 ms"_s.arg(QString::fromLatin1(id)).arg(longest)));
    }
    const qint64 taken = memoryNow() - before;
    QVERIFY2(taken < mostMemory, qPrintable(u"%1 MB"_s.arg(taken / 1'000'000)));
    QVERIFY2(stage.server().calls("GET").size() < 1'000, "asked for ever");
}

void TstLyingServer::aFeedOfNonsense()
{
    Stage stage;
    stage.page(u"live"_s);
    QTRY_VERIFY(stage.server().followers() > 0);
    const QJsonObject request = sampleRequest(u"run-1"_s, u"streaming"_s);
    QJsonObject odd = request;
    for (auto field = request.begin(); field != request.end(); ++field)
        odd.insert(field.key(), wrongType(field.value()));
    QJsonArray many;
    for (int at = 0; at < 30'000; ++at)
        many.append(QJsonObject{{u"id"_s, at}});
    QJsonObject hidden = request;
    for (auto field = request.begin(); field != request.end(); ++field)
        hidden.insert(field.key(), field.value().isString() ? QJsonValue(unseen) : field.value());
    Stalls stalls;
    for (const QJsonValue &running : {QJsonValue(QJsonArray{odd, 1, QJsonValue()}), QJsonValue(many), QJsonValue(1e300), QJsonValue(QJsonArray{hidden})})
        stage.server().feed("requests", {{u"running"_s, running}, {u"ended"_s, running}, {u"running_count"_s, 1e300}});
    stage.server().feed("alert", {{u"message"_s, unseen}, {u"seq"_s, -1e300}});
    stage.server().feed("requests", {{u"running"_s, QJsonArray{hidden}}, {u"running_count"_s, 1}});
    stage.server().feedBytes("event: requests\ndata: {\"running\":[\n\n\n\n\n\ndata\n\nevent\n\n: \n\n");
    QTRY_VERIFY(says(&stage.window, u"⟨U+202E⟩"_s));
    QVERIFY2(unclean(&stage.window).isEmpty(), qPrintable(unclean(&stage.window)));
    // A line without end: the feed is broken off, and asked for again.
    for (int at = 0; at < 40; ++at)
        stage.server().feedBytes("data: " + QByteArray(64 * 1024, 'x'));
    QTRY_COMPARE_WITH_TIMEOUT(stage.server().followers(), 0, 5'000);
    QTRY_VERIFY_WITH_TIMEOUT(stage.server().followers() > 0, 5'000);
    QVERIFY2(stalls.longest() < longestStallMs, qPrintable(QString::number(stalls.longest())));
}

void TstLyingServer::aPathIsNotTheServersToChoose()
{
    for (const char *const id : {"", "..", "../audit/cleanup", "x?y=z", "x%2fy", "a b"}) {
        QVERIFY2(!isPlainPath(u"/manage/requests/"_s + QString::fromLatin1(id)), id);
        Stage stage;
        Reply told;
        stage.session.client().send("DELETE", u"/manage/tokens/"_s + QString::fromLatin1(id) + (id[0] ? u""_s : u"/"_s), {}, &stage.window, [&](const Reply &reply) { told = reply; });
        QTRY_VERIFY(!told.problem.isEmpty() || told.status > 0);
        QCOMPARE(told.status, 0);
    }
    QVERIFY(isPlainPath(u"/manage/tokens/0191d1c4-5b1e-7c1a-8c7e-1f2a3b4c5d6e/refresh"_s));
}

void TstLyingServer::aTokenThatIsNoneIsNotShown()
{
    for (const QString &token : {u""_s, u"short"_s, u"tok-aaaaaaaa; rm -rf ~"_s, u"tok-aaaaaaaaaaaa\n"_s, u"tok-aaaaaaaaaaaa\u202e"_s, QString(600, u'a')})
        QVERIFY(!isAccessToken(token));
    QVERIFY(isAccessToken(sampleSecret()));
}

REGISTER_TEST(TstLyingServer)

#include "tst_lying_server.moc"
