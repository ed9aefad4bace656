// SPDX-License-Identifier: GPL-3.0-only
// A file of the audit log, plain or gzip, as the verifier reads it: bounded lines, every byte in a line or in the rest, and nothing is
// called good that holds no event.
#include "fuzz.h"

#include "audit/line_reader.h"
#include "audit/verify.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int memory = memfd_create("log", MFD_CLOEXEC);
    FUZZ_CHECK(memory >= 0 && write(memory, data, size) == static_cast<ssize_t>(size) && lseek(memory, 0, SEEK_SET) == 0);
    LineReader reader(memory);
    ChainVerifier verifier(nullptr);
    verifier.beginFile();
    size_t bytes = 0, lines = 0;
    int64_t events = 0;
    for (std::string_view line; reader.next(&line); ++lines) {
        bytes += line.size();
        events += verifier.line(line) > 0 ? 1 : 0;
    }
    verifier.endFile(true, reader.rest().empty());
    if (!reader.isCompressed() && !reader.hasFailed())
        FUZZ_CHECK(bytes + lines + reader.rest().size() >= size && bytes + reader.rest().size() <= size);
    const VerifyReport report = verifier.finish();
    FUZZ_CHECK(report.events == events);
    FUZZ_CHECK(!report.isGood() || events > 0 || (lines == 0 && reader.rest().empty()));
    return 0;
}
