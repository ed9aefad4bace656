// SPDX-License-Identifier: GPL-3.0-only
#include "access/snapshot.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

TokenPtr token(int number)
{
    auto entry = std::make_shared<TokenEntry>();
    entry->id = "id-" + std::to_string(number);
    entry->record.id = QString::fromStdString(entry->id);
    entry->record.createdMs = number;
    for (size_t i = 0; i < 4; ++i)
        entry->hash[i] = static_cast<unsigned char>((static_cast<unsigned>(number) * 2654435761u) >> (8 * i));
    entry->hash[8] = static_cast<unsigned char>(number);
    entry->hash[9] = static_cast<unsigned char>(number >> 8);
    entry->hash[10] = static_cast<unsigned char>(number >> 16);
    return entry;
}

} // namespace

class TstSnapshot : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void findsByHashAndId()
    {
        Snapshot snapshot;
        constexpr int count = 20'000;
        for (int i = 0; i < count; ++i)
            snapshot.putToken(token(i));
        QCOMPARE(snapshot.tokenCount(), size_t{count});
        for (int i = 0; i < count; i += 37) {
            const TokenPtr one = token(i);
            QCOMPARE(snapshot.tokenByHash(one->hash)->id, one->id);
            QCOMPARE(snapshot.tokenById(one->id)->id, one->id);
        }
        QVERIFY(!snapshot.tokenByHash(token(count + 1)->hash));
        snapshot.removeToken("id-5");
        QVERIFY(!snapshot.tokenById("id-5") && !snapshot.tokenByHash(token(5)->hash));
        QCOMPARE(snapshot.tokenCount(), size_t{count - 1});
    }

    void copiesDoNotSeeEachOther()
    {
        Snapshot first;
        first.putToken(token(1));
        Snapshot second(first);
        second.putToken(token(2));
        second.removeToken("id-1");
        QVERIFY(first.tokenById("id-1") && !first.tokenById("id-2"));
        QVERIFY(!second.tokenById("id-1") && second.tokenById("id-2"));
        Snapshot third(second);
        third.putToken(token(3));
        QVERIFY(!second.tokenById("id-3"));
        second.putToken(token(4)); // the copied one writes on: still apart
        QVERIFY(!third.tokenById("id-4"));
    }

    void readersSeeWhatIsPublished()
    {
        SnapshotHolder holder;
        SnapshotReader reader(holder);
        QCOMPARE(reader.current()->tokenCount(), size_t{0});
        auto next = std::make_shared<Snapshot>(*holder.current());
        next->putToken(token(1));
        holder.publish(next);
        QCOMPARE(reader.current()->tokenCount(), size_t{1});
        QCOMPARE(holder.current().get(), reader.current().get());
    }

    void listsInOrderOfCreation()
    {
        Snapshot snapshot;
        for (const int i : {5, 1, 3, 2, 4})
            snapshot.putToken(token(i));
        int64_t last = 0;
        for (const TokenPtr &one : snapshot.tokens()) {
            QVERIFY(one->record.createdMs > last);
            last = one->record.createdMs;
        }
        QCOMPARE(last, int64_t{5});
    }
};

REGISTER_TEST(TstSnapshot)
#include "tst_snapshot.moc"
