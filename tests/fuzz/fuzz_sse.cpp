// SPDX-License-Identifier: GPL-3.0-only
// Streams: what the usage filter lets through and what the reader finds do not depend on how the stream was cut into reads;
// the filter only ever takes whole events out.
#include "fuzz.h"

#include "exchange/stream_usage.h"
#include "usage/usage.h"

using namespace llmproxy;

namespace {

std::string filtered(std::string_view text, size_t step)
{
    StreamUsageFilter filter;
    std::string out;
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
        out += filter.pass(text.substr(0, step));
    return out + filter.rest();
}

Usage usageOf(std::string_view text, size_t step, std::string_view type)
{
    UsageReader reader;
    FUZZ_CHECK(reader.begin(type));
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
        reader.feed(text.substr(0, step));
    const Usage settled = reader.settled(0);
    for (const int64_t tokens : {settled.promptTokens, settled.completionTokens})
        FUZZ_CHECK(tokens >= -1 && tokens <= 10'000'000'000);
    return settled;
}

bool isSubsequence(std::string_view part, std::string_view whole)
{
    size_t at = 0;
    for (const char c : whole) {
        if (at < part.size() && part[at] == c)
            ++at;
    }
    return at == part.size();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string_view text = textOf(data, size);
    const std::string whole = filtered(text, size + 1);
    FUZZ_CHECK(isSubsequence(whole, text));
    for (const size_t step : {size_t{1}, size_t{5}})
        FUZZ_CHECK(filtered(text, step) == whole);
    for (const char *type : {"text/event-stream", "application/json", "application/vnd.amazon.eventstream"}) {
        const Usage once = usageOf(text, size + 1, type);
        const Usage steps = usageOf(text, 1, type);
        FUZZ_CHECK(once == steps);
    }
    return 0;
}
