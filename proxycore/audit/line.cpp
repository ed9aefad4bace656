// SPDX-License-Identifier: GPL-3.0-only
// The JSONL form of an event, byte for byte (ruling 38): keys in their listed order, raw UTF-8, controls
// escaped, invalid bytes as U+FFFD. Written by hand because QJsonObject sorts.
#include "audit/event.h"

#include "base/clock.h"

#include <cstdio>
#include <simdjson.h>

namespace llmproxy {

namespace {

// Length of the valid UTF-8 character at the start, 0 when there is none (RFC 3629).
size_t utf8Length(std::string_view text)
{
    const auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0); };
    const auto follows = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
    const unsigned char c = at(0);
    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        return follows(1) ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef) {
        const bool shape = follows(1) && follows(2);
        const bool overlong = c == 0xe0 && at(1) < 0xa0;
        const bool surrogate = c == 0xed && at(1) > 0x9f;
        return shape && !overlong && !surrogate ? 3 : 0;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        const bool shape = follows(1) && follows(2) && follows(3);
        const bool outside = (c == 0xf0 && at(1) < 0x90) || (c == 0xf4 && at(1) > 0x8f);
        return shape && !outside ? 4 : 0;
    }
    return 0;
}

void appendString(std::string *out, std::string_view text)
{
    *out += '"';
    for (size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        const size_t length = utf8Length(text.substr(i));
        if (length == 0) {
            *out += "\xef\xbf\xbd";
            ++i;
            continue;
        }
        if (c == '"' || c == '\\') {
            *out += '\\';
            *out += text[i];
        } else if (c == '\n') {
            *out += "\\n";
        } else if (c == '\r') {
            *out += "\\r";
        } else if (c == '\t') {
            *out += "\\t";
        } else if (c < 0x20 || c == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            *out += escape;
        } else {
            out->append(text.substr(i, length));
        }
        i += length;
    }
    *out += '"';
}

void appendMember(std::string *out, std::string_view key, std::string_view value)
{
    if (value.empty())
        return;
    if (out->size() > 1)
        *out += ',';
    appendString(out, key);
    *out += ':';
    appendString(out, value);
}

int64_t millisecondsOf(std::string_view rfc)
{
    // Our own form only: 2023-12-01T10:00:00.123Z
    return parseRfc3339(QString::fromUtf8(rfc.data(), static_cast<qsizetype>(rfc.size())));
}

bool readDetails(simdjson::dom::object object, AuditEvent *event)
{
    for (const auto field : object) {
        const std::string key(field.key);
        switch (field.value.type()) {
        case simdjson::dom::element_type::STRING:
            event->detail(key, std::string(std::string_view(field.value)));
            break;
        case simdjson::dom::element_type::INT64:
            event->detail(key, int64_t(field.value));
            break;
        case simdjson::dom::element_type::BOOL:
            event->detail(key, bool(field.value));
            break;
        default:
            return false;
        }
    }
    return true;
}

} // namespace

std::string detailsJson(const AuditEvent &event)
{
    std::string out = "{";
    for (const auto &[key, value] : event.details) {
        if (out.size() > 1)
            out += ',';
        appendString(&out, key);
        out += ':';
        if (const auto *number = std::get_if<int64_t>(&value))
            out += std::to_string(*number);
        else if (const auto *flag = std::get_if<bool>(&value))
            out += *flag ? "true" : "false";
        else
            appendString(&out, std::get<std::string>(value));
    }
    return out + "}";
}

std::string hashedBytes(const AuditEvent &event)
{
    std::string out = "{";
    appendMember(&out, "timestamp", rfc3339(event.timestampMs));
    appendMember(&out, "action", event.action);
    appendMember(&out, "actor", event.actor);
    appendMember(&out, "project_id", event.projectId);
    appendMember(&out, "request_id", event.requestId);
    appendMember(&out, "client_ip", event.clientIp);
    appendMember(&out, "result", event.result);
    if (!event.details.empty())
        out += ",\"details\":" + detailsJson(event);
    out += ",\"seq\":" + std::to_string(event.seq);
    appendMember(&out, "prev", event.prev);
    return out;
}

std::string auditLine(const AuditEvent &event)
{
    return hashedBytes(event) + ",\"hash\":\"" + event.hash + "\"}";
}

std::optional<AuditEvent> parseAuditLine(std::string_view line)
{
    thread_local simdjson::dom::parser parser;
    const simdjson::padded_string text(line);
    simdjson::dom::object root;
    if (parser.parse(text).get(root) != simdjson::SUCCESS)
        return std::nullopt;
    AuditEvent event;
    for (const auto field : root) {
        std::string_view value;
        simdjson::dom::object details;
        if (field.key == "seq") {
            if (field.value.get(event.seq) != simdjson::SUCCESS)
                return std::nullopt;
            continue;
        }
        if (field.key == "details") {
            if (field.value.get(details) != simdjson::SUCCESS || !readDetails(details, &event))
                return std::nullopt;
            continue;
        }
        if (field.value.get(value) != simdjson::SUCCESS)
            return std::nullopt;
        if (field.key == "timestamp")
            event.timestampMs = millisecondsOf(value);
        else if (field.key == "action")
            event.action = value;
        else if (field.key == "actor")
            event.actor = value;
        else if (field.key == "project_id")
            event.projectId = value;
        else if (field.key == "request_id")
            event.requestId = value;
        else if (field.key == "client_ip")
            event.clientIp = value;
        else if (field.key == "result")
            event.result = value;
        else if (field.key == "prev")
            event.prev = value;
        else if (field.key == "hash")
            event.hash = value;
        else
            return std::nullopt;
    }
    if (event.seq <= 0 || event.hash.size() != 64 || event.timestampMs < 0)
        return std::nullopt;
    return event;
}

} // namespace llmproxy
