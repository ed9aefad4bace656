// SPDX-License-Identifier: GPL-3.0-only
#include "manage/fields.h"

#include "manage/field_makers.h"

#include <algorithm>
#include <cstdlib>

namespace llmproxy {

using namespace declared;

namespace {

constexpr std::string_view apiKeyMeaning = "The provider's key, or a reference to it: env:NAME or file:/path. "
                                           "Write-only: no answer ever contains it.";
constexpr std::string_view baseUrlMeaning = "Overrides the provider profile's address. https://, or http:// to "
                                            "loopback and private addresses. A whole endpoint is shortened; a query is for Azure only.";
constexpr std::string_view versionMeaning = "Whether the server's paths have a version segment. true: /v1/chat/completions is added to base_url as it is; false: without /v1; "
                                            "null: base_url shows it.";
constexpr std::string_view environments = "development|test|testing|production";

Fields keyInputFields()
{
    return {text("provider", "Name of a provider profile; default openai."),
            secret("api_key", apiKeyMeaning), nullable(url("base_url", baseUrlMeaning)),
            nullable(flag("version_segment", versionMeaning))};
}

const Pairs &eitherListOrOne()
{
    static const Pairs pairs{{"provider", "providers"}, {"api_key", "providers"}, {"base_url", "providers"}, {"version_segment", "providers"}};
    return pairs;
}

Fields projectChangeFields()
{
    return Fields{choice("environment", environments, "What the project is for; testing is kept as test."),
                  objects("providers", "ProviderKeyInput",
                          "Several providers; the first is preferred. Instead of provider, api_key, base_url.", 1, 16),
                  nullable(list("allowed_models", "Globs of model names; empty: every model.")),
                  flag("is_active", "Requests of an inactive project's tokens are refused."),
                  unavailable("allowed_origins"), unavailable("param_whitelist"), unavailable("required_headers")}
         + keyInputFields();
}

void addProjectSchemas(std::vector<Schema> &all)
{
    all.push_back(input("ProviderKeyInput", "A provider with its key.", keyInputFields()));
    all.push_back(input("ProjectCreate", "A new project.",
                        Fields{identifier("id", "Chosen id; default: proj- and 12 characters."),
                               required(text("name", "Name shown in lists."))}
                            + projectChangeFields(), eitherListOrOne()));
    all.push_back(input("ProjectUpdate", "Fields to change; others stay. A key that is not given again stays.",
                        Fields{text("name", "Name shown in lists."),
                               flag("revoke_tokens", "With is_active false: also revokes every live token.")}
                            + projectChangeFields(), eitherListOrOne()));
    all.push_back(input("RotateKey", "A new key for one of the project's providers. Running streams go on.",
                        {required(secret("api_key", apiKeyMeaning)),
                         text("provider", "Which provider's key; default: the preferred one.")}));
    all.push_back(answer("ProviderKey", "A provider of a project.",
                         {text("provider", "Name of the provider profile."),
                          nullable(text("base_url", "Null: the profile's.", 2048)),
                          nullable(flag("version_segment", versionMeaning)),
                          nullable(text("api_key_masked", "Masked key, or the reference; null: none.")),
                          nullable(number("api_key_age_days", "Full days since the key was set.")),
                          {.name = "key_state", .meaning = "pending: the source of its reference has not answered yet. null: no key is stored.", .required = true, .nullable = true,
                           .values = "ready|pending|unusable"},
                          flag("needs_key", "The stored key cannot be decrypted, or its reference does not resolve.")}));
    all.push_back(answer("Project", "A project.",
                         {identifier("id", "Id of the project."), text("name", "Name."),
                          choice("environment", "development|test|production", "What it is for."),
                          flag("is_active", "False: requests are refused."),
                          text("provider", "The preferred provider."),
                          nullable(text("base_url", "The preferred provider's address; null: the profile's.", 2048)),
                          nullable(flag("version_segment", versionMeaning)),
                          nullable(text("api_key_masked", "The preferred provider's masked key or reference.")),
                          nullable(number("api_key_age_days", "Full days since that key was set.")),
                          objects("providers", "ProviderKey", "All providers, preferred first."),
                          list("allowed_models", "Globs; empty: every model."),
                          time("created_at", "When it was created."), time("updated_at", "Last change."),
                          nullable(time("deactivated_at", "Null while active."))}));
    all.back().fields.push_back(list("notes", "In the answer of a change: what was changed in its input, like a base_url that was shortened. Left out when nothing was."));
}

Fields tokenLimitFields()
{
    return {nullable(text("name", "Name shown in lists.")), nullable(text("note", "A remark.")),
            nullable(number("max_requests", "Requests in all, over the token's lineage; 0 or null: no limit.")),
            nullable(number("rate_limit", "Requests a minute; 0: no limit. Default: TOKEN_DEFAULT_RATE_LIMIT.", 0,
                            1'000'000)),
            nullable(number("max_concurrent", "Requests at the same time; 0 or null: no limit.", 0, 1'000'000)),
            nullable(list("allowed_models", "Globs of model names; empty: every model.")),
            nullable(list("allowed_endpoints", "Globs of paths, each beginning with /; empty: every path.")),
            nullable(list("allowed_ips", "Client addresses and networks (CIDR); empty: every address.")),
            unavailable("token_rate_limit"), unavailable("budget"), unavailable("allowed_origins"),
            unavailable("param_whitelist"), unavailable("required_headers")};
}

Fields tokenAnswerFields()
{
    return {text("id", "Id (UUID)."), text("lineage", "Id of the first token of the refresh chain."),
            identifier("project_id", "Its project."), nullable(text("name", "Name.")),
            nullable(text("note", "Remark.")), text("token_masked", "Masked form; the whole is shown once only."),
            choice("state", "active|grace|expired|revoked",
                   "grace: refreshed, still valid for a while; expired includes the end of that."),
            time("created_at", "When it was created."), time("expires_at", "When it ends."),
            nullable(time("revoked_at", "When it was revoked.")),
            nullable(time("grace_until", "Refreshed: valid until then.")),
            nullable(time("last_used_at", "Last request of its lineage.")),
            nullable(number("max_requests", "Null: no limit.")), number("rate_limit", "Requests a minute; 0: none."),
            nullable(number("max_concurrent", "Null: no limit.")), list("allowed_models", "Empty: every model."),
            list("allowed_endpoints", "Empty: every path."), list("allowed_ips", "Empty: every address."),
            number("request_count", "Counted requests of the lineage."),
            number("prompt_tokens", "Model tokens sent, of the lineage."),
            number("completion_tokens", "Model tokens received, of the lineage.")};
}

void addTokenSchemas(std::vector<Schema> &all)
{
    all.push_back(input("TokenCreate", "A new access token; duration_minutes or expires_at, not both.",
                        Fields{required(identifier("project_id", "Its project; active.")),
                               number("duration_minutes", "Lifetime; default TOKEN_DEFAULT_LIFETIME, at most "
                                                          "TOKEN_MAX_LIFETIME.", 1, minutesOfCentury),
                               time("expires_at", "When it ends; at most TOKEN_MAX_LIFETIME from now."),
                               text("isolation", "How the command that gets the token is isolated, for the event; llm-proxy run sends it.")}
                            + tokenLimitFields(), {{"duration_minutes", "expires_at"}}));
    all.push_back(input("TokenUpdate", "Fields to change; others stay. Null clears one.",
                        Fields{time("expires_at", "At most TOKEN_MAX_LIFETIME from its creation.")}
                            + tokenLimitFields()));
    all.push_back(input("TokenRefresh", "How long the old token stays valid; one of these, default 10 minutes.",
                        {number("grace_minutes", "0: it ends at once.", 0, minutesOfCentury),
                         number("grace_seconds", "0: it ends at once.", 0, minutesOfCentury * 60),
                         duration("grace", "A duration: 30s, 10m, 2h.")},
                        {{"grace_minutes", "grace_seconds"}, {"grace", "grace_minutes"}, {"grace", "grace_seconds"}}));
    all.push_back(input("AuditReview", "What the person who looked has to say.", {text("note", "For the record; credentials in it are masked.", 1000)}));
    all.push_back(input("AuditCleanup", "What is old.", {required(duration("older_than", "A duration, like 90d."))}));
    all.push_back(input("TokenValidate", "A token to look at; it is not used.",
                        {required(text("token", "The whole token.", 8192))}));
    all.push_back(input("Nothing", "No fields.", {}));
    all.push_back(answer("Token", "An access token, without its secret.", tokenAnswerFields()));
    const Field whole = secret("token", "The whole token: shown in this answer only.");
    all.push_back(answer("TokenCreated", "A new access token.", tokenAnswerFields() + Fields{whole}));
    all.push_back(answer("PreviousToken", "The refreshed token.",
                         {text("id", "Its id."), time("valid_until", "It is refused from then on.")}));
    all.push_back(answer("TokenRefreshed", "The successor.",
                         tokenAnswerFields() + Fields{whole, object("previous", "PreviousToken", "The old one.")}));
    all.push_back(answer("Validation", "Whether a token would be accepted now.",
                         {flag("valid", "True: it would."),
                          {.name = "reason", .meaning = "Why not; null when valid.", .nullable = true,
                           .values = "malformed|unknown|revoked|expired|project_inactive"}}));
    all.push_back(answer("BulkRevoked", "What a bulk revocation did.",
                         {number("revoked_count", "Tokens that were live."),
                          number("already_revoked_count", "Tokens that had been revoked before."),
                          number("streams_cut", "Running requests that were ended.")}));
}

void addReportSchemas(std::vector<Schema> &all)
{
    const Field events = number("events", "Events."), count = number("count", "Of what they stand for: refusals are counted in one event.");
    const Fields what{text("action", "What."), text("result", "How it ended.")};
    all.push_back(answer("AuditCount", "How often something was done.", what + Fields{events, count}));
    all.push_back(answer("AuditFailure", "What failed, by reason and project.",
                         what + Fields{text("reason", "Why.", 8192), text("project_id", "Its project; empty: none."), events, count,
                                       time("first_at", "The first of them."), time("last_at", "The last.")}));
    all.push_back(answer("AuditReport", "With format json; text in the other formats.",
                         {time("generated_at", "When."), nullable(time("from", "Null: from the beginning of the log.")), nullable(time("to", "Null: up to now.")),
                          events, number("first_seq", "First event; 0: none."), text("first_hash", "Its hash.", 64), number("last_seq", "Last event."),
                          text("last_hash", "Its hash.", 64), object("chain", "AuditCheck", "Whether the log is what was written."),
                          objects("counts", "AuditCount", "All events, by action and result."), objects("failures", "AuditFailure", "What failed."),
                          objects("rotations", "AuditEvent", "Of provider keys, the management token, the encryption key."),
                          objects("reviews", "AuditEvent", "Who looked, and when."), objects("operations", "AuditEvent", "Changes, and what was done with the log itself; at most 5,000."),
                          number("operations_unlisted", "Further ones.")}));
}

void addOtherSchemas(std::vector<Schema> &all)
{
    all.push_back({"AuditEvent", SchemaUse::Answer, "One audit event; texts without a value are left out.",
                   {required(number("id", "Its seq.", 1)), required(time("timestamp", "When.")),
                    required(text("action", "What, e.g. token.create.")),
                    required(text("actor", "management, client, console, cli or system.")),
                    text("project_id", "Its project."), text("request_id", "The request that caused it."),
                    text("client_ip", "Where that came from."),
                    required(choice("result", "success|failure|denied|error", "How it ended.")),
                    required({.name = "details", .kind = FieldKind::Map, .meaning = "More, by action."}),
                    required(number("seq", "Place in the chain.", 1)), required(text("prev", "Hash before it.")),
                    required(text("hash", "SHA-256 of its line and the hash before."))}});
    all.push_back(answer("DoctorItem", "One check.",
                         {text("id", "Stable name."), text("title", "What is checked."),
                          choice("state", "pass|warn|fail", "Result."), text("evidence", "What was found.", 4000),
                          text("fix", "What to do; empty when nothing.", 4000)}));
    all.push_back(answer("DoctorSummary", "Counts.", {number("pass", "Good."), number("warn", "To look at."),
                                                      number("fail", "To mend.")}));
    all.push_back(answer("Doctor", "The security checklist.",
                         {objects("items", "DoctorItem", "All checks."),
                          object("summary", "DoctorSummary", "Counts by state.")}));
    all.push_back(answer("Overview", "The server at a glance.",
                         {text("version", "Program version."), text("listen", "Listen addresses, separated by commas.", 65536), text("url", "Where clients on this machine reach it.", 300),
                          time("time", "The server's clock."), flag("ready", "Storage and encryption key usable."),
                          number("projects", "Projects."), number("projects_active", "Active ones."),
                          number("tokens", "Tokens kept, ended ones included."), number("tokens_live", "Live tokens."),
                          number("active_streams", "Running requests."), time("started_at", "When it was started."),
                          real("requests_per_second", "Over the last ten seconds."), number("requests_24h", "Requests that ended in the last 24 hours."),
                          number("errors_24h", "Of them, those with an error."), number("denied_24h", "Of them, those that were refused."),
                          number("prompt_tokens_24h", "Model tokens sent with them."), number("completion_tokens_24h", "Model tokens received."),
                          flag("audit_enabled", "Auditing is on."),
                          flag("audit_healthy", "Audit events can be written."),
                          number("audit_last_seq", "Newest audit event."),
                          list("providers", "Names of the provider profiles.")}));
    all.push_back(answer("LiveRequest", "A request that runs, or has just ended.",
                         {text("id", "Id (UUID) of this request alone; DELETE /manage/requests/{id} takes it."),
                          text("request_id", "Its X-Request-ID, the client's where it sent one; as in audit events.", 128), choice("phase", "receiving|waiting|streaming|ended", "How far it is; waiting: for the provider."),
                          time("started_at", "When its head was read."), number("duration_ms", "Since then."),
                          nullable(number("first_byte_ms", "From the start to the provider's first byte.")), text("http_method", "Method."),
                          text("endpoint", "Path, without the query.", 8192), nullable(text("client_ip", "Client address.")),
                          nullable(text("token_uuid", "Access token.")), nullable(text("token_masked", "Access token, masked.")),
                          nullable(text("project_id", "Project.")), nullable(text("provider", "Provider profile.")),
                          nullable(text("model", "Model that was asked for.", 512)), nullable(number("status", "Status that was answered.")),
                          number("request_bytes", "Body bytes from the client."), number("response_bytes", "Body bytes to the client."),
                          nullable(number("prompt_tokens", "As far as the provider told.")),
                          nullable(number("completion_tokens", "As far as the provider told.")),
                          number("streamed_events", "Of a stream so far; most providers send about one model token with each."),
                          nullable(text("result", "When ended: success, failure, denied or error.")),
                          nullable(text("reason", "When ended otherwise than well."))}));
    all.push_back(answer("LiveRequests", "The data of each event.",
                         {time("time", "The server's clock."), number("running_count", "Running requests; running has at most 1,000 of them."),
                          objects("running", "LiveRequest", "What runs, the oldest first."),
                          objects("ended", "LiveRequest", "What ended since the event before.")}));
    all.push_back(answer("Alert", "The data of each event named alert, and the body of a webhook.",
                         {time("time", "When."), choice("rule", "auth_failures|denied_burst|revoked_token|new_address|new_client|unusual_hour|unusual_volume|"
                                                           "audit_file_removed|audit_file_replaced|audit_file_cut|audit_file_truncated|rows_lost|database_restored", "Which rule."),
                          text("message", "One sentence.", 1000), nullable(text("client_ip", "Client address.")), nullable(text("project_id", "Project.")),
                          nullable(text("token_uuid", "Access token.")), nullable(text("token_masked", "Access token, masked.")),
                          nullable(number("count", "How often; without a threshold, how many alerts of this rule about the same token or address were held back.")), nullable(number("threshold", "From when on that is too often.")),
                          nullable(number("window_seconds", "In which time.")), number("seq", "The audit event that raised it.")}));
    all.push_back({"ErrorBody", SchemaUse::Answer, "What was wrong.",
                   {required(text("code", "Machine word.")), required(text("message", "A sentence.", 4000)),
                    text("field", "The field, parameter or header it is about.")}});
    all.push_back(answer("AuditProblem", "What is wrong.",
                         {number("seq", "First event that it is about."), choice("kind", "changed|missing|reordered|cut|signature|unreadable|differs", "What kind."),
                          text("message", "One sentence.", 1000)}));
    all.push_back(answer("AuditCheckPart", "What was found in the files, or in the table.",
                         {number("events", "Events read."), number("first_seq", "First event."), number("last_seq", "Last event."),
                          text("last_hash", "Its hash; empty: no event.", 64), number("checkpoints", "Checkpoints with a good signature."),
                          number("signed_to_seq", "Events after this one are chained, but not signed yet."),
                          number("problem_count", "Problems in all."), objects("problems", "AuditProblem", "The first hundred.")}));
    all.push_back(answer("AuditCheck", "Whether the audit log is what was written.",
                         {flag("valid", "Nothing is wrong."), nullable(number("first_bad_seq", "First event with a problem.")),
                          nullable(text("problem", "What it is.", 1000)), nullable(object("file", "AuditCheckPart", "The files; null: none.")),
                          nullable(object("table", "AuditCheckPart", "The table; null: none.")),
                          nullable(number("table_to_seq", "Events after this one were not in the table yet when the check began; null: no table.")), number("duration_ms", "How long it took.")}));
    addReportSchemas(all);
    all.push_back(answer("AuditCleaned", "What was removed.",
                         {number("rows", "Audit rows."), number("from_seq", "First of them; 0: none."), number("to_seq", "Last of them.")}));
    all.push_back(answer("AuditReviewed", "What was looked at.",
                         {number("from_seq", "First event since the last review."), number("to_seq", "Newest event."), text("to_hash", "Its hash.", 64)}));
    all.push_back(answer("AuditFacet", "A value and how often it is there.",
                         {text("kind", "The log's key."), text("value", "The value.", 8192), number("events", "Events; by days in UTC, those at the ends of the time count whole.")}));
    all.push_back(answer("AuditFacets", "Of each kind the twenty most frequent values, most first.", {objects("items", "AuditFacet", "Values.")}));
    all.push_back(answer("OwnFile", "A place that the server keeps to itself.",
                         {text("path", "Absolute; it need not exist.", 4096), choice("kind", "folder|file|files", "files: also those beside it whose names begin with its name."),
                          text("what", "What is there.")}));
    all.push_back(answer("FilesList", "What llm-proxy run hides from its command.", {objects("items", "OwnFile", "Places.")}));
    all.push_back(answer("JobProgress", "A running job, or the last one.",
                         {flag("running", "It runs."), number("events_done", "Events looked at."), number("events_total", "Of so many.")}));
    all.push_back(answer("AuditPublicKey", "Public keys of checkpoints, the newest last.",
                         {text("algorithm", "Ed25519."), list("public_keys", "PEM.")}));
    all.push_back(answer("Error", "Every refusal.", {object("error", "ErrorBody", "What was wrong.")}));
    const Field next = nullable(text("next_cursor", "Give it back as cursor for the next page; null: the end.", 4000));
    all.push_back(answer("ProjectList", "A page.", {objects("items", "Project", "Projects."), next}));
    all.push_back(answer("TokenList", "A page.", {objects("items", "Token", "Tokens."), next}));
    all.push_back(answer("AuditList", "A page, newest first unless sort says otherwise.", {objects("items", "AuditEvent", "Events."), next}));
}

void addQueries(std::vector<Schema> &all)
{
    Field cursor = text("cursor", "next_cursor of the page before; empty: the first page.", 4000);
    cursor.minimum = 0;
    const Fields page{number("limit", "Items a page; default 50.", 1, 200), cursor};
    const Fields named{text("q", "Part of the name, upper and lower case alike."),
                       choice("sort", "created_at|-created_at|name|-name", "Order; default -created_at.")};
    all.push_back(query("NoQuery", {}));
    all.push_back(query("ProjectQuery", page + named + Fields{choice("state", "active|inactive", "Only these.")}));
    all.push_back(query("TokenQuery", page + named
                            + Fields{choice("state", "active|grace|expired|revoked|live", "Only these; live: active "
                                                                                          "or in grace."),
                                     identifier("project_id", "Only this project's.")}));
    all.push_back(query("TokenDeleteQuery",
                        {flag("purge", "Removes a revoked or expired token instead of revoking it.")}));
    all.push_back(query("AuditFacetQuery", {time("from", "From then on."), time("to", "Before then.")}));
    const Fields which{text("action", "Exact, or a prefix ending in '.' or '*'."),
                       choice("actor", "management|client|console|cli|system", "Who."),
                       choice("result", "success|failure|denied|error", "How it ended."),
                       text("project_id", "Project."), text("request_id", "Request."),
                       text("client_ip", "Client address as written in the event."),
                       text("token_id", "Masked form or UUID."),
                       number("status", "Status that the client got.", 100, 599), text("model", "Model."),
                       text("q", "Part of a value of the event, such as its endpoint or user agent; upper and lower case alike."),
                       time("from", "From then on."), time("to", "Before then.")};
    all.push_back(query("AuditQuery", page + which + Fields{choice("sort", "created_at|-created_at", "Order; default -created_at."),
                                                            text("around", "The page begins here: a seq, or a time. Not with cursor.", 40)}));
    all.push_back(query("AuditReportQuery", {time("from", "From then on."), time("to", "Before then."), choice("format", "html|csv|json", "Default: html.")}));
    all.push_back(query("AuditExportQuery", which + Fields{choice("format", "jsonl|csv", "Default: jsonl, the log's exact lines."),
                                                           flag("proof", "With a signed proof of the slice as one more line at the end.")}));
}

std::vector<Schema> declare()
{
    std::vector<Schema> all;
    addProjectSchemas(all);
    addTokenSchemas(all);
    addOtherSchemas(all);
    addQueries(all);
    addSettingsSchemas(all);
    addUsageSchemas(all);
    return all;
}

} // namespace

const Field *Schema::field(std::string_view fieldName) const
{
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field &f) { return f.name == fieldName; });
    return found == fields.end() ? nullptr : &*found;
}

const std::vector<Schema> &schemas()
{
    static const std::vector<Schema> all = declare();
    return all;
}

const Schema &schemaNamed(std::string_view name)
{
    for (const Schema &schema : schemas()) {
        if (schema.name == name)
            return schema;
    }
    std::abort(); // a misspelt name in our own tables; found by the first test
}

} // namespace llmproxy
