// SPDX-License-Identifier: GPL-3.0-only
#include "manage/route_table.h"

#include "audit/masking.h"
#include "manage/resources.h"

namespace llmproxy {

namespace {

std::vector<Route> declare()
{
    constexpr auto project = RouteTarget::Project;
    constexpr auto token = RouteTarget::Token;
    constexpr auto none = RouteTarget::None;
    return {
        {"GET", "/manage/projects", "listProjects", "Lists projects.", Action::ProjectList, none, "ProjectQuery", "",
         200, "ProjectList", listProjects},
        {"POST", "/manage/projects", "createProject", "Creates a project.", Action::ProjectCreate, none, "NoQuery",
         "ProjectCreate", 201, "Project", createProject},
        {"GET", "/manage/projects/{id}", "readProject", "Shows a project.", Action::ProjectRead, project, "NoQuery",
         "", 200, "Project", readProject},
        {"PATCH", "/manage/projects/{id}", "updateProject", "Changes a project.", Action::ProjectUpdate, project,
         "NoQuery", "ProjectUpdate", 200, "Project", updateProject},
        {"DELETE", "/manage/projects/{id}", "deleteProject",
         "Hides an inactive project without live tokens and forgets its keys.", Action::ProjectDelete, project,
         "NoQuery", "", 200, "Project", deleteProject},
        {"POST", "/manage/projects/{id}/rotate-key", "rotateProjectKey", "Replaces a provider key.", Action::ProjectRotateKey, project, "NoQuery", "RotateKey", 200, "Project", rotateProjectKey},
        {"POST", "/manage/projects/{id}/tokens/revoke", "revokeProjectTokens", "Revokes all tokens of a project.",
         Action::TokenRevokeBatch, project, "NoQuery", "Nothing", 200, "BulkRevoked", revokeProjectTokens},
        {"GET", "/manage/tokens", "listTokens", "Lists tokens.", Action::TokenList, none, "TokenQuery", "", 200,
         "TokenList", listTokens},
        {"POST", "/manage/tokens", "createToken", "Creates a token and shows it once.", Action::TokenCreate, none,
         "NoQuery", "TokenCreate", 201, "TokenCreated", createToken},
        {"GET", "/manage/tokens/{id}", "readToken", "Shows a token.", Action::TokenRead, token, "NoQuery", "", 200,
         "Token", readToken},
        {"PATCH", "/manage/tokens/{id}", "updateToken", "Changes name, note, limits or expiry.", Action::TokenUpdate, token, "NoQuery", "TokenUpdate", 200, "Token", updateToken},
        {"DELETE", "/manage/tokens/{id}", "revokeToken",
         "Revokes a token and its lineage; with purge removes a revoked or expired one.", Action::TokenRevoke,
         token, "TokenDeleteQuery", "", 200, "Token", revokeToken},
        {"POST", "/manage/tokens/{id}/refresh", "refreshToken", "Issues a successor and shows it once.", Action::TokenRefresh, token, "NoQuery", "TokenRefresh", 201, "TokenRefreshed", refreshToken},
        {"POST", "/manage/tokens/validate", "validateToken", "Says whether a token would be accepted.", Action::TokenValidate, none, "NoQuery", "TokenValidate", 200, "Validation", validateToken},
        {"GET", "/manage/audit", "listAudit", "Lists audit events, newest first.", Action::AuditRead, none,
         "AuditQuery", "", 200, "AuditList", listAudit},
        {"POST", "/manage/audit/verify", "verifyAudit", "Holds the audit log's files and table against their chain and each other.", Action::AuditVerify, none, "NoQuery", "Nothing", 200, "AuditCheck", verifyAudit},
        {"GET", "/manage/audit/verify", "readVerifyProgress", "How far a running verification is.", Action::None, none, "NoQuery", "", 200,
         "JobProgress", readVerifyProgress},
        {"POST", "/manage/audit/review", "reviewAudit", "Records that a person looked at the audit log up to now.", Action::AuditReview, none, "NoQuery",
         "AuditReview", 201, "AuditReviewed", reviewAudit},
        {"GET", "/manage/audit/facets", "readAuditFacets", "The most frequent values of each kind, with their counts.", Action::AuditRead, none,
         "AuditFacetQuery", "", 200, "AuditFacets", readAuditFacets},
        {"POST", "/manage/audit/cleanup", "cleanUpAudit", "Removes old audit rows; what remains still verifies.", Action::AuditCleanup, none, "NoQuery",
         "AuditCleanup", 200, "AuditCleaned", cleanUpAudit},
        {"GET", "/manage/audit/export", "exportAudit", "Streams events, oldest first: the log's exact lines, or CSV.", Action::AuditExport, none,
         "AuditExportQuery", "", 200, "", exportAudit, "application/jsonl|text/csv"},
        {"GET", "/manage/audit/report", "reportAudit", "What was done, failed, rotated and reviewed in a time, and whether the chain holds.", Action::AuditExport,
         none, "AuditReportQuery", "", 200, "AuditReport", reportAudit, "text/html|text/csv|application/json"},
        {"GET", "/manage/audit/public-key", "readAuditPublicKey", "What checks the signatures of checkpoints.", Action::None, none, "NoQuery", "", 200,
         "AuditPublicKey", readAuditPublicKey},
        {"GET", "/manage/audit/{id}", "readAudit", "Shows an audit event.", Action::AuditRead, none, "NoQuery", "",
         200, "AuditEvent", readAudit},
        {"GET", "/manage/doctor", "readDoctor", "Checks this installation.", Action::DoctorRead, none, "NoQuery", "",
         200, "Doctor", readDoctor},
        {"GET", "/manage/usage", "readUsage", "How much was used, by project, token, model, provider or time.", Action::UsageRead, none, "UsageQuery", "",
         200, "Usage", readUsage},
        {"GET", "/manage/overview", "readOverview", "The server at a glance.", Action::None, none, "NoQuery", "", 200,
         "Overview", readOverview},
        {"GET", "/manage/files", "readFiles", "Where the server keeps keys, data and logs.", Action::None, none, "NoQuery", "", 200,
         "FilesList", readFiles},
        {"GET", "/manage/settings", "readSettings", "All settings: in use, saved, and what each accepts.", Action::None, none, "NoQuery", "", 200,
         "SettingsList", readSettings},
        {"PATCH", "/manage/settings", "updateSettings", "Saves settings, or with check_only says what is wrong with them.", Action::ConfigUpdate, none,
         "NoQuery", "SettingsUpdate", 200, "SettingsUpdated", updateSettings},
        {"POST", "/manage/providers/check", "checkProvider", "Asks a provider for its models, to see whether it accepts a key.", Action::ProviderCheck, none, "NoQuery",
         "ProviderCheck", 200, "ProviderChecked", checkProvider},
        {"GET", "/manage/events", "watchRequests", "Streams what runs, as server-sent events named requests, and what is raised, as events named alert (schema Alert).", Action::None, none,
         "NoQuery", "", 200, "LiveRequests", readEvents, "text/event-stream"},
        {"DELETE", "/manage/requests/{id}", "killRequest", "Ends a running request.", Action::RequestCancel, none, "NoQuery", "", 200,
         "LiveRequest", killRequest},
        {"GET", "/manage/openapi.json", "readOpenApi", "This description.", Action::None, none, "NoQuery", "", 200, "",
         readOpenApi},
    };
}

std::string_view takeSegment(std::string_view &path)
{
    path.remove_prefix(1); // '/'
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

// Segment by segment; {id} takes any that is not empty.
bool matches(std::string_view pattern, std::string_view path, std::string_view &id)
{
    if (path.empty() || path.front() != '/')
        return false;
    while (!pattern.empty() && !path.empty()) {
        const std::string_view wanted = takeSegment(pattern);
        const std::string_view given = takeSegment(path);
        if (wanted == "{id}" && !given.empty())
            id = given;
        else if (wanted != given)
            return false;
    }
    return pattern.empty() && path.empty();
}

} // namespace

const std::vector<Route> &routeTable()
{
    static const std::vector<Route> table = declare();
    return table;
}

RouteMatch matchRoute(std::string_view method, std::string_view path)
{
    RouteMatch found;
    bool literal = false; // "/manage/tokens/validate" is no token id
    for (const bool withId : {false, true}) {
        for (const Route &route : routeTable()) {
            std::string_view id;
            if (literal || !matches(route.path, path, id) || id.empty() == withId)
                continue;
            if (route.method == method)
                return {&route, std::string(id), {}};
            found.allow += found.allow.empty() ? "" : ", ";
            found.allow += route.method;
        }
        literal = !found.allow.empty();
    }
    return found;
}

std::string quotablePath(std::string_view path)
{
    return redactPath(path.substr(0, 256));
}

} // namespace llmproxy
