// SPDX-License-Identifier: GPL-3.0-only
// Proofs of exports: what is read as one says what its signed bytes say, byte for byte.
#include "fuzz.h"

#include "audit/export_proof.h"

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string_view text = textOf(data, size);
    const auto proof = readExportProof(text);
    if (!proof)
        return 0;
    FUZZ_CHECK(text.find(proof->signedText) != std::string_view::npos);
    FUZZ_CHECK(proof->signedText.starts_with("{\"format\":") && proof->signedText.ends_with("}"));
    return 0;
}
