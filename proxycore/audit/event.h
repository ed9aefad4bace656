// SPDX-License-Identifier: GPL-3.0-only
// One audit event, as a value. Texts given to it are masked or reduced here, once, so no caller can
// put a secret into the log. The line's key order is that of contract section 6. Thread: values.
#pragma once

#include "audit/actions.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace llmproxy {

// The prev of seq 1.
inline constexpr std::string_view firstPrev = "0000000000000000000000000000000000000000000000000000000000000000";

struct RequestOutcome; // exchange/outcome.h

// The model as it may be recorded: what does not match [A-Za-z0-9._:/@+-]{1,128}, or is a person's address, becomes "invalid".
std::string recordedModel(std::string_view value);
// Texts that a caller chooses are cut at so many characters; those of callers that have no token of ours at fewer (ruling 47).
inline constexpr size_t longestText = 256, longestOfStranger = 64;
// Cut, credential-looking words masked.
std::string recordedUserAgent(std::string_view value, size_t most = longestText);
std::string recordedPath(std::string_view path, size_t most = longestText);

struct AuditEvent
{
    using Detail = std::variant<int64_t, bool, std::string, std::vector<int64_t>>;

    int64_t timestampMs = 0;     // set by the audit thread when 0
    EventAction action;
    std::string actor;           // management, client, console, cli, system
    std::string projectId;
    std::string requestId;
    std::string clientIp;        // masked by the audit thread when AUDIT_MASK_CLIENT_IP
    std::string result;          // success, failure, denied, error
    // In order; empty texts are left out. A key lives for ever: a literal, or internedKey().
    std::vector<std::pair<std::string_view, Detail>> details;
    // Set by the audit thread:
    std::string detailsText;     // detailsJson(), for the line and for the row
    int64_t seq = 0;
    std::string prev;
    std::string hash;
    // What it tells, typed, for those who count it: of events that a request of this run caused.
    std::shared_ptr<const RequestOutcome> outcome;

    AuditEvent() = default;
    AuditEvent(EventAction what, std::string_view actorName, std::string_view resultName);

    AuditEvent &detail(std::string_view key, std::string value); // no-op for an empty value
    // Of our own making (a constant, an id, a masked token): not looked at again, and of a key that is not there yet.
    AuditEvent &ownText(std::string_view key, std::string value);
    AuditEvent &ownValue(std::string_view key, std::variant<int64_t, bool> value);
    AuditEvent &detail(std::string_view key, const char *value);
    AuditEvent &detail(std::string_view key, int64_t value);
    AuditEvent &detail(std::string_view key, bool value);
    AuditEvent &userAgent(std::string_view value); // recordedUserAgent(); empty: left out
    AuditEvent &model(std::string_view value);     // recordedModel(); empty: left out
    const Detail *find(std::string_view key) const;
    std::string_view text(std::string_view key) const; // empty when there is none, or it is no text
    std::optional<int64_t> number(std::string_view key) const; // nothing when there is none, or it is no whole number
};

// The details object alone, as it stands in the line and in the table's column.
std::string detailsJson(const AuditEvent &event);
// Appends the bytes from '{' up to, not including, ,"hash": — what the hash covers.
void appendHashedBytes(std::string &line, const AuditEvent &event);
// The whole line without the newline.
std::string auditLine(const AuditEvent &event);
// The same text with a life as long as the program's; for keys that were read. Thread: any.
std::string_view internedKey(std::string_view key);
// Reads a line back (replay at start, reading a file-only log).
std::optional<AuditEvent> parseAuditLine(std::string_view line);

} // namespace llmproxy
