// SPDX-License-Identifier: GPL-3.0-only
// Tokens and masks: only the exact form is well-formed, masking a masked value changes nothing, and no well-formed token
// survives redaction.
#include "fuzz.h"

#include "base/masking.h"
#include "secrets/access_token.h"

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string text(textOf(data, size));
    if (isWellFormedAccessToken(text))
        FUZZ_CHECK(text.size() == 42 && text.starts_with("tok-"));
    const std::string masked = maskSecret(text);
    FUZZ_CHECK(maskSecret(masked) == masked);
    static const std::string token = "tok-0123456789abcdefghijklmnopqrstuv012345";
    const std::string redacted = redactText(text + " " + token + " " + text);
    FUZZ_CHECK(redacted.find(token) == std::string::npos);
    return 0;
}
