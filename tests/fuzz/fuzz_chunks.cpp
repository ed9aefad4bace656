// SPDX-License-Identifier: GPL-3.0-only
// Chunked bodies: the body, its end and its faults do not depend on how it was cut into reads, and llhttp agrees.
#include "fuzz.h"

#include "front/body_reader.h"

#include <llhttp.h>

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
    reader.begin(true, -1);
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

// llhttp 8 refuses some extensions that RFC 9112 has ignored; without any, it reads what we read.
void compareWithLlhttp(std::string_view text, const Seen &seen)
{
    if (!seen.complete || text.substr(0, seen.used).find_first_of("; \t") != text.npos)
        return;
    std::string body;
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_body = [](llhttp_t *parser, const char *at, size_t size) {
        static_cast<std::string *>(parser->data)->append(at, size);
        return 0;
    };
    settings.on_message_complete = [](llhttp_t *) { return int{HPE_PAUSED}; };
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &body;
    const std::string message = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(text.substr(0, seen.used));
    FUZZ_CHECK(llhttp_execute(&parser, message.data(), message.size()) == HPE_PAUSED);
    FUZZ_CHECK(body == seen.body);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string_view text = textOf(data, size);
    const Seen whole = read(text, size + 1);
    compareWithLlhttp(text, whole);
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
