// SPDX-License-Identifier: GPL-3.0-only
// A base URL taken apart, and how the path and query of a request are joined with it. Which parts of a pasted URL belong to it, and
// what kind of server answers there, is known to provider_url.h. Thread: values.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace llmproxy {

// What becomes of the version segment of a request's path ("/v1/chat/completions"), ruling 10.
enum class PathForm : uint8_t {
    ByBasePath,     // dropped when the base path ends in a version segment or in /openai
    WithVersion,    // always kept
    WithoutVersion, // a leading /v1 is always dropped
    Azure,          // everything is below /openai
};

struct BaseUrl
{
    bool tls = true;
    std::string host; // lower case, IDNA, without brackets
    uint16_t port = 443;
    std::string path;  // "" or "/v1": no slash at its end, coded as a request line needs it
    std::string query = {}; // "" or "api-version=2024-10-21"
    PathForm form = PathForm::ByBasePath;

    std::string authority() const; // as for the Host header
    std::string origin() const;    // "https://api.openai.com:443": always with its port
    std::string text() const;      // one spelling for all that lead to the same place; parseBaseUrl() reads it back
};

// The error is what is wrong, without a subject: "must …".
Result<BaseUrl> parseBaseUrl(std::string_view url);
// "v1", "v1beta", "v4".
bool isVersionSegment(std::string_view segment);
// The path of a request at this base URL. rest begins with a slash.
std::string joinPath(const BaseUrl &base, std::string_view rest);
// The query of a request, as it came, with the parameters of the base URL's that it does not have.
std::string joinQuery(std::string_view query, std::string_view ofBaseUrl);

} // namespace llmproxy
