// SPDX-License-Identifier: GPL-3.0-only
// Projects and access tokens as rows. Used on the connection's thread.
#pragma once

#include "access/records.h"
#include "storage/sql_connection.h"

#include <vector>

namespace llmproxy {

enum class RowOutcome { Done, Constraint, Failed };

RowOutcome writeProject(SqlConnection &connection, const Project &project);
RowOutcome writeToken(SqlConnection &connection, const Token &token);
// Also forgets the counters when it was the last of its lineage.
RowOutcome removeToken(SqlConnection &connection, const Token &token);

Result<std::vector<Project>> readProjects(SqlConnection &connection);
Result<std::vector<Token>> readTokens(SqlConnection &connection);

} // namespace llmproxy
