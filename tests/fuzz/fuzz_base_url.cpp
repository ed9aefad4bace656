// SPDX-License-Identifier: GPL-3.0-only
// Base URLs of any content are refused with a reason, or read into what a request line and a Host header can hold, and read again alike.
#include "fuzz.h"

#include "upstream/provider_url.h"

#include <algorithm>

using namespace llmproxy;

namespace {

bool isVisible(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const Profiles profiles = loadProfiles({}).value();
    const std::string_view text = textOf(data, size);
    for (const char *name : {"openai", "azure", "gemini", "anthropic"}) {
        const ProviderProfile &profile = profiles.find(name)->second;
        const auto read = readProviderUrl(text, profile);
        if (!read) {
            FUZZ_CHECK(read.error().field == "base_url" && !read.error().message.empty());
            continue;
        }
        const BaseUrl &url = read->url;
        FUZZ_CHECK(!url.host.empty() && url.port > 0 && isVisible(url.authority()) && isVisible(url.query));
        FUZZ_CHECK(url.path.empty() || (url.path.front() == '/' && url.path.back() != '/' && isVisible(url.path)));
        FUZZ_CHECK(isVisible(joinPath(url, "/v1/models")) && isVisible(joinQuery("a=b", url.query)));
        const auto again = readProviderUrl(url.text(), profile, read->versionSegment);
        FUZZ_CHECK(again.ok() && again->url.text() == url.text() && again->url.form == url.form && !again->isShortened);
        FUZZ_CHECK(again->url.origin() == url.origin());
    }
    return 0;
}
