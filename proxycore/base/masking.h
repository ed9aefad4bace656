// SPDX-License-Identifier: GPL-3.0-only
// The one masking rule (contract section 6, ruling 45), counted in characters: code points of UTF-8, an
// invalid byte counts as one. Masking a masked value changes nothing. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmproxy {

enum class MaskUnprefixed { Partial, Full };

std::string maskSecret(std::string_view value, MaskUnprefixed mode);
// In the mode of this process (AUDIT_MASK_UNPREFIXED), partial until it is set.
std::string maskSecret(std::string_view value);
void setUnprefixedMasking(MaskUnprefixed mode);
// Replaces everything in free text that looks like a credential (a known prefix and what follows it,
// "Bearer x", "key=x", "x-api-key: x", ?any=32 hexadecimal digits) by its masked form, and mail addresses and user:password@ of URLs by
// "********". For user agents, log messages and upstream
// error texts.
std::string redactText(std::string_view text);
// The same for a User-Agent, where a long random word is no id: keys without a known format (32 hexadecimal digits) are found too.
std::string redactUserAgent(std::string_view text);
// Of a path as it was sent: what percent-encoding hides is found too; then the decoded path is what is told.
std::string redactPath(std::string_view path);
// True for names whose value is a credential: key, api_key, x-api-key, token, password, authorization.
bool namesCredential(std::string_view name);
// 192.168.1.100 → 192.168.1.0; IPv6: the last 80 bits zeroed. Other texts come back unchanged.
std::string maskClientIp(std::string_view ip);
// True for a value that already is a masked form (contains "****"): refused as a key.
bool looksMasked(std::string_view value);

// Bytes of the first count characters, or of all when there are fewer.
size_t prefixBytes(std::string_view text, size_t count);

} // namespace llmproxy
