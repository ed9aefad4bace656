// SPDX-License-Identifier: GPL-3.0-only
#include "audit/event.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "base/masking.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr size_t longestModel = 128;
// Redacted before it is cut, so that a key is never cut short of being recognized; more is not read.
constexpr size_t readOfUserAgent = 4096;

bool isModelCharacter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
        || std::string_view("._:/@+-").find(c) != std::string_view::npos;
}

void appendText(std::string &line, std::string_view key, std::string_view value)
{
    if (value.empty())
        return;
    line += line.back() == '{' ? "\"" : ",\"";
    line += key;
    line += "\":";
    appendJsonString(line, value);
}

void appendNumbers(std::string &json, const std::vector<int64_t> &numbers)
{
    json += '[';
    for (const int64_t number : numbers) {
        if (json.back() != '[')
            json += ',';
        json += std::to_string(number);
    }
    json += ']';
}

void setDetail(AuditEvent &event, std::string_view key, AuditEvent::Detail value)
{
    const auto same = std::find_if(event.details.begin(), event.details.end(), [&](const auto &d) { return d.first == key; });
    if (same != event.details.end())
        same->second = std::move(value);
    else
        event.details.emplace_back(key, std::move(value));
}

} // namespace

AuditEvent::AuditEvent(EventAction what, std::string_view actorName, std::string_view resultName)
    : action(std::move(what)), actor(actorName), result(resultName)
{
}

AuditEvent &AuditEvent::detail(std::string_view key, std::string value)
{
    if (!value.empty())
        setDetail(*this, key, redactText(value));
    return *this;
}

AuditEvent &AuditEvent::ownText(std::string_view key, std::string value)
{
    if (!value.empty())
        details.emplace_back(key, std::move(value));
    return *this;
}

AuditEvent &AuditEvent::ownValue(std::string_view key, std::variant<int64_t, bool> value)
{
    details.emplace_back(key, std::visit([](auto plain) { return Detail(plain); }, value));
    return *this;
}

AuditEvent &AuditEvent::detail(std::string_view key, const char *value)
{
    return detail(key, std::string(value));
}

AuditEvent &AuditEvent::detail(std::string_view key, int64_t value)
{
    setDetail(*this, key, value);
    return *this;
}

AuditEvent &AuditEvent::detail(std::string_view key, bool value)
{
    setDetail(*this, key, value);
    return *this;
}

std::string recordedUserAgent(std::string_view value, size_t most)
{
    std::string text = redactUserAgent(value.substr(0, readOfUserAgent));
    text.resize(prefixBytes(text, most));
    return text;
}

std::string recordedPath(std::string_view path, size_t most)
{
    std::string text = redactPath(path);
    text.resize(prefixBytes(text, most));
    return text;
}

std::string recordedModel(std::string_view value)
{
    const bool proper = value.size() <= longestModel && std::all_of(value.begin(), value.end(), isModelCharacter)
        && (value.find('@') == value.npos || redactText(value) == value); // name@version is a model, name@example.org a person
    return proper ? redactText(value) : std::string("invalid");
}

AuditEvent &AuditEvent::userAgent(std::string_view value)
{
    if (std::string text = recordedUserAgent(value); !text.empty())
        setDetail(*this, "user_agent", std::move(text));
    return *this;
}

AuditEvent &AuditEvent::model(std::string_view value)
{
    if (!value.empty())
        setDetail(*this, "model", recordedModel(value));
    return *this;
}

const AuditEvent::Detail *AuditEvent::find(std::string_view key) const
{
    for (const auto &[name, value] : details) {
        if (name == key)
            return &value;
    }
    return nullptr;
}

std::string_view AuditEvent::text(std::string_view key) const
{
    const Detail *const detail = find(key);
    const auto *const value = detail ? std::get_if<std::string>(detail) : nullptr;
    return value ? std::string_view(*value) : std::string_view();
}

std::optional<int64_t> AuditEvent::number(std::string_view key) const
{
    const Detail *const detail = find(key);
    const auto *const value = detail ? std::get_if<int64_t>(detail) : nullptr;
    return value ? std::optional(*value) : std::nullopt;
}

std::string detailsJson(const AuditEvent &event)
{
    std::string json;
    json.reserve(600);
    json += '{';
    for (const auto &[key, value] : event.details) {
        if (json.size() > 1)
            json += ',';
        appendJsonString(json, key);
        json += ':';
        if (const auto *number = std::get_if<int64_t>(&value))
            json += std::to_string(*number);
        else if (const auto *flag = std::get_if<bool>(&value))
            json += *flag ? "true" : "false";
        else if (const auto *numbers = std::get_if<std::vector<int64_t>>(&value))
            appendNumbers(json, *numbers);
        else
            appendJsonString(json, std::get<std::string>(value));
    }
    json += '}';
    return json;
}

void appendHashedBytes(std::string &line, const AuditEvent &event)
{
    line += '{';
    appendText(line, "timestamp", rfc3339(event.timestampMs));
    appendText(line, "action", event.action.name());
    appendText(line, "actor", event.actor);
    appendText(line, "project_id", event.projectId);
    appendText(line, "request_id", event.requestId);
    appendText(line, "client_ip", event.clientIp);
    appendText(line, "result", event.result);
    if (!event.detailsText.empty() ? event.detailsText != "{}" : !event.details.empty())
        line.append(",\"details\":").append(event.detailsText.empty() ? detailsJson(event) : event.detailsText);
    if (event.seq > 0)
        line.append(",\"seq\":").append(std::to_string(event.seq));
    appendText(line, "prev", event.prev);
}

std::string auditLine(const AuditEvent &event)
{
    std::string line;
    line.reserve(1000); // most are 800 bytes
    appendHashedBytes(line, event);
    appendText(line, "hash", event.hash);
    line += '}';
    return line;
}

} // namespace llmproxy
