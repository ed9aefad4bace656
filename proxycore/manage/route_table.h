// SPDX-License-Identifier: GPL-3.0-only
// Every management route once: dispatch, audit, description and route list come from these lines.
// Thread: immutable.
#pragma once

#include "audit/actions.h"
#include "manage/call.h"

#include <string_view>
#include <vector>

namespace llmproxy {

enum class RouteTarget { None, Project, Token };

struct Route
{
    std::string_view method;
    std::string_view path;      // "/manage/projects/{id}"
    std::string_view operation; // operationId
    std::string_view summary;
    Action action = Action::None; // of its audit event, whose kind says how it is recorded; None: there is no event
    RouteTarget target = RouteTarget::None; // what {id} names
    std::string_view query;     // schema of the parameters
    std::string_view request;   // schema of the body; empty: none is read
    int status = 200;
    std::string_view answer;    // schema
    void (*serve)(const CallPtr &call) = nullptr;
    std::string_view content = "application/json"; // of the answer, several with '|'; a stream's schema is that of each event's data
};

// The call is answered when its event is durable, and a refused one has an event, too.
inline bool waitsForEvent(const Route &route)
{
    return route.action != Action::None && rowOf(route.action).kind != ActionKind::Read;
}

const std::vector<Route> &routeTable();

struct RouteMatch
{
    const Route *route = nullptr;
    std::string id;
    std::string allow; // methods of a known path, when the method is not one of them
};
RouteMatch matchRoute(std::string_view method, std::string_view path);

// A path as it may stand in an event: credentials masked, at most 256 characters.
std::string quotablePath(std::string_view path);

} // namespace llmproxy
