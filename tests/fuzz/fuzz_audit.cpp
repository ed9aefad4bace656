// SPDX-License-Identifier: GPL-3.0-only
// Lines of the audit log: what is read as an event is written as a line that reads as the same event.
#include "fuzz.h"

#include "audit/event.h"

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const auto event = parseAuditLine(textOf(data, size));
    if (!event)
        return 0;
    const std::string line = auditLine(*event);
    const auto again = parseAuditLine(line);
    FUZZ_CHECK(again.has_value());
    FUZZ_CHECK(auditLine(*again) == line);
    return 0;
}
