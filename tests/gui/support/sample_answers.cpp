// SPDX-License-Identifier: GPL-3.0-only
#include "sample_answers.h"

#include <QDateTime>
#include <QJsonArray>

namespace llmproxy::test {

using namespace Qt::StringLiterals;
using ui::Reply;

namespace {

QString at(qint64 secondsFromNow)
{
    return QDateTime::currentDateTimeUtc().addSecs(secondsFromNow).toString(Qt::ISODateWithMs);
}

QJsonObject check(const QString &id, const QString &title, const QString &state)
{
    return {{u"id"_s, id}, {u"title"_s, title}, {u"state"_s, state}, {u"evidence"_s, u"Seen: "_s + title + u'.'}, {u"fix"_s, state == u"pass"_s ? QString() : u"Do it."_s}};
}

QJsonObject setting(const QString &name, const QString &group, const QJsonValue &value, const QJsonValue &saved, const QJsonValue &whyNotSaved = {}, const QString &mayChange = u"yes"_s)
{
    return {{u"name"_s, name}, {u"value"_s, value}, {u"default"_s, u"100"_s}, {u"accepts"_s, u"a number"_s}, {u"choices"_s, name == "LOG_LEVEL"_L1 ? QJsonArray{u"debug"_s, u"info"_s} : QJsonArray()}, {u"meaning"_s, u"what "_s + name + u" is for"_s}, {u"group"_s, group},
            {u"secret"_s, name == "MANAGEMENT_TOKEN"_L1}, {u"origin"_s, saved.isNull() ? u"default"_s : u"saved"_s}, {u"saved"_s, saved}, {u"why_not_saved"_s, whyNotSaved},
            {u"may_change"_s, whyNotSaved.isNull() ? mayChange : u"no"_s}, {u"needs_restart"_s, true}, {u"is_set"_s, !saved.isNull()}};
}

QJsonObject merged(QJsonObject one, const QJsonObject &more)
{
    for (auto it = more.begin(); it != more.end(); ++it)
        one.insert(it.key(), it.value());
    return one;
}

QJsonObject counts(int requests)
{
    QJsonObject parts;
    for (const char *part : {"cache_write_tokens", "cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens", "image_input_tokens", "image_output_tokens", "searches", "seconds", "pages", "estimated"})
        parts.insert(QLatin1String(part), 0);
    return merged(parts, {{u"requests"_s, requests}, {u"errors"_s, requests / 10}, {u"denied"_s, requests / 5}, {u"prompt_tokens"_s, requests * 30}, {u"completion_tokens"_s, requests * 90}, {u"cached_tokens"_s, requests * 20}, {u"reasoning_tokens"_s, requests * 40},
            {u"duration_ms_mean"_s, 420}, {u"duration_ms_p50"_s, 350}, {u"duration_ms_p95"_s, 900}});
}

Reply usage(const Call &call)
{
    const QString by = call.value(u"by"_s).isEmpty() ? u"project"_s : call.value(u"by"_s);
    QJsonArray items;
    for (int i = 0; i < 3; ++i)
        items.append(merged(counts(100 - i * 30), by == "time"_L1 ? QJsonObject{{u"key"_s, QJsonValue()}, {u"time"_s, at((i - 3) * 3600)}} : QJsonObject{{u"key"_s, u"proj-%1"_s.arg(i + 1)}, {u"time"_s, QJsonValue()}}));
    return {200, {{u"from"_s, at(-86400)}, {u"to"_s, at(0)}, {u"by"_s, by}, {u"step"_s, by == "time"_L1 ? QJsonValue(u"hour"_s) : QJsonValue()}, {u"whole_since_seq"_s, 1}, {u"items"_s, items}, {u"total"_s, counts(210)}}, {}};
}

// The newest first, or the oldest; a page of a filtered list by its cursor, or the page around an event.
Reply audit(const Call &call)
{
    const int limit = call.value(u"limit"_s).toInt();
    QJsonArray items;
    if (call.value(u"sort"_s) == "created_at"_L1)
        return {200, merged(list({sampleEvent(1)}), {}), {}};
    qint64 first = sampleEvents;
    if (const QString around = call.value(u"around"_s); !around.isEmpty())
        first = std::min(sampleEvents, around.toLongLong());
    if (const QString cursor = call.value(u"cursor"_s); !cursor.isEmpty())
        first = cursor.toLongLong();
    qint64 seq = first;
    for (; seq > 0 && items.size() < limit; --seq)
        items.append(sampleEvent(seq));
    QJsonObject page = list(items);
    page.insert(u"next_cursor"_s, seq > 0 ? QJsonValue(QString::number(seq)) : QJsonValue());
    return {200, page, {}};
}

QJsonObject verified()
{
    const QJsonObject part{{u"events"_s, sampleEvents}, {u"first_seq"_s, 1}, {u"last_seq"_s, sampleEvents}, {u"last_hash"_s, u"ab"_s}, {u"checkpoints"_s, 2}, {u"signed_to_seq"_s, 990},
                           {u"problem_count"_s, 0}, {u"problems"_s, QJsonArray()}};
    return {{u"valid"_s, true}, {u"first_bad_seq"_s, QJsonValue()}, {u"problem"_s, QJsonValue()}, {u"file"_s, part}, {u"table"_s, part}, {u"table_to_seq"_s, sampleEvents}, {u"duration_ms"_s, 1'200}};
}

QJsonArray settings()
{
    return {setting(u"MAX_HEADER_COUNT"_s, u"Limits"_s, u"30"_s, u"30"_s), setting(u"MAX_CONNECTIONS"_s, u"Limits"_s, u"100"_s, {}),
            setting(u"LOG_LEVEL"_s, u"Logging"_s, u"info"_s, {}), setting(u"DATA_DIR"_s, u"Storage"_s, u"/srv"_s, {}, u"says where the saved settings are"_s),
            setting(u"MANAGEMENT_TOKEN"_s, u"Management"_s, {}, {}, u"is a secret"_s), setting(u"TRUSTED_PROXIES"_s, u"Network"_s, u"10.0.0.1"_s, {}, {}, u"no"_s),
            setting(u"KEEPALIVE_TIMEOUT"_s, u"Network"_s, u"75s"_s, {}, {}, u"lower"_s)};
}

void addLists(FakeServer &server)
{
    server.answer("GET", u"/manage/overview"_s, 200, sampleOverview());
    server.answer("GET", u"/manage/projects"_s, 200, list({sampleProject(u"proj-1"_s, u"Search team"_s), sampleProject(u"proj-2"_s, u"Agents"_s), sampleProject(u"proj-3"_s, u"Old"_s, false)}));
    server.answer("GET", u"/manage/tokens"_s, 200, list({sampleToken(u"tok-1"_s, u"Anna"_s), sampleToken(u"tok-2"_s, u"Ben"_s), sampleToken(u"tok-3"_s, u"CI"_s, u"grace"_s),
                                                         sampleToken(u"tok-4"_s, u"Workshop"_s, u"expired"_s), sampleToken(u"tok-5"_s, u"Contractor"_s, u"revoked"_s)}));
    server.answer("GET", u"/manage/audit"_s, audit);
    server.answer("GET", u"/manage/audit/facets"_s, 200, {{u"items"_s, QJsonArray{QJsonObject{{u"kind"_s, u"action"_s}, {u"value"_s, u"token.access"_s}, {u"events"_s, 900}}}}});
    server.answer("GET", u"/manage/audit/verify"_s, 200, {{u"running"_s, true}, {u"events_done"_s, 250}, {u"events_total"_s, 1'000}});
    server.answer("GET", u"/manage/doctor"_s, 200, {{u"items"_s, QJsonArray{check(u"user"_s, u"Process user"_s, u"fail"_s), check(u"tls"_s, u"TLS"_s, u"warn"_s), check(u"chain"_s, u"Audit chain"_s, u"pass"_s)}},
                                                    {u"summary"_s, QJsonObject{{u"pass"_s, 1}, {u"warn"_s, 1}, {u"fail"_s, 1}}}});
    server.answer("GET", u"/manage/usage"_s, usage);
    server.answer("GET", u"/manage/settings"_s, 200, {{u"items"_s, settings()}, {u"restart_needed"_s, false}});
}

} // namespace

QString sampleSecret()
{
    return u"tok-"_s + QString(22, u'S') + u"ecret"_s;
}

QJsonObject refusal(const QString &sentence, const QString &field)
{
    QJsonObject error{{u"code"_s, u"refused"_s}, {u"message"_s, sentence}};
    if (!field.isEmpty())
        error.insert(u"field"_s, field);
    return {{u"error"_s, error}};
}

QJsonObject list(const QJsonArray &items)
{
    return {{u"items"_s, items}, {u"next_cursor"_s, QJsonValue()}};
}

QJsonObject sampleOverview()
{
    return {{u"version"_s, u"0.1.0"_s}, {u"listen"_s, u"127.0.0.1:8080"_s}, {u"url"_s, u"http://127.0.0.1:8080"_s}, {u"time"_s, at(0)}, {u"ready"_s, true}, {u"projects"_s, 3}, {u"projects_active"_s, 2},
            {u"tokens"_s, 5}, {u"tokens_live"_s, 3}, {u"active_streams"_s, 2}, {u"started_at"_s, at(-3600)}, {u"requests_per_second"_s, 12.5}, {u"requests_24h"_s, 1'200}, {u"errors_24h"_s, 12},
            {u"denied_24h"_s, 30}, {u"prompt_tokens_24h"_s, 40'000}, {u"completion_tokens_24h"_s, 90'000}, {u"audit_enabled"_s, true}, {u"audit_healthy"_s, true}, {u"audit_last_seq"_s, sampleEvents},
            {u"providers"_s, QJsonArray{u"anthropic"_s, u"demo"_s, u"openai"_s}}};
}

QJsonObject sampleProject(const QString &id, const QString &name, bool isActive)
{
    const QJsonObject key{{u"provider"_s, u"openai"_s}, {u"base_url"_s, QJsonValue()}, {u"version_segment"_s, QJsonValue()}, {u"api_key_masked"_s, u"sk-a****wxyz"_s}, {u"api_key_age_days"_s, 12}, {u"key_state"_s, u"ready"_s}, {u"needs_key"_s, false}};
    return {{u"id"_s, id}, {u"name"_s, name}, {u"environment"_s, u"production"_s}, {u"is_active"_s, isActive}, {u"provider"_s, u"openai"_s}, {u"base_url"_s, QJsonValue()}, {u"version_segment"_s, QJsonValue()},
            {u"api_key_masked"_s, u"sk-a****wxyz"_s}, {u"api_key_age_days"_s, 12}, {u"providers"_s, QJsonArray{key}}, {u"allowed_models"_s, QJsonArray{u"gpt-4o*"_s}}, {u"created_at"_s, at(-86400)},
            {u"updated_at"_s, at(-3600)}, {u"deactivated_at"_s, isActive ? QJsonValue() : QJsonValue(at(-60))}};
}

QJsonObject sampleToken(const QString &id, const QString &name, const QString &state)
{
    return {{u"id"_s, id}, {u"lineage"_s, id}, {u"project_id"_s, u"proj-1"_s}, {u"name"_s, name}, {u"note"_s, QJsonValue()}, {u"token_masked"_s, u"tok-AbCd****%1"_s.arg(id.right(1).repeated(4))},
            {u"state"_s, state}, {u"created_at"_s, at(-7200)}, {u"expires_at"_s, at(state == "expired"_L1 ? -60 : 86400)}, {u"revoked_at"_s, state == "revoked"_L1 ? QJsonValue(at(-60)) : QJsonValue()},
            {u"grace_until"_s, state == "grace"_L1 ? QJsonValue(at(300)) : QJsonValue()}, {u"last_used_at"_s, at(-30)}, {u"max_requests"_s, 100}, {u"rate_limit"_s, 60}, {u"max_concurrent"_s, 4},
            {u"allowed_models"_s, QJsonArray{u"gpt-4o*"_s}}, {u"allowed_endpoints"_s, QJsonArray()}, {u"allowed_ips"_s, QJsonArray()}, {u"request_count"_s, 42}, {u"prompt_tokens"_s, 1'000},
            {u"completion_tokens"_s, 2'000}};
}

QJsonObject sampleEvent(qint64 seq)
{
    return {{u"id"_s, seq}, {u"timestamp"_s, at(seq - sampleEvents)}, {u"action"_s, u"token.access"_s}, {u"actor"_s, u"client"_s}, {u"project_id"_s, u"proj-1"_s}, {u"request_id"_s, u"req-%1"_s.arg(seq)},
            {u"client_ip"_s, u"127.0.0.1"_s}, {u"result"_s, seq % 3 == 0 ? u"denied"_s : u"success"_s},
            {u"details"_s, QJsonObject{{u"token_id"_s, u"tok-AbCd****1111"_s}, {u"token_uuid"_s, u"tok-1"_s}, {u"http_method"_s, u"POST"_s}, {u"endpoint"_s, u"/v1/chat/completions"_s}, {u"status"_s, 200}}},
            {u"seq"_s, seq}, {u"prev"_s, QString(64, u'a')}, {u"hash"_s, QString(64, u'b')}};
}

QJsonObject sampleRequest(const QString &id, const QString &phase)
{
    const bool ended = phase == "ended"_L1;
    return {{u"id"_s, id}, {u"request_id"_s, u"client-"_s + id}, {u"phase"_s, phase}, {u"started_at"_s, at(-5)}, {u"duration_ms"_s, 5'000}, {u"first_byte_ms"_s, 300}, {u"http_method"_s, u"POST"_s}, {u"endpoint"_s, u"/v1/chat/completions"_s},
            {u"client_ip"_s, u"127.0.0.1"_s}, {u"token_uuid"_s, u"tok-1"_s}, {u"token_masked"_s, u"tok-AbCd****1111"_s}, {u"project_id"_s, u"proj-1"_s}, {u"provider"_s, u"openai"_s}, {u"model"_s, u"gpt-4o"_s},
            {u"status"_s, 200}, {u"request_bytes"_s, 90}, {u"response_bytes"_s, 9'000}, {u"prompt_tokens"_s, QJsonValue()}, {u"completion_tokens"_s, QJsonValue()}, {u"streamed_events"_s, 47},
            {u"result"_s, ended ? QJsonValue(u"success"_s) : QJsonValue()}, {u"reason"_s, QJsonValue()}};
}

void addSampleAnswers(FakeServer &server)
{
    addLists(server);
    const QJsonObject project = sampleProject(u"proj-1"_s, u"Search team"_s), token = sampleToken(u"tok-1"_s, u"Anna"_s);
    const QJsonObject whole = merged(sampleToken(u"tok-9"_s, u"New"_s), {{u"token"_s, sampleSecret()}});
    server.answer("POST", u"/manage/projects"_s, 201, project);
    for (const QByteArray &method : {QByteArray("PATCH"), QByteArray("DELETE")}) {
        server.answer(method, u"/manage/projects/{id}"_s, 200, project);
        server.answer(method, u"/manage/tokens/{id}"_s, 200, token);
    }
    server.answer("POST", u"/manage/projects/{id}/rotate-key"_s, 200, project);
    server.answer("POST", u"/manage/projects/{id}/tokens/revoke"_s, 200, {{u"revoked_count"_s, 3}, {u"already_revoked_count"_s, 1}, {u"streams_cut"_s, 2}});
    server.answer("POST", u"/manage/tokens"_s, 201, whole);
    server.answer("POST", u"/manage/tokens/{id}/refresh"_s, 201, merged(whole, {{u"previous"_s, QJsonObject{{u"id"_s, u"tok-1"_s}, {u"valid_until"_s, at(600)}}}}));
    server.answer("POST", u"/manage/audit/verify"_s, 200, verified());
    server.answer("POST", u"/manage/audit/review"_s, 201, {{u"from_seq"_s, 1}, {u"to_seq"_s, sampleEvents}, {u"to_hash"_s, u"ab"_s}});
    server.answer("PATCH", u"/manage/settings"_s, 200, {{u"items"_s, settings()}, {u"restart_needed"_s, true}, {u"problems"_s, QJsonArray()}});
    server.answer("POST", u"/manage/providers/check"_s, 200, {{u"ok"_s, true}, {u"reason"_s, u"ok"_s}, {u"status"_s, 200}, {u"message"_s, u"The provider takes the key."_s}, {u"models"_s, QJsonArray{u"gpt-4o"_s}}, {u"duration_ms"_s, 80}});
    server.answer("DELETE", u"/manage/requests/{id}"_s, 200, sampleRequest(u"run-1"_s, u"ended"_s));
}

} // namespace llmproxy::test
