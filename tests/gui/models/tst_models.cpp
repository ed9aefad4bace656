// SPDX-License-Identifier: GPL-3.0-only
// Every model of the console under Qt's own judge of models, while rows come, change, go, are sorted and filtered.
#include "contract.h"
#include "models/audit_model.h"
#include "models/audit_text.h"
#include "models/rows_model.h"
#include "models/window_model.h"
#include "sample_answers.h"
#include "test_registry.h"

#include <QAbstractItemModelTester>
#include <QSortFilterProxyModel>

using namespace llmproxy;
using namespace llmproxy::test;
using namespace llmproxy::ui;
using namespace Qt::StringLiterals;

namespace {

constexpr auto judged = QAbstractItemModelTester::FailureReportingMode::QtTest;

QJsonObject row(const QString &id, int value)
{
    return {{u"id"_s, id}, {u"value"_s, value}};
}

std::vector<Column> columns()
{
    const auto value = [](const QJsonObject &o) { return o.value("value"_L1).toInt(); };
    return {{u"Id"_s, [](const QJsonObject &o) { return o.value("id"_L1).toString(); }},
            {u"Value"_s, [value](const QJsonObject &o) { return QString::number(value(o)); }, [value](const QJsonObject &o) { return value(o); }, {}, [](const QJsonObject &) { return Tone::Good; },
             [value](const QJsonObject &o) { return value(o) / 10.0; }, true}};
}

} // namespace

class TstModels : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void sampleAnswersAreAsDeclared();
    void rowsComeChangeAndGo();
    void rowsStaySortedAndFiltered();
    void aWindowFollowsItsSource();
    void aLogOfAnyLength();
    void whatIsNotReadYetWaitsForNobody();
    void newEventsComeInAtTheTop();
    void aFilteredLogGrowsByPages();
    void aRefusedPageIsSaidOnce();
    void refusalsThatAreCounted();
};

void TstModels::sampleAnswersAreAsDeclared()
{
    FakeServer server;
    for (const auto &[method, path] : std::initializer_list<std::pair<QByteArray, QString>>{
             {"GET", u"/manage/overview"_s}, {"GET", u"/manage/projects"_s}, {"GET", u"/manage/tokens"_s}, {"GET", u"/manage/audit"_s}, {"GET", u"/manage/doctor"_s}, {"GET", u"/manage/usage"_s},
             {"GET", u"/manage/settings"_s}, {"GET", u"/manage/audit/facets"_s}, {"GET", u"/manage/audit/verify"_s}, {"POST", u"/manage/tokens"_s}, {"POST", u"/manage/tokens/tok-1/refresh"_s},
             {"DELETE", u"/manage/tokens/tok-1"_s}, {"POST", u"/manage/projects"_s}, {"PATCH", u"/manage/projects/proj-1"_s}, {"POST", u"/manage/projects/proj-1/tokens/revoke"_s},
             {"POST", u"/manage/audit/verify"_s}, {"POST", u"/manage/audit/review"_s}, {"PATCH", u"/manage/settings"_s}, {"POST", u"/manage/providers/check"_s}, {"DELETE", u"/manage/requests/run-1"_s}}) {
        const Query query = path == "/manage/audit"_L1 ? Query{{u"limit"_s, u"20"_s}} : Query{};
        const Reply reply = server.call({method, path, query, {}}, {});
        QVERIFY2(reply.ok(), qPrintable(path));
        const QString fault = answerFault(method, path, reply.body);
        QVERIFY2(fault.isEmpty(), qPrintable(path + u": "_s + fault));
    }
    QJsonObject more = sampleOverview();
    more.insert(u"surprise"_s, 1);
    QCOMPARE(answerFault("GET", u"/manage/overview"_s, more), u"Overview.surprise is not declared"_s);
}

