// SPDX-License-Identifier: GPL-3.0-only
// Heads: where one ends does not depend on how it was cut into reads, and what we accept llhttp accepts, with the same
// framing. Both legs.
#include "fuzz.h"

#include "front/body_reader.h"
#include "front/head_rules.h"

#include <algorithm>
#include <llhttp.h>
#include <string>

using namespace llmproxy;

namespace {

// The end, found byte by byte.
HeadScan scanInSteps(std::string_view text, size_t *end)
{
    size_t from = 0;
    for (size_t size = 1; size <= text.size(); ++size) {
        const HeadScan scan = scanHead(text.substr(0, size), from, &from, end);
        if (scan != HeadScan::NeedMore)
            return scan;
    }
    return HeadScan::NeedMore;
}

// llhttp 8 stumbles over blanks behind a length, which RFC 9110 section 5.5 takes off.
std::string withoutBlanks(std::string_view head)
{
    std::string text;
    for (size_t at = 0; at < head.size();) {
        const size_t end = head.find("\r\n", at);
        std::string_view line = head.substr(at, end - at);
        while (at > 0 && (line.ends_with(' ') || line.ends_with('\t')))
            line.remove_suffix(1);
        text.append(line).append("\r\n");
        at = end + 2;
    }
    return text;
}

bool hasSameFraming(std::string_view head, const RequestHead &request)
{
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_headers_complete = [](llhttp_t *read) {
        read->upgrade = 0;
        return 0;
    };
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    const std::string text = withoutBlanks(head);
    if (llhttp_execute(&parser, text.data(), text.size()) != HPE_OK)
        return false;
    const bool chunked = (parser.flags & F_CHUNKED) != 0;
    return chunked == request.chunked && (chunked || static_cast<int64_t>(parser.content_length) == std::max<int64_t>(request.contentLength, 0));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string_view text = textOf(data, size);
    size_t resume = 0, end = 0, stepEnd = 0;
    const HeadScan scan = scanHead(text, 0, &resume, &end);
    const HeadScan steps = scanInSteps(text, &stepEnd);
    FUZZ_CHECK(scan == steps);
    if (scan != HeadScan::Complete)
        return 0;
    FUZZ_CHECK(end == stepEnd);
    const std::string_view head = text.substr(0, end);
    RequestHead request;
    if (readRequestHead(head, {}, &request).status == 0) {
        FUZZ_CHECK(hasSameFraming(head, request));
        FUZZ_CHECK(!(request.chunked && request.contentLength >= 0));
        FUZZ_CHECK(request.path == "*" || request.path.front() == '/');
        FUZZ_CHECK(request.minorVersion == 0 || !request.host.empty());
    }
    ResponseHead response;
    ResponseFraming framing;
    if (readResponseHead(head, 100, &response, &framing))
        FUZZ_CHECK(!(framing.chunked && framing.contentLength >= 0));
    return 0;
}
