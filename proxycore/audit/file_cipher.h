// SPDX-License-Identifier: GPL-3.0-only
// Rotated audit logs at rest under encryption: FILE.gz becomes FILE.gz.enc. AES-256-GCM in frames of 64 KiB under a key of
// the file's own, which the key ring seals into its head; a frame's number is its nonce, and whether it is the last one is
// authenticated, so frames cannot be changed, moved, repeated or cut off.
//   LLM-PROXY-AUDIT 1\n  ID FIRST-SEQ\n  SEALED-KEY\n  then frames: length (4 bytes, big-endian; top bit: last), data, tag
// Thread: any.
#pragma once

#include "base/result.h"
#include "secrets/key_ring.h"

#include <cstdint>
#include <string>

namespace llmproxy {

inline constexpr std::string_view encryptedSuffix = ".enc";

// Encrypts all that from holds into a new file, synced. False: errno says why; the target may be there in part.
bool encryptFile(int from, const std::string &target, unsigned mode, int64_t firstSeq, const KeyRing &keys);

// Of its first event, as the head says; 0: it is no encrypted log.
int64_t firstSeqOfEncrypted(int from);

// Decrypts all of it into an open file. Nothing that is not authentic is written, but what came before may be.
Outcome decryptFile(int from, int into, const KeyRing &keys);

} // namespace llmproxy
