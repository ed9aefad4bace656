// SPDX-License-Identifier: GPL-3.0-only
// The resources' entry points, as named in the route table. Each answers its call exactly once.
// Thread: management; reads may take a few milliseconds, changes are posted to storage.
#pragma once

#include "manage/call.h"

namespace llmproxy {

// project_resource.cpp, project_change.cpp
void listProjects(const CallPtr &call);
void createProject(const CallPtr &call);
void readProject(const CallPtr &call);
void updateProject(const CallPtr &call);
void deleteProject(const CallPtr &call);
void rotateProjectKey(const CallPtr &call);

// token_resource.cpp, token_issue.cpp, token_revoke.cpp
void listTokens(const CallPtr &call);
void readToken(const CallPtr &call);
void updateToken(const CallPtr &call);
void validateToken(const CallPtr &call);
void createToken(const CallPtr &call);
void refreshToken(const CallPtr &call);
void revokeToken(const CallPtr &call);
void revokeProjectTokens(const CallPtr &call);

// audit_resource.cpp
void listAudit(const CallPtr &call);
void readAudit(const CallPtr &call);
// audit_verify.cpp
void verifyAudit(const CallPtr &call);
void readVerifyProgress(const CallPtr &call);
void readAuditPublicKey(const CallPtr &call);

// audit_export.cpp
void exportAudit(const CallPtr &call);
// audit_report.cpp
void reportAudit(const CallPtr &call);

// audit_review.cpp
void reviewAudit(const CallPtr &call);
void readAuditFacets(const CallPtr &call);
// When a person last said that he looked; 0: never.
int64_t lastAuditReviewMs(const ManageContext &context);
// What was found wrong with the log (AuditFinding) since somebody reviewed it; empty: nothing.
std::string unreviewedFinding(const ManageContext &context);
constexpr std::string_view badVerification = "A verification found that the audit log is not what was written.";

// audit_cleanup.cpp
void cleanUpAudit(const CallPtr &call);
void applyRetention(const std::shared_ptr<ManageState> &state);

// doctor_resource.cpp, overview_resource.cpp
void readDoctor(const CallPtr &call);
void readOverview(const CallPtr &call);
void readOpenApi(const CallPtr &call);
// files_resource.cpp
void readFiles(const CallPtr &call);

// settings_resource.cpp, settings_change.cpp
void readSettings(const CallPtr &call);
void updateSettings(const CallPtr &call);

// provider_check.cpp
void checkProvider(const CallPtr &call);

// usage_resource.cpp
void readUsage(const CallPtr &call);

// live_resource.cpp
void readEvents(const CallPtr &call);
void killRequest(const CallPtr &call);

} // namespace llmproxy