void TstModels::rowsComeChangeAndGo()
{
    RowsModel model(u"id"_s, columns());
    const QAbstractItemModelTester tester(&model, judged);
    model.setRows({});
    model.setRows({row(u"a"_s, 1), row(u"b"_s, 2), row(u"c"_s, 3)});
    QPersistentModelIndex kept = model.index(1, 0);
    QSignalSpy changed(&model, &QAbstractItemModel::dataChanged), inserted(&model, &QAbstractItemModel::rowsInserted), removed(&model, &QAbstractItemModel::rowsRemoved);
    model.setRows({row(u"d"_s, 4), row(u"b"_s, 20), row(u"b"_s, 21)}); // a key twice: the last one holds
    QCOMPARE(model.rowCount(), 2);
    QCOMPARE(kept.data().toString(), u"b"_s);
    QCOMPARE(model.index(kept.row(), 1).data().toString(), u"21"_s);
    QCOMPARE(changed.size(), 1);
    QCOMPARE(inserted.size(), 1);
    QCOMPARE(removed.size(), 2);
    model.setRows({row(u"d"_s, 4), row(u"b"_s, 21)});
    QCOMPARE(changed.size(), 1); // nothing is new
    QCOMPARE(model.indexOf(u"d"_s), 1);
    QCOMPARE(model.indexOf(u"a"_s), -1);
    QCOMPARE(model.index(0, 1).data(RowsModel::ShareRole).toDouble(), 2.1);
    QVERIFY(!model.index(0, 0).data(RowsModel::ToneRole).isValid());
    model.refreshTexts();
    model.setRows({});
    QCOMPARE(model.rowCount(), 0);
}

void TstModels::rowsStaySortedAndFiltered()
{
    RowsModel model(u"id"_s, columns());
    QSortFilterProxyModel sorted;
    const QAbstractItemModelTester tester(&sorted, judged);
    sorted.setSourceModel(&model);
    sorted.setSortRole(RowsModel::SortRole);
    sorted.sort(1, Qt::DescendingOrder);
    model.setRows({row(u"a"_s, 9), row(u"b"_s, 10), row(u"c"_s, 2)});
    QCOMPARE(sorted.index(0, 0).data().toString(), u"b"_s); // numbers, not texts
    model.setRows({row(u"a"_s, 11), row(u"b"_s, 10), row(u"c"_s, 2)});
    QCOMPARE(sorted.index(0, 0).data().toString(), u"a"_s);
    sorted.setFilterFixedString(u"c"_s);
    QCOMPARE(sorted.rowCount(), 1);
    model.setRows({row(u"b"_s, 10)});
    QCOMPARE(sorted.rowCount(), 0);
}

void TstModels::aWindowFollowsItsSource()
{
    RowsModel source(u"id"_s, columns());
    WindowModel window(source);
    const QAbstractItemModelTester tester(&window, judged);
    window.setRoom(3);
    QJsonArray rows;
    for (int i = 0; i < 10; ++i)
        rows.append(row(QString::number(i), i));
    source.setRows(rows);
    QCOMPARE(window.rowCount(), 3);
    window.setTop(8);
    QCOMPARE(window.top(), 7); // the last ones that fill it
    QCOMPARE(window.index(0, 0).data().toString(), u"7"_s);
    window.setRoom(20);
    QCOMPARE(window.rowCount(), 10);
    window.setRoom(4);
    source.setRows({row(u"1"_s, 1), row(u"2"_s, 2)});
    QCOMPARE(window.rowCount(), 2);
    QCOMPARE(window.sourceRow(1), 1);
    source.setRows({});
    QCOMPARE(window.rowCount(), 0);
}

namespace {

// A client whose first overview is there.
struct Connected
{
    FakeHost host;
    Client client;
    ProjectNames projects{client};

    Connected()
    {
        client.setPeer(host.local(), u"fake"_s);
        [&] { QTRY_VERIFY(!client.overview().isEmpty()); }();
    }
};

} // namespace

