// SPDX-License-Identifier: GPL-3.0-only
// What a server answers the console, and its feed: within the bounds that pages rely on, whatever it was.
#include "fuzz.h"

#include "client/answer.h"

#include <QJsonArray>
#include <QJsonDocument>

#include <cmath>

using namespace llmproxy::ui;

namespace {

void check(const QJsonValue &value, int depth)
{
    FUZZ_CHECK(depth <= deepest);
    if (value.isObject()) {
        FUZZ_CHECK(value.toObject().size() <= longestList);
        for (const QJsonValue &one : value.toObject())
            check(one, depth + 1);
    } else if (value.isArray()) {
        FUZZ_CHECK(value.toArray().size() <= longestList);
        for (const QJsonValue &one : value.toArray())
            check(one, depth + 1);
    }
    FUZZ_CHECK(value.toString().size() <= longestText);
    FUZZ_CHECK(std::abs(value.toDouble()) <= static_cast<double>(largestNumber));
    FUZZ_CHECK(whole(value, 1, largestNumber, 0) >= 0 && asInt(value) >= 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const QByteArray bytes(reinterpret_cast<const char *>(data), static_cast<qsizetype>(size));
    check(bounded(QJsonDocument::fromJson(bytes).object()), 0);
    // Cut in two anywhere, a feed has the same events.
    QByteArrayList whole_, halves;
    EventCutter one, two;
    const bool goesOn = one.take(bytes, [&](const QByteArray &event) { whole_.append(event); });
    const qsizetype middle = size > 0 ? data[0] % static_cast<qsizetype>(size) : 0;
    const bool first = two.take(bytes.left(middle), [&](const QByteArray &event) { halves.append(event); });
    const bool second = two.take(bytes.mid(middle), [&](const QByteArray &event) { halves.append(event); });
    FUZZ_CHECK(!goesOn || !first || !second || whole_ == halves);
    return 0;
}
