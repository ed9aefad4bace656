// SPDX-License-Identifier: GPL-3.0-only
// Heads: where one ends does not depend on how it was cut into reads, and what we accept llhttp accepts, with the same
// framing. Both legs.
#include "fuzz.h"

#include "front/body_reader.h"
#include "front/head_rules.h"

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
        BodyReader reader(BodyReader::Kind::Request, 32 * 1024);
        FUZZ_CHECK(reader.begin(head, false));
        FUZZ_CHECK(reader.isComplete() == !request.hasBody());
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
