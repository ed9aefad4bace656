// SPDX-License-Identifier: GPL-3.0-only
#include "manage/doctor_checks.h"
#include "manage/resources.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

QString nameOf(DoctorState state)
{
    switch (state) {
    case DoctorState::Pass:
        return QStringLiteral("pass");
    case DoctorState::Warn:
        return QStringLiteral("warn");
    case DoctorState::Fail:
        break;
    }
    return QStringLiteral("fail");
}

} // namespace

std::vector<DoctorItem> doctorItems(const ManageContext &context)
{
    std::vector<DoctorItem> items;
    for (const auto check :
         {checkInstallation, checkManagementTokenStrength, checkManagementTokenAge, checkProviderKeyAge, checkProviderKeysOpen, checkSharedProviderKeys,
          checkEncryptionKey, checkPermissions, checkEnvFileTracked, checkTokenLifetimes, checkTokenLimits,
          checkUnusedTokens, checkExpiredTokens, checkListener, checkTls, checkCertificate, checkCors, checkAllowedHosts, checkClientAddresses, checkUpstreamTransport, checkLogLevel, checkAudit, checkAuditChain, checkAuditAnchors, checkAuditRetention, checkAuditReview,
          checkUser, checkAgentsHere, checkCoreDumps, checkLibraries})
        items.push_back(check(context));
    return items;
}

namespace {

void answerDoctor(const CallPtr &call)
{
    QJsonArray items;
    std::map<QString, int> counts;
    for (const DoctorItem &item : doctorItems(call->context())) {
        ++counts[nameOf(item.state)];
        items.append(QJsonObject{{QStringLiteral("id"), QString::fromStdString(item.id)},
                                 {QStringLiteral("title"), QString::fromStdString(item.title)},
                                 {QStringLiteral("state"), nameOf(item.state)},
                                 {QStringLiteral("evidence"), QString::fromStdString(item.evidence)},
                                 {QStringLiteral("fix"), QString::fromStdString(item.fix)}});
    }
    const QJsonObject summary{{QStringLiteral("pass"), counts[QStringLiteral("pass")]},
                              {QStringLiteral("warn"), counts[QStringLiteral("warn")]},
                              {QStringLiteral("fail"), counts[QStringLiteral("fail")]}};
    answer(call, 200, {{QStringLiteral("items"), items}, {QStringLiteral("summary"), summary}});
}

} // namespace

// What came into the audit log since the last look is verified first.
void readDoctor(const CallPtr &call)
{
    noteRead(call);
    if (!verifyNew(call->state, [call] { answerDoctor(call); }))
        answerDoctor(call);
}

} // namespace llmproxy
