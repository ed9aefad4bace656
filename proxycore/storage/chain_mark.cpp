// SPDX-License-Identifier: GPL-3.0-only
#include "storage/chain_mark.h"

#include "storage/sql_connection.h"

#include <QJsonDocument>
#include <QJsonObject>
#include <QVariant>

namespace llmproxy {

namespace {

const QLatin1String seqName("seq"), hashName("hash"), verifiedName("verified_ms"), wholeName("whole_ms"), problemName("problem"), problemMsName("problem_ms");

} // namespace

std::optional<ChainMark> readChainMark(SqlConnection &connection)
{
    QSqlQuery query = connection.query();
    if (!query.exec(QStringLiteral("SELECT value FROM meta WHERE name = 'audit_verified'"))) {
        failed(query, "chain mark");
        return {};
    }
    if (!query.next())
        return ChainMark();
    const QJsonObject said = QJsonDocument::fromJson(query.value(0).toString().toUtf8()).object();
    ChainMark mark;
    mark.seq = said.value(seqName).toInteger();
    mark.hash = said.value(hashName).toString().toStdString();
    mark.verifiedMs = said.value(verifiedName).toInteger();
    mark.wholeMs = said.value(wholeName).toInteger();
    mark.problem = said.value(problemName).toString().toStdString();
    mark.problemMs = said.value(problemMsName).toInteger();
    return mark;
}

Outcome writeChainMark(SqlConnection &connection, const ChainMark &mark)
{
    const QJsonObject said{{seqName, qint64{mark.seq}},
                           {hashName, QString::fromStdString(mark.hash)},
                           {verifiedName, qint64{mark.verifiedMs}},
                           {wholeName, qint64{mark.wholeMs}},
                           {problemName, QString::fromStdString(mark.problem)},
                           {problemMsName, qint64{mark.problemMs}}};
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("INSERT INTO meta (name, value) VALUES ('audit_verified', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
    query.addBindValue(QString::fromUtf8(QJsonDocument(said).toJson(QJsonDocument::Compact)));
    if (query.exec())
        return {};
    failed(query, "chain mark");
    return storageError();
}

} // namespace llmproxy
