// SPDX-License-Identifier: GPL-3.0-only
// Records as answers. Fields are those declared in fields.cpp; no secret is ever among them.
// Thread: any.
#pragma once

#include "access/snapshot.h"
#include "audit/event.h"

#include <QJsonObject>

#include <string_view>

namespace llmproxy {

struct ManageContext;

QJsonObject projectView(const ManageContext &context, const ProjectEntry &project, int64_t nowMs);
QJsonObject tokenView(const Token &token, const LineageState *state, int64_t nowMs);
struct AuditCheckReport;
// The answer of POST /manage/audit/verify.
QJsonObject auditCheckView(const AuditCheckReport &report, int64_t durationMs);
QJsonObject auditEventView(const AuditEvent &event);
// active, grace, expired, revoked
std::string_view tokenState(const TokenTerms &token, int64_t nowMs);

} // namespace llmproxy
