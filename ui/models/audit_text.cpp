// SPDX-License-Identifier: GPL-3.0-only
#include "models/audit_text.h"

#include "client/answer.h"
#include "models/audit_model.h"
#include "style/format.h"

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

// Refused requests that one event counts: "41 × malformed, 3 × endpoint_not_found".
QString countedText(const QJsonObject &details)
{
    QStringList parts;
    for (const QString &reason : details.value("reasons"_L1).toString().split(u',', Qt::SkipEmptyParts))
        parts.append(reason.section(u':', 1) + u" × "_s + reason.section(u':', 0, 0));
    return parts.join(u", "_s);
}

QString addressText(const QJsonObject &event, const QJsonObject &details)
{
    if (const QJsonValue some = details.value("addresses"_L1); !some.isUndefined())
        return AuditModel::tr("%Ln address(es)", nullptr, asInt(some));
    if (const QJsonValue many = details.value("addresses_at_least"_L1); !many.isUndefined())
        return AuditModel::tr("%Ln or more addresses", nullptr, asInt(many));
    return orDash(event.value("client_ip"_L1).toString());
}

} // namespace

QString auditText(const QJsonObject &event, int column)
{
    const QJsonObject details = event.value("details"_L1).toObject();
    switch (column) {
    case AuditModel::Seq:
        return QString::number(seqOf(event));
    case AuditModel::Time:
        return localTime(timeOf(event.value("timestamp"_L1)));
    case AuditModel::Result:
        return event.value("result"_L1).toString();
    case AuditModel::Action:
        return event.value("action"_L1).toString();
    case AuditModel::Actor:
        return event.value("actor"_L1).toString();
    case AuditModel::Token:
        return orDash(details.value("token_id"_L1).toString());
    case AuditModel::Address:
        return addressText(event, details);
    case AuditModel::Endpoint: {
        if (const QString counted = countedText(details); !counted.isEmpty())
            return counted;
        const QString reason = details.value("reason"_L1).toString();
        const QString where = details.value("http_method"_L1).toString() + u' ' + details.value("endpoint"_L1).toString();
        return reason.isEmpty() ? orDash(where.trimmed()) : where + u" · "_s + reason;
    }
    case AuditModel::Status:
        return details.contains("status"_L1) ? details.value("status"_L1).toVariant().toString() : u"–"_s;
    default:
        return {};
    }
}

} // namespace llmproxy::ui
