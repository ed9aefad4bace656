// SPDX-License-Identifier: GPL-3.0-only
// libFuzzer target: what comes from the network first — heads and bodies, as requests and as responses.
// The first byte chooses; a request that passes the rules must be one that llhttp reads the same way.
#include "front/body_reader.h"
#include "front/head_rules.h"
#include "usage/usage.h"

#include <cstdint>
#include <cstdlib>

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const std::string_view text(reinterpret_cast<const char *>(data) + 1, size - 1);
    const size_t end = text.find("\r\n\r\n");
    const std::string_view head = text.substr(0, end == std::string_view::npos ? text.size() : end + 4);
    const auto count = [](std::string_view) {};
    if ((data[0] & 3) == 0) {
        RequestHead request;
        if (readRequestHead(head, {}, &request).status != 0)
            return 0;
        BodyReader reader(BodyReader::Kind::Request, 4096);
        if (reader.begin(head, false) && !request.hasBody() && !reader.isComplete())
            abort(); // llhttp sees a body where the rules see none
        reader.feed(text.substr(head.size()), count);
    } else if ((data[0] & 3) == 1) {
        ResponseHead response;
        ResponseFraming framing;
        if (!readResponseHead(head, 1000, &response, &framing))
            return 0;
        BodyReader reader(BodyReader::Kind::Response, 4096);
        if (reader.begin(head, false))
            reader.feed(text.substr(head.size()), count);
    } else {
        UsageReader usage;
        usage.begin((data[0] & 3) == 2 ? "text/event-stream" : "application/json");
        usage.feed(text);
    }
    return 0;
}
