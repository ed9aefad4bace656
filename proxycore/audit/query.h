// SPDX-License-Identifier: GPL-3.0-only
// What is asked of the audit log, whether a table or the file answers. Thread: values.
#pragma once

#include "audit/event.h"

#include <cstdint>
#include <string>

namespace llmproxy {

// Filters of GET /manage/audit; empty = any.
struct AuditQuery
{
    bool oldestFirst = false;
    int64_t fromSeq = 0;    // keyset: newest first seq < fromSeq, oldest first seq > fromSeq; 0 = from that end
    int limit = 50;
    std::string action;     // exact, or prefix when it ends in '.' or '*'
    std::string actor, result, projectId, requestId, clientIp, status, model;
    std::string tokenId;    // masked form, or UUID (details.token_uuid)
    std::string text;       // part of any of the texts that matchesText() looks at, upper and lower case alike
    int64_t fromMs = 0, toMs = 0; // [from, to)
};

// Whether an event is one of those; limit and order aside.
bool matches(const AuditEvent &event, const AuditQuery &query);
bool matchesText(const AuditEvent &event, std::string_view text);

} // namespace llmproxy
