// SPDX-License-Identifier: GPL-3.0-only
// Chunked bodies: the body, its end and its faults do not depend on how it was cut into reads.
#include "fuzz.h"

#include "front/body_reader.h"

using namespace llmproxy;

namespace {

struct Seen
{
    std::string body;
    size_t used = 0;
    bool complete = false, failed = false;
};

Seen read(std::string_view text, size_t step)
{
    BodyReader reader(BodyReader::Kind::Request, 1 << 30);
    FUZZ_CHECK(reader.begin("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", false));
    Seen seen;
    while (!text.empty() && !reader.isComplete() && !reader.hasFailed()) {
        const std::string_view part = text.substr(0, step);
        const size_t used = reader.feed(part, [&](std::string_view span) { seen.body.append(span); });
        FUZZ_CHECK(used <= part.size());
        seen.used += used;
        text.remove_prefix(used);
        if (used < part.size())
            break;
    }
    seen.complete = reader.isComplete();
    seen.failed = reader.hasFailed();
    return seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string_view text = textOf(data, size);
    const Seen whole = read(text, size + 1);
    for (const size_t step : {size_t{1}, size_t{3}, size_t{7}}) {
        const Seen parts = read(text, step);
        FUZZ_CHECK(parts.complete == whole.complete && parts.failed == whole.failed);
        if (!whole.failed)
            FUZZ_CHECK(parts.body == whole.body);
        if (whole.complete)
            FUZZ_CHECK(parts.used == whole.used);
    }
    return 0;
}
