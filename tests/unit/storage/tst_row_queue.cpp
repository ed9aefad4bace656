// SPDX-License-Identifier: GPL-3.0-only
// Rows stay in the order of their seq; what does not fit is left to the log's file, never out.
#include "storage/row_queue.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

std::vector<AuditEvent> rowsOf(int64_t from, int64_t to)
{
    std::vector<AuditEvent> rows;
    for (int64_t seq = from; seq <= to; ++seq)
        rows.emplace_back().seq = seq;
    return rows;
}

} // namespace

class TstRowQueue : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void rowsComeAsTheyWent()
    {
        RowQueue queue;
        queue.begin({10, {}}, true);
        queue.append(rowsOf(11, 12), nullptr);
        queue.append(rowsOf(13, 13), nullptr);
        QCOMPARE(queue.missingAfter(10).seq, int64_t{0});
        std::vector<AuditEvent> taken;
        queue.takeAfter(10, taken);
        QCOMPARE(taken.size(), size_t{3});
        QCOMPARE(taken.back().seq, int64_t{13});
        QVERIFY(queue.isEmpty());
    }

    void nothingIsTakenBeforeWhatIsMissing()
    {
        RowQueue queue;
        queue.begin({10, {}}, true); // and the table has 4
        QCOMPARE(queue.missingAfter(4).seq, int64_t{10});
        queue.append(rowsOf(11, 12), nullptr);
        std::vector<AuditEvent> taken;
        queue.takeAfter(4, taken);
        QVERIFY(taken.empty());
        QCOMPARE(queue.missingAfter(4).seq, int64_t{10});
        queue.takeAfter(10, taken);
        QCOMPARE(taken.size(), size_t{2});
    }

    void whatDoesNotFitIsTheFiles()
    {
        RowQueue queue;
        queue.begin({0, {}}, true);
        const auto most = static_cast<int64_t>(RowQueue::mostRows);
        queue.append(rowsOf(1, most), nullptr);
        QCOMPARE(queue.missingAfter(0).seq, int64_t{0});
        queue.append(rowsOf(most + 1, most + 5), nullptr);
        QCOMPARE(queue.size(), size_t{5});
        QCOMPARE(queue.missingAfter(0).seq, most);
        QCOMPARE(queue.newest(), most + 5);
    }

    void withoutAFileNothingIsLetGo()
    {
        RowQueue queue;
        queue.begin({0, {}}, false);
        const auto most = static_cast<int64_t>(RowQueue::mostRows);
        queue.append(rowsOf(1, most + 5), nullptr);
        QCOMPARE(queue.size(), RowQueue::mostRows + 5);
        QCOMPARE(queue.missingAfter(0).seq, int64_t{0});
    }

    void whoWaitsIsToldOfHisRowsOnly()
    {
        RowQueue queue;
        queue.begin({0, {}}, true);
        int told = 0;
        const auto stored = [&told](bool) { ++told; };
        queue.append(rowsOf(1, 2), stored);
        queue.append(rowsOf(3, 4), nullptr);
        queue.append({}, stored); // all that came before
        for (const auto &[upTo, expected] : {std::pair<int64_t, int>{1, 0}, {2, 1}, {3, 1}, {4, 2}}) {
            for (const RowQueue::Waiter &waiter : queue.takeWaiters(upTo))
                waiter.stored(true);
            QCOMPARE(told, expected);
        }
    }

    void aRowWithoutALineIsNone()
    {
        RowQueue queue;
        queue.begin({7, {}}, true);
        queue.append(rowsOf(0, 0), nullptr);
        QVERIFY(queue.isEmpty());
        QCOMPARE(queue.newest(), int64_t{7});
    }
};

REGISTER_TEST(TstRowQueue)
#include "tst_row_queue.moc"
