// SPDX-License-Identifier: GPL-3.0-only
#include "manage/live_tokens.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

TokenPtr token(int number, int64_t expiresMs, int64_t graceUntilMs = 0, int64_t revokedMs = 0)
{
    const std::string id = "id-" + std::to_string(number);
    TokenHash hash{};
    for (size_t i = 0; i < 4; ++i)
        hash[i] = static_cast<unsigned char>((static_cast<unsigned>(number) * 2654435761u) >> (8 * i));
    TokenTerms terms;
    terms.expiresMs = expiresMs;
    terms.graceUntilMs = graceUntilMs;
    terms.revokedMs = revokedMs;
    return std::make_shared<const TokenEntry>(TokenTexts{id, id, "p", "a", "m", "n", ""}, terms, hash, nullptr, std::make_shared<LineageState>());
}

int64_t oneByOne(const Snapshot &snapshot, int64_t nowMs)
{
    int64_t live = 0;
    snapshot.eachToken([&](const TokenPtr &one) { live += one->terms.liveAt(nowMs); });
    return live;
}

} // namespace

class TstLiveTokens : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // Through changes and time, always what looking at each token says.
    void countsAsOneByOne()
    {
        LiveTokens live;
        auto snapshot = std::make_shared<Snapshot>();
        QCOMPARE(live.count(*snapshot, 1), int64_t{0});
        for (int i = 0; i < 20'000; ++i)
            snapshot->putToken(token(i, 1000 + i, i % 7 == 0 ? 500 + i : 0, i % 11 == 0 ? 5 : 0));
        for (int round = 0; round < 50; ++round) {
            const int64_t nowMs = 900 + round * 400;
            QCOMPARE(live.count(*snapshot, nowMs), oneByOne(*snapshot, nowMs));
            snapshot = std::make_shared<Snapshot>(*snapshot);
            snapshot->putToken(token(round, nowMs + 3000));
            snapshot->putToken(token(30'000 + round, nowMs + 300));
            snapshot->putToken(token(100 + round, 50'000, 0, 7));
            snapshot->removeToken("id-" + std::to_string(19'000 + round));
            QCOMPARE(live.count(*snapshot, nowMs), oneByOne(*snapshot, nowMs));
        }
    }
};

REGISTER_TEST(TstLiveTokens)
#include "tst_live_tokens.moc"
