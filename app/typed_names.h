// SPDX-License-Identifier: GPL-3.0-only
// What a person typed, in the sentences about it: options instead of the API's field names, and the word that was probably meant.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

// "--ttl" for duration_minutes, "--allowed-ip" for allowed_ips[0]; empty: it is no option's.
std::string optionOfField(const std::string &field);
// The sentence with each 'field' that is an option's replaced by it.
std::string withOptions(const std::string &sentence);
// The one of these that differs in the fewest letters; empty: none is similar.
std::string similarWord(std::string_view typed, const std::vector<std::string> &words);
// "1 request", "2 requests". number may be "-": nothing was counted.
std::string counted(const std::string &number, const char *singular);

} // namespace llmproxy
