// SPDX-License-Identifier: GPL-3.0-only
// The one source of randomness: the operating system's CSPRNG (getrandom(2)). Thread: any.
#pragma once

#include <cstddef>
#include <string>

namespace llmproxy {

// Fills the buffer; ends the process when the kernel gives no randomness.
void randomBytes(void *buffer, size_t size);
// Unbiased characters of [0-9A-Za-z].
std::string randomBase62(size_t count);
// UUID version 4, lower case (RFC 9562 section 5.4).
std::string randomUuid();

} // namespace llmproxy
