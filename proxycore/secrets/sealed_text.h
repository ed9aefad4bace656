// SPDX-License-Identifier: GPL-3.0-only
// The sealed text form and its parts: AES-256-GCM and strict base64. Inner to secrets/. Thread: any.
#pragma once

#include "secrets/secret.h"

#include <optional>
#include <string>
#include <string_view>

namespace llmproxy {

// Standard alphabet with padding (RFC 4648 section 4), no line breaks.
std::string toBase64(std::string_view bytes);
// Strict: nullopt for anything but whole, padded, standard base64. Empty text is not one.
std::optional<Secret> fromBase64(std::string_view text);

// Each part is preceded by its length, so ("a", "bc") and ("ab", "c") are different data.
std::string sealingContext(std::string_view keyId, std::string_view type, std::string_view id, std::string_view field);

inline constexpr size_t sealingKeyBytes = 32; // AES-256

// "enc:v1:" + keyId + ":" + base64(12-byte nonce | ciphertext | 16-byte tag); the key has sealingKeyBytes.
std::string sealText(const Secret &key, std::string_view keyId, std::string_view plain, const std::string &context);
// nullopt: another key or key id, another context, or damaged.
std::optional<Secret> openText(const Secret &key, std::string_view keyId, std::string_view sealed,
                               const std::string &context);

} // namespace llmproxy
