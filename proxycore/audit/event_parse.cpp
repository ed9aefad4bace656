// SPDX-License-Identifier: GPL-3.0-only
// Reading a line back. Lenient about keys it does not know, strict about types: what it returns gives the
// same bytes again for every line that auditLine() wrote.
#include "audit/event.h"

#include "base/clock.h"

#include <QString>
#include <mutex>
#include <set>
#include <simdjson.h>

namespace llmproxy {

namespace {

std::optional<AuditEvent::Detail> numbersOf(simdjson::dom::element value)
{
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS)
        return {};
    std::vector<int64_t> numbers;
    for (const auto one : array) {
        if (one.get(numbers.emplace_back()) != simdjson::SUCCESS)
            return {};
    }
    return numbers;
}

std::optional<AuditEvent::Detail> detailOf(simdjson::dom::element value)
{
    int64_t number = 0;
    bool flag = false;
    std::string_view text;
    switch (value.type()) {
    case simdjson::dom::element_type::INT64:
        if (value.get(number) == simdjson::SUCCESS)
            return number;
        break;
    case simdjson::dom::element_type::BOOL:
        if (value.get(flag) == simdjson::SUCCESS)
            return flag;
        break;
    case simdjson::dom::element_type::STRING:
        if (value.get(text) == simdjson::SUCCESS)
            return std::string(text);
        break;
    case simdjson::dom::element_type::ARRAY:
        return numbersOf(value);
    default:
        break;
    }
    return {};
}

bool readDetails(simdjson::dom::element value, AuditEvent &event)
{
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS)
        return false;
    for (const auto field : object) {
        auto detail = detailOf(field.value);
        if (!detail)
            return false;
        event.details.emplace_back(internedKey(field.key), std::move(*detail));
    }
    return true;
}

std::string *textMember(AuditEvent &event, std::string_view key)
{
    if (key == "actor")
        return &event.actor;
    if (key == "project_id")
        return &event.projectId;
    if (key == "request_id")
        return &event.requestId;
    if (key == "client_ip")
        return &event.clientIp;
    if (key == "result")
        return &event.result;
    if (key == "prev")
        return &event.prev;
    return key == "hash" ? &event.hash : nullptr;
}

bool readField(const simdjson::dom::key_value_pair &field, AuditEvent &event)
{
    std::string_view text;
    if (field.key == "details")
        return readDetails(field.value, event);
    if (field.key == "seq")
        return field.value.get(event.seq) == simdjson::SUCCESS && event.seq > 0;
    if (field.key == "timestamp") {
        if (field.value.get(text) != simdjson::SUCCESS)
            return false;
        event.timestampMs = parseRfc3339(QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())));
        return event.timestampMs >= 0;
    }
    if (field.key == "action") {
        if (field.value.get(text) != simdjson::SUCCESS)
            return false;
        event.action = EventAction::named(text);
        return true;
    }
    std::string *const member = textMember(event, field.key);
    if (!member)
        return true;
    if (field.value.get(text) != simdjson::SUCCESS)
        return false;
    member->assign(text);
    return true;
}

} // namespace

std::string_view internedKey(std::string_view key)
{
    // A log of ours has about forty; one of somebody else's must not fill the memory.
    constexpr size_t mostKeys = 10'000;
    static std::mutex lock;
    static std::set<std::string, std::less<>> known;
    const std::lock_guard guard(lock);
    const auto found = known.find(key);
    if (found != known.end())
        return *found;
    return known.size() < mostKeys ? std::string_view(*known.emplace(key).first) : std::string_view("other");
}

std::optional<AuditEvent> parseAuditLine(std::string_view line)
{
    if (line.empty() || line.front() != '{')
        return {};
    constexpr size_t largestUsual = 64 * 1024; // bytes; a parser keeps fourteen times the largest text that it has read
    thread_local simdjson::dom::parser usual;
    simdjson::dom::parser passing;
    simdjson::dom::parser &parser = line.size() > largestUsual ? passing : usual;
    simdjson::dom::object object;
    if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS)
        return {};
    AuditEvent event;
    for (const auto field : object) {
        if (!readField(field, event))
            return {};
    }
    if (event.action.isEmpty())
        return {};
    return event;
}

} // namespace llmproxy
