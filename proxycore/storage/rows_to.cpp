// SPDX-License-Identifier: GPL-3.0-only
#include "storage/rows_to.h"

#include <QVariant>
#include <algorithm>
#include <cstdlib>

namespace llmproxy {

namespace {

bool readLastRow(SqlConnection &connection, RowsTo *last)
{
    QSqlQuery query = connection.query();
    if (!query.exec(QStringLiteral("SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1")))
        return failed(query, "last audit row");
    if (query.next())
        *last = {query.value(0).toLongLong(), query.value(1).toString().toStdString()};
    return ended(query, "last audit row");
}

bool readNumber(SqlConnection &connection, const char *name, int64_t *number)
{
    std::string text;
    if (!readMeta(connection, name, &text))
        return false;
    *number = std::strtoll(text.c_str(), nullptr, 10);
    return true;
}

} // namespace

bool readMeta(SqlConnection &connection, const char *name, std::string *value)
{
    value->clear();
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("SELECT value FROM meta WHERE name = ?"));
    query.addBindValue(QLatin1String(name));
    if (!ran(query, name))
        return false;
    if (query.next())
        *value = query.value(0).toString().toStdString();
    return ended(query, name);
}

bool writeMeta(SqlConnection &connection, const char *name, const std::string &value)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
    query.addBindValue(QLatin1String(name));
    query.addBindValue(QString::fromStdString(value));
    return ran(query, name);
}

bool readRowsTo(SqlConnection &connection, RowsTo *rowsTo)
{
    RowsTo row, noted;
    if (!readLastRow(connection, &row) || !readNumber(connection, "rows_to", &noted.seq) || !readMeta(connection, "rows_to_hash", &noted.hash))
        return false;
    // Rows that somebody removed from the end were there: their seqs are not given again.
    *rowsTo = noted.seq > row.seq ? std::move(noted) : std::move(row);
    return true;
}

bool writeRowsTo(SqlConnection &connection, const RowsTo &rowsTo)
{
    return writeMeta(connection, "rows_to", std::to_string(rowsTo.seq)) && writeMeta(connection, "rows_to_hash", rowsTo.hash);
}

bool readLogPlace(SqlConnection &connection, const std::string &file, std::optional<LogPlace> *place)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("SELECT first_seq, last_seq, last_hash FROM audit_files WHERE path = ?"));
    query.addBindValue(QString::fromStdString(file));
    if (!ran(query, "log place"))
        return false;
    if (query.next())
        *place = LogPlace{file, query.value(0).toLongLong(), query.value(1).toLongLong(), query.value(2).toString().toStdString()};
    return ended(query, "log place");
}

bool readTableStart(SqlConnection &connection, const std::string &file, TableStart *start)
{
    RowsTo rowsTo;
    int64_t startSeq = 0;
    if (!readRowsTo(connection, &rowsTo) || !readNumber(connection, "last_change_seq", &start->lastChangeSeq) || !readNumber(connection, "start_seq", &startSeq)
        || !readNumber(connection, keepsOldName, &start->keepsOldMs) || !readNumber(connection, restoredName, &start->restoredFrom) || !readLogPlace(connection, file, &start->place))
        return false;
    start->rowsTo = rowsTo.seq;
    start->rowsToHash = std::move(rowsTo.hash);
    // A database of a version that did not note its starts knows those that it has rows of; without rows, those before its last change.
    start->lastStartSeq = startSeq > 0 ? startSeq : std::max(start->rowsTo, start->lastChangeSeq);
    if (start->restoredFrom > 0) // rows of later ones are there by now, and nothing was made of them
        start->lastStartSeq = std::min(start->lastStartSeq, start->restoredFrom);
    return true;
}

} // namespace llmproxy
