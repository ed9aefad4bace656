// SPDX-License-Identifier: GPL-3.0-only
// Projects and access tokens as rows. Used on the connection's thread.
#pragma once

#include "access/records.h"
#include "storage/connection.h"

#include <vector>

namespace llmproxy {

enum class RowOutcome { Done, Constraint, Failed };

RowOutcome writeProject(Connection &connection, const Project &project);
RowOutcome writeToken(Connection &connection, const Token &token);
// Also forgets the counters when it was the last of its lineage.
RowOutcome removeToken(Connection &connection, const Token &token);

Result<std::vector<Project>> readProjects(Connection &connection);
Result<std::vector<Token>> readTokens(Connection &connection);

} // namespace llmproxy
