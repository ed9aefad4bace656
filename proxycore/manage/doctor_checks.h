// SPDX-License-Identifier: GPL-3.0-only
// The security checklist (contract section 9), one function per topic; each looks at the running
// installation and says what it found and what to do. Evidence never contains a secret.
// Thread: management; a few stat(2) calls and one pass over the snapshot.
#pragma once

#include "manage/api.h"

#include <QDate>
#include <QString>

#include <string>
#include <vector>

namespace llmproxy {

enum class DoctorState { Pass, Warn, Fail };

struct DoctorItem
{
    std::string id, title;
    DoctorState state = DoctorState::Pass;
    std::string evidence;
    std::string fix; // empty when the state is Pass
};

inline DoctorItem item(const char *id, const char *title, std::string evidence)
{
    return {id, title, DoctorState::Pass, std::move(evidence), {}};
}

inline DoctorItem item(const char *id, const char *title, DoctorState state, std::string evidence, std::string fix)
{
    return {id, title, state, std::move(evidence), std::move(fix)};
}

// All checks, in the order of the checklist.
std::vector<DoctorItem> doctorItems(const ManageContext &context);

// doctor_access.cpp
DoctorItem checkManagementTokenStrength(const ManageContext &context);
DoctorItem checkManagementTokenAge(const ManageContext &context);
DoctorItem checkProviderKeyAge(const ManageContext &context);
DoctorItem checkProviderKeysOpen(const ManageContext &context);
DoctorItem checkSharedProviderKeys(const ManageContext &context);
DoctorItem checkTokenLifetimes(const ManageContext &context);
DoctorItem checkTokenLimits(const ManageContext &context);
DoctorItem checkUnusedTokens(const ManageContext &context);
DoctorItem checkExpiredTokens(const ManageContext &context);
// doctor_files.cpp
DoctorItem checkInstallation(const ManageContext &context);
DoctorItem checkEncryptionKey(const ManageContext &context);
DoctorItem checkPermissions(const ManageContext &context);
DoctorItem checkEnvFileTracked(const ManageContext &context);
// doctor_host.cpp
DoctorItem checkListener(const ManageContext &context);
DoctorItem checkTls(const ManageContext &context);
DoctorItem checkCertificate(const ManageContext &context);
DoctorItem checkCors(const ManageContext &context);
DoctorItem checkAllowedHosts(const ManageContext &context);
DoctorItem checkClientAddresses(const ManageContext &context);
DoctorItem checkUpstreamTransport(const ManageContext &context);
DoctorItem checkLogLevel(const ManageContext &context);
DoctorItem checkUser(const ManageContext &context);
DoctorItem checkCoreDumps(const ManageContext &context);
// doctor_audit.cpp
DoctorItem checkAudit(const ManageContext &context);
DoctorItem checkAuditChain(const ManageContext &context);
DoctorItem checkAuditAnchors(const ManageContext &context);
DoctorItem checkAuditRetention(const ManageContext &context);
DoctorItem checkAuditReview(const ManageContext &context);
// doctor_agents.cpp
DoctorItem checkAgentsHere(const ManageContext &context);
// doctor_libraries.cpp
DoctorItem checkLibraries(const ManageContext &context);

// How long a distribution's release receives security updates.
struct Support
{
    QString name;
    QDate until; // invalid: it is not in our table
    bool isCurrent = false;
};
// osRelease: the text of os-release(5).
Support supportOf(const QString &osRelease, const QDate &today);

// Of an OpenSSL list for TLS 1.2 and older those without forward secrecy or authenticated encryption.
std::vector<std::string> weakCiphersOf(const std::string &list);

// True when a git index (its bytes) has an entry of exactly this path.
bool gitIndexHas(std::string_view index, std::string_view path);

} // namespace llmproxy
