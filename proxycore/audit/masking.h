// SPDX-License-Identifier: GPL-3.0-only
// The one masking rule (contract section 6, ruling 45), counted in characters. Masking a masked value
// changes nothing. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

enum class MaskUnprefixed { Partial, Full };

std::string maskSecret(std::string_view value, MaskUnprefixed mode = MaskUnprefixed::Partial);
// Replaces everything in free text that looks like a credential (a known prefix and what follows it,
// "Bearer x", "key=x") by its masked form. For user agents, log messages and upstream error texts.
std::string redactText(std::string_view text);
// 192.168.1.100 → 192.168.1.0; IPv6: the last 80 bits zeroed. Other texts come back unchanged.
std::string maskClientIp(std::string_view ip);
// True for a value that already is a masked form (contains "****"): refused as a key.
bool looksMasked(std::string_view value);

} // namespace llmproxy
