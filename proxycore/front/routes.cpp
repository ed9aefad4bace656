// SPDX-License-Identifier: GPL-3.0-only
#include "front/routes.h"

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

} // namespace llmproxy
