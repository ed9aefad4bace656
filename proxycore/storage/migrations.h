// SPDX-License-Identifier: GPL-3.0-only
// Brings a database to the newest schema; the rules of the files stand in resources/sql/README.md.
#pragma once

#include "base/result.h"
#include "storage/sql_connection.h"

#include <QStringList>
#include <functional>
#include <optional>
#include <string>

namespace llmproxy {

// The highest schema number of this program's own files, :/sql. They are linked in when it is first asked.
int newestSchema();
// The statements of one file, comments removed.
QStringList splitStatements(const QString &text);
int schemaVersion(SqlConnection &connection); // -1: cannot be read
// Runs the missing files of the folder in one transaction, after a copy to path + ".backup-v<old>". beforeCommit: what SQL alone cannot
// do, in the same transaction; from: the old number, 0 of a new database. Its Error undoes all.
Outcome migrate(SqlConnection &connection, const std::string &path, const QString &folder, const std::function<Outcome(int from)> &beforeCommit = {});

} // namespace llmproxy
