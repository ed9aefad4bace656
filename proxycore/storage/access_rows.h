// SPDX-License-Identifier: GPL-3.0-only
// Projects and access tokens as rows. Used on the connection's thread.
#pragma once

#include "access/token_entry.h"
#include "storage/sql_connection.h"

#include <functional>
#include <vector>

namespace llmproxy {

enum class RowOutcome { Done, Constraint, Failed };

RowOutcome writeProject(SqlConnection &connection, const Project &project);
// sealedUrl alone.
bool writeBinding(SqlConnection &connection, const QString &projectId, const ProviderKey &key);
RowOutcome writeToken(SqlConnection &connection, const Token &token);
// Also forgets the counters when it was the last of its lineage.
RowOutcome removeToken(SqlConnection &connection, const Token &token);

Result<std::vector<Project>> readProjects(SqlConnection &connection);

// A stored token, readable during the visit. Lists are JSON texts.
struct TokenRow
{
    TokenTexts texts;
    TokenTerms terms;
    std::string_view hash;
    std::string_view allowedModels, allowedEndpoints, allowedIps;
};
// Through SQLite's own interface: at a million tokens each QVariant is felt at start.
Outcome visitTokens(SqlConnection &connection, const std::function<void(const TokenRow &)> &visit);

} // namespace llmproxy
