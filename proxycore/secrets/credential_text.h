// SPDX-License-Identifier: GPL-3.0-only
// The one reading of a credential as people and tools hand it over: the management token, provider keys (API, standard input, env:
// and file: references) and the encryption key. White space and line ends around it (files, kubectl --from-file) and one pair of
// quotation marks (docker --env-file) are no part of it. Thread: any; the results are parts of the text that was given.
#pragma once

#include <string_view>

namespace llmproxy {

struct CredentialText
{
    std::string_view value;   // empty when there is a problem
    std::string_view problem; // as the end of a sentence, "must be one line"; never a part of the value
};

// Visible ASCII in one line: it goes into a header field (RFC 9110 section 5.5), where a second line would be a header of its own.
CredentialText readCredential(std::string_view text);

// Without what surrounds a value: white space, line ends, a byte order mark, quotation marks in pairs.
std::string_view unwrapped(std::string_view text);

} // namespace llmproxy
