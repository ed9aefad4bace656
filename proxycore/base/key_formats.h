// SPDX-License-Identifier: GPL-3.0-only
// The formats of keys and tokens that are recognised in free text by themselves, without a name in front of them. Each needs so many
// characters of its own alphabet that no name of a model, file or program fits. Thread: any.
#pragma once

#include <cstddef>
#include <string_view>

namespace llmproxy {

// The length of the key that begins at this place, where a word begins; 0: none does.
size_t keyLengthAt(std::string_view text, size_t at);

// Whether a whole word can only be a credential where one may stand (a user agent, a value of a query): 32 or more hexadecimal
// digits, or letters and digits mixed. Ids look like that, too, so it is not asked elsewhere.
bool looksRandom(std::string_view word);

} // namespace llmproxy