void TstModels::refusalsThatAreCounted()
{
    const auto shown = [](const QJsonObject &details, int column) {
        return auditText({{u"client_ip"_s, details.contains("of"_L1) ? u""_s : u"192.0.2.7"_s}, {u"details"_s, details}}, column);
    };
    QJsonObject details{{u"count"_s, 44}, {u"reasons"_s, u"malformed:41,endpoint_not_found:3"_s}};
    QCOMPARE(shown(details, AuditModel::Endpoint), u"41 × malformed, 3 × endpoint_not_found"_s);
    QCOMPARE(shown(details, AuditModel::Address), u"192.0.2.7"_s);
    QCOMPARE(shown(details, AuditModel::Status), u"–"_s);
    details.insert(u"of"_s, u"token.access"_s);
    details.insert(u"addresses"_s, 812);
    QVERIFY(shown(details, AuditModel::Address).contains(u"812"_s));
    details.remove(u"addresses"_s);
    details.insert(u"addresses_at_least"_s, 10'000);
    QVERIFY(shown(details, AuditModel::Address).contains(u"or more"_s));
}

void TstModels::aLogOfAnyLength()
{
    Connected connected;
    AuditModel model(connected.client, connected.projects);
    const QAbstractItemModelTester tester(&model, judged);
    model.setFilter({});
    QTRY_COMPARE(model.rowCount(), sampleEvents);
    QTRY_COMPARE(model.index(0, AuditModel::Seq).data().toString(), u"1000"_s);
    QTRY_COMPARE(model.index(sampleEvents - 1, AuditModel::Seq).data().toString(), u"1"_s);
    QCOMPARE(model.rowOf(990), 10);
    QCOMPARE(model.rowOf(5'000), -1);
    QVERIFY(model.event(-1).isEmpty());
    QVERIFY(connected.host.server->faults().isEmpty());
}

void TstModels::whatIsNotReadYetWaitsForNobody()
{
    Connected connected;
    AuditModel model(connected.client, connected.projects);
    model.setFilter({});
    QTRY_COMPARE(model.rowCount(), sampleEvents);
    connected.host.server->hold(u"/manage/audit"_s);
    QCOMPARE(model.index(500, AuditModel::Time).data().toString(), u"…"_s);
    QVERIFY(model.event(500).isEmpty());
    connected.host.server->letGo();
    QTRY_COMPARE(model.index(500, AuditModel::Seq).data().toString(), u"500"_s);
}

void TstModels::newEventsComeInAtTheTop()
{
    Connected connected;
    AuditModel model(connected.client, connected.projects);
    const QAbstractItemModelTester tester(&model, judged);
    model.setFilter({});
    QTRY_COMPARE(model.rowCount(), sampleEvents);
    const auto asked = [&] { // for the newest; the judge reads pages around others
        const QList<Call> calls = connected.host.server->calls("GET", u"/manage/audit"_s);
        return std::count_if(calls.begin(), calls.end(), [](const Call &call) { return call.value(u"around"_s).isEmpty(); });
    };
    const auto before = asked();
    model.takeNewer(sampleEvents); // nothing came: nobody is asked
    QCOMPARE(asked(), before);
    connected.host.server->answer("GET", u"/manage/audit"_s, 200, list({sampleEvent(1'003), sampleEvent(1'002), sampleEvent(1'001)}));
    QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
    const auto grown = [&] { // as with each overview: not while pages are on their way
        model.takeNewer(1'003);
        return model.rowCount() == sampleEvents + 3;
    };
    QTRY_VERIFY(grown());
    QCOMPARE(inserted.size(), 1);
}

void TstModels::aFilteredLogGrowsByPages()
{
    Connected connected;
    AuditModel model(connected.client, connected.projects);
    const QAbstractItemModelTester tester(&model, judged);
    model.setFilter({{u"action"_s, u"token.access"_s}});
    QTRY_VERIFY(model.rowCount() >= AuditModel::pageRows); // the judge asks for more by itself
    while (!model.isComplete()) {
        const int rows = model.rowCount();
        model.fetchMore({});
        QTRY_VERIFY(model.rowCount() > rows || model.isComplete());
    }
    QCOMPARE(model.rowCount(), sampleEvents);
    QTRY_COMPARE(model.index(700, AuditModel::Seq).data().toString(), u"300"_s);
    QCOMPARE(connected.host.server->last("GET", u"/manage/audit"_s).value(u"action"_s), u"token.access"_s);
}

void TstModels::aRefusedPageIsSaidOnce()
{
    Connected connected;
    connected.host.server->refuse("GET", u"/manage/audit"_s, 403, u"Not from here."_s);
    AuditModel model(connected.client, connected.projects);
    const QAbstractItemModelTester tester(&model, judged);
    QSignalSpy failed(&model, &AuditModel::failed);
    model.setFilter({{u"result"_s, u"denied"_s}});
    QTRY_COMPARE(failed.size(), 1);
    QCOMPARE(failed.first().first().toString(), u"Not from here."_s);
    QCOMPARE(model.rowCount(), 0);
    QVERIFY(!model.canFetchMore({})); // not asked again and again
}

REGISTER_TEST(TstModels)
#include "tst_models.moc"
