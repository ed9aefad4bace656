// SPDX-License-Identifier: GPL-3.0-only
// The one source of randomness: the operating system's CSPRNG (getrandom(2)). Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace llmproxy {

// Fills the buffer; ends the process when the kernel gives no randomness.
void randomBytes(void *buffer, size_t size);
// Unbiased characters of [0-9A-Za-z].
std::string randomBase62(size_t count);
// UUID version 4, lower case (RFC 9562 section 5.4).
std::string randomUuid();
// The same form for a request's id, but its first 48 bits are the time it came, as in RFC 9562's version 7: whatever is
// indexed by such ids grows at its end, where an index over random ones is written all over (4 µs a row at a million rows).
// The other 74 bits are random.
std::string requestUuid(int64_t wallMs);

} // namespace llmproxy
