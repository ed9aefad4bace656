// SPDX-License-Identifier: GPL-3.0-only
#include "manage/api.h"

#include "base/clock.h"
#include "manage/call.h"
#include "manage/resources.h"
#include "manage/route_table.h"

namespace llmproxy {

struct ManageApi::Private
{
    std::shared_ptr<ManageState> state = std::make_shared<ManageState>();
};

namespace {

ManageAnswer unknownRoute(const std::string &allow)
{
    if (allow.empty())
        return errorAnswer({ErrorKind::NotFound, "not_found", "There is no such resource.", {}});
    ManageAnswer answer = errorAnswer({ErrorKind::NotFound, "method_not_allowed",
                                       "This resource accepts only: " + allow + ".", {}});
    answer.status = 405;
    answer.allow = allow;
    return answer;
}

// Everything of the request but its body: that may hold a key and is not kept.
ManageRequest withoutBody(const ManageRequest &request)
{
    ManageRequest copy;
    copy.method = request.method;
    copy.path = request.path;
    copy.query = request.query;
    copy.contentType = request.contentType;
    copy.actor = request.actor;
    copy.isLocal = request.isLocal;
    copy.requestId = request.requestId;
    copy.clientIp = request.clientIp;
    copy.userAgent = request.userAgent;
    copy.isConditionFalse = request.isConditionFalse;
    copy.isUnchanged = request.isUnchanged;
    return copy;
}

// Events name known objects only; what {id} names is looked up once, here.
void nameTarget(ManageCall &call)
{
    const SnapshotPtr now = call.context().snapshots->current();
    if (call.route->target == RouteTarget::Project) {
        if (const ProjectPtr project = now->project(call.id))
            call.projectId = project->id;
    } else if (call.route->target == RouteTarget::Token) {
        if (const TokenPtr token = now->tokenById(call.id)) {
            call.projectId = token->projectId();
            call.tokenUuid = token->id();
            call.tokenMasked = token->masked();
        }
    }
}

// What is not there is 404 whatever the condition (RFC 9110 section 13.2.1).
bool isThere(const ManageCall &call)
{
    switch (call.route->target) {
    case RouteTarget::Project:
        return !call.projectId.empty();
    case RouteTarget::Token:
        return !call.tokenUuid.empty();
    case RouteTarget::None:
        break;
    }
    return true;
}

void failCondition(const CallPtr &call, bool isUnchanged)
{
    if (isUnchanged) {
        ManageAnswer same;
        same.status = 304;
        call->complete(std::move(same));
        return;
    }
    refuse(call, {ErrorKind::Precondition, "precondition_failed", "If-Match or If-None-Match does not hold: nothing here has entity tags.", {}});
}

} // namespace

ManageApi::ManageApi(ManageContext context) : d(std::make_unique<Private>())
{
    d->state->context = std::move(context);
    d->state->context.chain = &d->state->chain;
    // The first look at a million tokens takes 80 ms: not while somebody waits for the overview.
    if (const SnapshotHolder *const snapshots = d->state->context.snapshots)
        d->state->liveTokens.count(*snapshots->current(), Clock::wallMs());
}

void ManageApi::endJobs()
{
    d->state->checks.end();
    d->state->jobs.end();
    d->state->watching.end();
}

void ManageApi::watchChain()
{
    verifyNew(d->state, {});
}

void ManageApi::applyRetention()
{
    llmproxy::applyRetention(d->state);
}

ManageApi::~ManageApi() = default;

void ManageApi::handle(const ManageRequest &request, Complete complete)
{
    const RouteMatch match = matchRoute(request.method, request.path);
    if (!match.route) {
        complete(unknownRoute(match.allow));
        return;
    }
    const Route &route = *match.route;
    const auto call = std::make_shared<ManageCall>();
    call->state = d->state;
    call->request = withoutBody(request);
    call->route = &route;
    call->id = match.id;
    call->action = route.action;
    call->complete = std::move(complete);
    nameTarget(*call);

    if (request.method != "GET" && d->state->context.isDataGone()) {
        refuse(call, {ErrorKind::Unavailable, "service_unavailable", "The data directory was deleted or replaced while the server runs: nothing can be saved. Put it back, or restart the server.", {}});
        return;
    }
    if (request.isConditionFalse && isThere(*call)) {
        failCondition(call, request.isUnchanged && request.method == "GET");
        return;
    }
    auto query = QueryInput::parse(request.query, schemaNamed(route.query));
    if (!query) {
        refuse(call, query.error());
        return;
    }
    call->query = std::move(*query);
    if (!route.request.empty()) {
        auto input = JsonInput::parse(request.body, request.contentType, schemaNamed(route.request));
        if (!input) {
            refuse(call, input.error());
            return;
        }
        call->input = std::move(*input);
    }
    route.serve(call);
    call->input = {}; // wipes what the body held
}

std::vector<std::string> ManageApi::routes()
{
    std::vector<std::string> all;
    for (const Route &route : routeTable())
        all.push_back(std::string(route.method) + " " + std::string(route.path));
    return all;
}

} // namespace llmproxy
