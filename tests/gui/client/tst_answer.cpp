// SPDX-License-Identifier: GPL-3.0-only
// The bounds of what a server says.
#include "client/answer.h"
#include "client/client.h"
#include "fake_server.h"
#include "sample_answers.h"
#include "style/format.h"
#include "test_registry.h"

#include <QJsonArray>
#include <QSignalSpy>

using namespace llmproxy;
using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

class TstAnswer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void honestAnswersStayAsTheyAre()
    {
        FakeServer server;
        for (const QString &path : {u"/manage/overview"_s, u"/manage/tokens"_s, u"/manage/doctor"_s, u"/manage/settings"_s}) {
            const QJsonObject body = server.call({"GET", path, {}, {}}, {}).body;
            QCOMPARE(bounded(body), body);
        }
    }

    void whatIsBeyondIsCut()
    {
        QJsonArray many;
        for (qsizetype at = 0; at < longestList + 5; ++at)
            many.append(at);
        QJsonValue deep = 1;
        for (int at = 0; at < 50; ++at)
            deep = QJsonArray{deep};
        const QJsonObject cut = bounded({{u"number"_s, 1e300}, {u"less"_s, -1e300}, {u"text"_s, QString(longestText + 1, u'x')}, {u"list"_s, many}, {u"deep"_s, deep}, {u"kept"_s, 7}});
        QCOMPARE(cut.value("number"_L1).toInteger(), largestNumber);
        QCOMPARE(cut.value("less"_L1).toInteger(), -largestNumber);
        QCOMPARE(cut.value("text"_L1).toString().size(), longestText);
        QCOMPARE(cut.value("list"_L1).toArray().size(), longestList);
        QCOMPARE(cut.value("kept"_L1).toInteger(), 7);
        int levels = 0;
        for (QJsonValue at = cut.value("deep"_L1); at.isArray(); at = at.toArray().first())
            ++levels;
        QCOMPARE(levels, deepest - 1);
    }

    void wholeNumbers()
    {
        QCOMPARE(whole(7, 1, 10, 0), 7);
        for (const QJsonValue &value : {QJsonValue(0), QJsonValue(11), QJsonValue(0.5), QJsonValue(-1e300), QJsonValue(u"7"_s), QJsonValue(), QJsonValue(QJsonArray{7})})
            QCOMPARE(whole(value, 1, 10, -1), -1);
        QCOMPARE(whole(largestNumber, 1, largestNumber, 0), largestNumber);
        QCOMPARE(asInt(1e300), std::numeric_limits<int>::max());
        QCOMPARE(asInt(-5), 0);
        QCOMPARE(asInt(u"many"_s), 0);
    }

    void aTrailEnds()
    {
        PageTrail trail;
        QVERIFY(trail.goesOn(u"a"_s, 200));
        QVERIFY(trail.goesOn(u"b"_s, 1));
        QVERIFY(!trail.goesOn(u"c"_s, 0));
        QVERIFY(!trail.goesOn(u"a"_s, 200));
    }

    void aListWithoutEndIsSaid()
    {
        auto server = std::make_shared<FakeServer>();
        FakeHost host;
        host.server = server;
        server->answer("GET", u"/manage/projects"_s, [](const Call &) {
            QJsonObject body = list({sampleProject(u"p"_s, u"P"_s)});
            body.insert(u"next_cursor"_s, u"again"_s);
            return Reply{200, body, {}};
        });
        Client client;
        client.setPeer(host.local(), u"here"_s);
        Reply told;
        QObject context;
        client.list(u"/manage/projects"_s, {}, 5'000, &context, [&](const Reply &reply) { told = reply; });
        QTRY_VERIFY(told.status != 0);
        QVERIFY(!told.ok());
        QVERIFY(sentenceOf(told).contains(u"has no end"_s));
        QVERIFY(server->calls("GET", u"/manage/projects"_s).size() <= 2);
    }

    // Cut anywhere, the events are the same.
    void eventsOfAStream()
    {
        const QByteArray stream = "data: 1\n\nevent: a\ndata: 2\n\n\n\n: nothing\n\ndata: 3\n\ndata: half";
        QList<QByteArray> whole;
        EventCutter cutter;
        QVERIFY(cutter.take(stream, [&](const QByteArray &event) { whole.append(event); }));
        QCOMPARE(whole, QList<QByteArray>({"data: 1", "event: a\ndata: 2", "", ": nothing", "data: 3"}));
        for (qsizetype size = 1; size < stream.size(); ++size) {
            QList<QByteArray> events;
            EventCutter pieces;
            for (qsizetype at = 0; at < stream.size(); at += size)
                QVERIFY(pieces.take(stream.mid(at, size), [&](const QByteArray &event) { events.append(event); }));
            QCOMPARE(events, whole);
        }
        EventCutter endless;
        bool goesOn = true;
        int pieces = 0;
        for (; goesOn && pieces < 100'000; ++pieces)
            goesOn = endless.take("a line without end, in pieces of sixty-four characters, and so on ", [](const QByteArray &) {});
        QVERIFY(!goesOn);
        QVERIFY(pieces < 20'000);
    }

    void whatIsNotSeenIsWrittenOut()
    {
        QCOMPARE(shown(u"a\u202egpj\u200b\x9d"_s), u"a⟨U+202E⟩gpj⟨U+200B⟩⟨U+009D⟩"_s);
        QCOMPARE(shown(u"two\nlines"_s), u"two\nlines"_s);
        QCOMPARE(shownLine(u"two\nlines"_s), u"two⟨U+000A⟩lines"_s);
        QCOMPARE(shown(u"👩\u200d💻 team, Grüße, 日本, עברית"_s), u"👩\u200d💻 team, Grüße, 日本, עברית"_s);
        QCOMPARE(shown(u"a\u200db"_s), u"a⟨U+200D⟩b"_s);
        QCOMPARE(shown(QString(10, u'x'), 4), u"xxxx…"_s);
        QCOMPARE(shown(QString::fromUcs4(U"\U000e0041")), u"⟨U+E0041⟩"_s);
        QCOMPARE(withoutMarkup(u"<a href='file:///x'>&b</a>"_s), u"‹a href='file:///x'›＆b‹/a›"_s);
    }
};

REGISTER_TEST(TstAnswer)

#include "tst_answer.moc"
