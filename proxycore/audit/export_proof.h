// SPDX-License-Identifier: GPL-3.0-only
// What makes a slice of the audit log provable by itself: a signed statement of what was exported (format, number, first and
// last seq, SHA-256 of its bytes) with the checkpoints before and after it. One line of JSON:
//   {"statement":{…},"key_id":"…","signature":"…"}
// The signature (Ed25519) covers the statement's bytes as they stand there. Thread: values.
#pragma once

#include "audit/checkpoint.h"
#include "audit/verify.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace llmproxy {

struct ExportStatement
{
    std::string format;      // jsonl or csv
    std::string generatedAt; // RFC 3339
    std::string filters;     // the query as it was asked; empty: everything
    int64_t events = 0;
    int64_t firstSeq = 0, lastSeq = 0; // 0: no event
    int64_t toSeq = 0;       // events after this one were not looked at; 0: the proof does not say
    std::string sha256;      // of the export's bytes
    std::string firstCheckpoint, lastCheckpoint; // their lines; empty: there is none before the first event
};

std::string exportProof(const ExportStatement &statement, const CheckpointKey &key);

// A proof that was read; its signature is looked at by verifyExport().
struct ReadProof
{
    ExportStatement statement;
    std::string signedText, keyId, signature;
};
Result<ReadProof> readExportProof(std::string_view line);

// Holds an exported file against its proof. keys null: signatures are not looked at. An error: the file cannot be read.
Result<VerifyReport> verifyExport(const std::string &path, const ReadProof &proof, const CheckpointKeys *keys);

} // namespace llmproxy
