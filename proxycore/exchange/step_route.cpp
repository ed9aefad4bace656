// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

#include "base/ascii.h"
#include "base/percent.h"
#include "exchange/path_readings.h"
#include "front/routes.h"

namespace llmproxy {

namespace {

bool startsWith(std::string_view text, std::string_view prefix)
{
    return text.substr(0, prefix.size()) == prefix;
}

// RFC 3986 section 2.1: two hexadecimal digits follow each '%'.
bool hasHalfEscape(std::string_view path)
{
    for (size_t at = 0; (at = path.find('%', at)) != std::string_view::npos; ++at) {
        if (at + 2 >= path.size() || !isAsciiHexDigit(path[at + 1]) || !isAsciiHexDigit(path[at + 2]))
            return true;
    }
    return false;
}

// A base URL that ends in what the client adds by itself: "http://host/" or "http://host/v1" and then "/v1/…". Null: neither.
const char *baseUrlHint(std::string_view path)
{
    if (startsWith(path, "//"))
        return "the path begins with //; remove the slash at the end of the client's base URL";
    for (const std::string_view doubled : {"/v1/v1/", "/v1/v1beta/", "/v1beta/v1beta/", "/v1beta/v1/"}) {
        if (startsWith(path, doubled))
            return "the path has the API version twice: the client adds it to its base URL by itself; remove it from the end of the base URL (OPENAI_BASE_URL ends in /v1, "
                   "ANTHROPIC_BASE_URL and GOOGLE_GEMINI_BASE_URL do not)";
    }
    return nullptr;
}

// What two servers could resolve to different paths. A coded slash or dot alone is the provider's matter (ruling 10); where a rule
// judges the path, path_readings.h says what is made of it.
bool isAmbiguous(std::string_view path)
{
    // Nearly all paths: letters and single slashes.
    bool usual = true;
    for (size_t at = 0; at < path.size() && usual; ++at) {
        const char c = path[at];
        usual = c != '%' && c != ';' && c != '\\' && !(c == '/' && at + 1 < path.size() && (path[at + 1] == '/' || path[at + 1] == '.'));
    }
    if (usual)
        return false;
    if (hasHalfEscape(path))
        return true;
    const std::string text = lowerCased(path);
    for (const char *bad : {"\\", "%00", "%0a", "%0d", "%5c"}) {
        if (text.find(bad) != std::string::npos)
            return true;
    }
    const std::string decoded = percentDecoded(path);
    return decoded.find("//") != std::string::npos || decoded.find("/;") != std::string::npos || hasDotSegment(path);
}

} // namespace

// Ruling 10.
Verdict Exchange::findRoute()
{
    const std::string_view path = m_head.path;
    const std::string_view rest = path.substr(path.empty() ? 0 : 1);
    const std::string_view first = rest.substr(0, rest.find('/'));
    if (path == "*") // RFC 9110 section 9.3.7: OPTIONS about the server as a whole
        return answerOptions();
    if (const char *hint = baseUrlHint(path))
        return refuse(Reason::EndpointNotFound, hint);
    if (startsWith(path, "/openai/deployments/")) {
        m_route = {"", "azure", m_head.path};
    } else if (first.size() < rest.size() && m_context.profiles->find(first) != m_context.profiles->end()) {
        m_route = {std::string(first), "", std::string(path.substr(first.size() + 1))};
        if (const char *hint = baseUrlHint(m_route.rest))
            return refuse(m_route.rest.starts_with("//") ? Reason::BadRequest : Reason::EndpointNotFound, hint);
    } else if (speaksAnthropic(m_head)) {
        m_route = {"", "anthropic", m_head.path};
    } else if (speaksGemini(m_head)) {
        m_route = {"", "gemini", m_head.path};
    } else if (startsWith(path, "/model/")) {
        m_route = {"", "bedrock", m_head.path};
    } else if (startsWith(path, "/v1/")) {
        m_route = {"", "openai", m_head.path};
    } else {
        return refuse(Reason::EndpointNotFound, "nothing is served at this path; provider paths begin with /v1/ or a provider's name");
    }
    if (isAmbiguous(path))
        return refuse(Reason::BadRequest, "the path has //, a dot segment or a character code that servers read differently");
    return Verdict::Next;
}

} // namespace llmproxy
