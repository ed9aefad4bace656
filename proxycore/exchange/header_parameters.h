// SPDX-License-Identifier: GPL-3.0-only
// The parameters of a Content-Type or Content-Disposition value (RFC 9110 section 5.6.6), read the one way in which all parsers
// agree. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct HeaderParameter
{
    std::string name; // lower case
    std::string value;
    bool isEscaped = false; // a backslash stands in its quoted form: a browser's reader keeps it, RFC 9110's drops it
};

// What stands behind the media type or disposition: "; name=value; name="quoted"". False: parsers read it differently.
bool readParameters(std::string_view text, std::vector<HeaderParameter> *found);
// The one parameter of that name. Null: none, several, or a "name*" or "name*0" (RFC 2231) beside it, which other readers prefer.
const HeaderParameter *onlyParameter(const std::vector<HeaderParameter> &parameters, std::string_view name);
// No charset, or one that says UTF-8: what we read ourselves.
bool isOfUtf8(const std::vector<HeaderParameter> &parameters);

} // namespace llmproxy
