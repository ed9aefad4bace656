// SPDX-License-Identifier: GPL-3.0-only
// Looking into bodies: JSON, multipart and compressed ones. What is named a fault has a code; a body that gets the usage
// option stays one that reads the same.
#include "fuzz.h"

#include "exchange/request_body.h"
#include "exchange/stream_usage.h"

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    static constexpr const char *types[] = {"application/json", "multipart/form-data; boundary=b", "multipart/form-data; boundary=\"b\"", "text/plain"};
    static constexpr const char *codings[] = {"", "gzip", "deflate", "zstd"};
    const std::string_view text = textOf(data + 1, size - 1);
    const BodyView view = lookIntoBody(text, types[data[0] & 3], codings[(data[0] >> 2) & 3]);
    FUZZ_CHECK((view.fault == Reason::None) == view.message.empty());
    if (!view.isJson || !view.streams || view.hasStreamOptions || (data[0] & 0x0c) != 0)
        return 0;
    const BodyView asked = lookIntoBody(withStreamUsage(text), types[0], "");
    FUZZ_CHECK(asked.fault == Reason::None && asked.hasStreamOptions);
    FUZZ_CHECK(asked.model == view.model && asked.streams == view.streams);
    return 0;
}
