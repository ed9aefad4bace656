// SPDX-License-Identifier: GPL-3.0-only
#include "storage/chain_mark.h"

#include "storage/rows_to.h"

#include <QJsonDocument>
#include <QJsonObject>

namespace llmproxy {

namespace {

constexpr const char *metaName = "audit_verified";
const QLatin1String seqName("seq"), hashName("hash"), verifiedName("verified_ms"), wholeName("whole_ms"), problemName("problem"), problemMsName("problem_ms");

} // namespace

std::optional<ChainMark> readChainMark(SqlConnection &connection)
{
    std::string text;
    if (!readMeta(connection, metaName, &text))
        return {};
    const QJsonObject said = QJsonDocument::fromJson(QByteArray::fromStdString(text)).object();
    ChainMark mark;
    mark.seq = said.value(seqName).toInteger();
    mark.hash = said.value(hashName).toString().toStdString();
    mark.verifiedMs = said.value(verifiedName).toInteger();
    mark.wholeMs = said.value(wholeName).toInteger();
    mark.problem = said.value(problemName).toString().toStdString();
    mark.problemMs = said.value(problemMsName).toInteger();
    return mark;
}

bool writeChainMark(SqlConnection &connection, const ChainMark &mark)
{
    const QJsonObject said{{seqName, qint64{mark.seq}},
                           {hashName, QString::fromStdString(mark.hash)},
                           {verifiedName, qint64{mark.verifiedMs}},
                           {wholeName, qint64{mark.wholeMs}},
                           {problemName, QString::fromStdString(mark.problem)},
                           {problemMsName, qint64{mark.problemMs}}};
    return writeMeta(connection, metaName, QJsonDocument(said).toJson(QJsonDocument::Compact).toStdString());
}

} // namespace llmproxy
