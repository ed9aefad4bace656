// SPDX-License-Identifier: GPL-3.0-only
#include "front/routes.h"

#include "front/http_types.h"

#include <algorithm>

namespace llmproxy {

namespace {

struct Route
{
    std::string_view path;
    bool prefix;
    ServedBy by;
};

constexpr Route table[] = {
    {"/health", false, ServedBy::Management},  // open: the process answers
    {"/ready", false, ServedBy::Management},   // open: storage and encryption key are usable
    {"/manage", false, ServedBy::Management},
    {"/manage/", true, ServedBy::Management},  // resources: manage/route_table
    {"/metrics", false, ServedBy::Management},
    {"/", true, ServedBy::Exchange},           // /v1/…, /v1beta/…, /NAME/…; the rest is 404 there, in the path's dialect
};

} // namespace

ServedBy routeOf(std::string_view path)
{
    for (const Route &route : table) {
        if (route.prefix ? path.substr(0, route.path.size()) == route.path : path == route.path)
            return route.by;
    }
    return ServedBy::Exchange;
}

bool isOpenPath(std::string_view path)
{
    return path == "/health" || path == "/ready";
}

// Google's clients say so in a header, and use v1 as well as v1beta; its methods stand behind a colon, where OpenAI takes no POST.
bool speaksGemini(const RequestHead &head)
{
    const std::string_view path = head.path;
    if (path.starts_with("/v1beta/") || path.starts_with("/v1beta1/") || path.starts_with("/v1alpha/") || path.starts_with("/upload/v1beta/"))
        return true;
    if (!path.starts_with("/v1/"))
        return false;
    if (head.headers.find("x-goog-api-client")) // not x-goog-api-key: our token may stand in any of them
        return true;
    constexpr std::string_view parents[] = {"/v1/models/", "/v1/tunedModels/", "/v1/projects/", "/v1/publishers/"};
    return head.method == "POST" && path.find(':', path.rfind('/')) != path.npos
           && std::any_of(std::begin(parents), std::end(parents), [path](std::string_view one) { return path.starts_with(one); });
}

bool speaksAnthropic(const RequestHead &head)
{
    const std::string_view path = head.path;
    return path == "/v1/messages" || path.starts_with("/v1/messages/") || path == "/api/hello" || (path.starts_with("/v1/") && head.headers.find("anthropic-version"));
}

} // namespace llmproxy
