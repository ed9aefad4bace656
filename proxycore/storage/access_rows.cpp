// SPDX-License-Identifier: GPL-3.0-only
#include "storage/access_rows.h"

#include "base/log.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <map>
#include <memory>
#include <sqlite3.h>

namespace llmproxy {

namespace {

QString listText(const QStringList &list)
{
    return QString::fromUtf8(QJsonDocument(QJsonArray::fromStringList(list)).toJson(QJsonDocument::Compact));
}

QStringList listOf(const QVariant &value)
{
    QStringList list;
    const QJsonArray array = QJsonDocument::fromJson(value.toString().toUtf8()).array();
    for (const QJsonValue &item : array)
        list.append(item.toString());
    return list;
}

// A null QString would be bound as NULL.
QString text(const QString &value)
{
    return value.isNull() ? QStringLiteral("") : value;
}

RowOutcome rowOutcome(QSqlQuery &query)
{
    if (query.exec())
        return RowOutcome::Done;
    failed(query, "change");
    return isConstraint(query) ? RowOutcome::Constraint : RowOutcome::Failed;
}

RowOutcome writeProvider(SqlConnection &connection, const QString &projectId, int position, const ProviderKey &key)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        "INSERT INTO project_providers (project_id, position, provider, base_url, sealed_key, reference, masked, key_set_ms, sealed_url, version_segment) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    query.addBindValue(projectId);
    query.addBindValue(position);
    query.addBindValue(text(key.provider));
    query.addBindValue(text(key.baseUrl));
    query.addBindValue(text(key.sealedKey));
    query.addBindValue(text(key.reference));
    query.addBindValue(text(key.masked));
    query.addBindValue(qint64{key.keySetMs});
    query.addBindValue(text(key.sealedUrl));
    query.addBindValue(key.versionSegment ? QVariant(*key.versionSegment ? 1 : 0) : QVariant(QMetaType::fromType<int>()));
    return rowOutcome(query);
}

std::optional<bool> flagOf(const QVariant &value)
{
    return value.isNull() ? std::nullopt : std::optional(value.toInt() != 0);
}

} // namespace

RowOutcome writeProject(SqlConnection &connection, const Project &project)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        "INSERT INTO projects (id, name, environment, active, deleted, allowed_models, created_ms, updated_ms, deactivated_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, environment = excluded.environment, active = excluded.active, "
        "deleted = excluded.deleted, allowed_models = excluded.allowed_models, created_ms = excluded.created_ms, "
        "updated_ms = excluded.updated_ms, deactivated_ms = excluded.deactivated_ms"));
    query.addBindValue(text(project.id));
    query.addBindValue(text(project.name));
    query.addBindValue(text(project.environment));
    query.addBindValue(project.active ? 1 : 0);
    query.addBindValue(project.deleted ? 1 : 0);
    query.addBindValue(listText(project.allowedModels));
    query.addBindValue(qint64{project.createdMs});
    query.addBindValue(qint64{project.updatedMs});
    query.addBindValue(qint64{project.deactivatedMs});
    RowOutcome outcome = rowOutcome(query);
    if (outcome != RowOutcome::Done)
        return outcome;
    QSqlQuery clear = connection.query();
    clear.prepare(QStringLiteral("DELETE FROM project_providers WHERE project_id = ?"));
    clear.addBindValue(project.id);
    outcome = rowOutcome(clear);
    int position = 0;
    for (const ProviderKey &key : project.providers) {
        if (outcome == RowOutcome::Done)
            outcome = writeProvider(connection, project.id, position++, key);
    }
    return outcome;
}

bool writeBinding(SqlConnection &connection, const QString &projectId, const ProviderKey &key)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("UPDATE project_providers SET sealed_url = ? WHERE project_id = ? AND provider = ?"));
    query.addBindValue(text(key.sealedUrl));
    query.addBindValue(projectId);
    query.addBindValue(key.provider);
    return rowOutcome(query) == RowOutcome::Done;
}

RowOutcome writeToken(SqlConnection &connection, const Token &token)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        "INSERT INTO tokens (id, lineage, project_id, hash, hash_alg, masked, name, note, created_ms, expires_ms, lifetime_ms, "
        "revoked_ms, grace_until_ms, max_requests, rate_limit, max_concurrent, allowed_models, allowed_endpoints, allowed_ips) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET lineage = excluded.lineage, project_id = excluded.project_id, hash = excluded.hash, "
        "hash_alg = excluded.hash_alg, masked = excluded.masked, name = excluded.name, note = excluded.note, "
        "created_ms = excluded.created_ms, expires_ms = excluded.expires_ms, lifetime_ms = excluded.lifetime_ms, "
        "revoked_ms = excluded.revoked_ms, grace_until_ms = excluded.grace_until_ms, max_requests = excluded.max_requests, "
        "rate_limit = excluded.rate_limit, max_concurrent = excluded.max_concurrent, "
        "allowed_models = excluded.allowed_models, allowed_endpoints = excluded.allowed_endpoints, "
        "allowed_ips = excluded.allowed_ips"));
    for (const QString &value : {token.id, token.lineage, token.projectId})
        query.addBindValue(text(value));
    query.addBindValue(token.hash);
    for (const QString &value : {token.hashAlg, token.masked, token.name, token.note})
        query.addBindValue(text(value));
    for (const int64_t value : {token.createdMs, token.expiresMs, token.lifetimeMs, token.revokedMs, token.graceUntilMs,
                                token.maxRequests, int64_t{token.rateLimit}, int64_t{token.maxConcurrent}})
        query.addBindValue(qint64{value});
    for (const QStringList &value : {token.allowedModels, token.allowedEndpoints, token.allowedIps})
        query.addBindValue(listText(value));
    return rowOutcome(query);
}

RowOutcome removeToken(SqlConnection &connection, const Token &token)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("DELETE FROM tokens WHERE id = ?"));
    query.addBindValue(token.id);
    const RowOutcome outcome = rowOutcome(query);
    if (outcome != RowOutcome::Done)
        return outcome;
    QSqlQuery counters = connection.query();
    counters.prepare(QStringLiteral("DELETE FROM lineage_counters WHERE lineage = ? "
                                    "AND lineage NOT IN (SELECT lineage FROM tokens WHERE lineage = ?)"));
    counters.addBindValue(token.lineage);
    counters.addBindValue(token.lineage);
    return rowOutcome(counters);
}

Result<std::vector<Project>> readProjects(SqlConnection &connection)
{
    std::map<QString, std::vector<ProviderKey>> keys;
    QSqlQuery query = connection.query();
    if (!query.exec(QStringLiteral("SELECT project_id, provider, base_url, sealed_key, reference, masked, key_set_ms, sealed_url, version_segment "
                                   "FROM project_providers ORDER BY project_id, position"))) {
        failed(query, "providers");
        return storageError();
    }
    while (query.next())
        keys[query.value(0).toString()].push_back({query.value(1).toString(), query.value(2).toString(),
                                                   query.value(3).toString(), query.value(4).toString(),
                                                   query.value(5).toString(), query.value(6).toLongLong(),
                                                   query.value(7).toString(), flagOf(query.value(8))});
    if (!ended(query, "providers"))
        return storageError();
    if (!query.exec(QStringLiteral("SELECT id, name, environment, active, deleted, allowed_models, created_ms, updated_ms, "
                                   "deactivated_ms FROM projects"))) {
        failed(query, "projects");
        return storageError();
    }
    std::vector<Project> projects;
    while (query.next()) {
        Project project;
        project.id = query.value(0).toString();
        project.name = query.value(1).toString();
        project.environment = query.value(2).toString();
        project.active = query.value(3).toInt() != 0;
        project.deleted = query.value(4).toInt() != 0;
        project.allowedModels = listOf(query.value(5));
        project.createdMs = query.value(6).toLongLong();
        project.updatedMs = query.value(7).toLongLong();
        project.deactivatedMs = query.value(8).toLongLong();
        project.providers = std::move(keys[project.id]);
        projects.push_back(std::move(project));
    }
    if (!ended(query, "projects"))
        return storageError();
    return projects;
}

Outcome visitTokens(SqlConnection &connection, const std::function<void(const TokenRow &)> &visit)
{
    static constexpr char text[] =
        "SELECT id, lineage, project_id, hash_alg, masked, name, note, hash, allowed_models, allowed_endpoints, allowed_ips, "
        "created_ms, expires_ms, lifetime_ms, revoked_ms, grace_until_ms, max_requests, rate_limit, max_concurrent FROM tokens";
    sqlite3 *const database = connection.handle();
    sqlite3_stmt *raw = nullptr;
    if (!database || sqlite3_prepare_v2(database, text, sizeof text, &raw, nullptr) != SQLITE_OK) {
        logError("storage_failed", {{"what", "tokens"}, {"error", database ? sqlite3_errmsg(database) : "no SQLite driver"}});
        return storageError();
    }
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw, sqlite3_finalize);
    TokenRow row;
    int result = SQLITE_ROW;
    while ((result = sqlite3_step(raw)) == SQLITE_ROW) {
        int column = 0;
        for (std::string_view *value : {&row.texts.id, &row.texts.lineage, &row.texts.projectId, &row.texts.hashAlg, &row.texts.masked,
                                        &row.texts.name, &row.texts.note, &row.hash, &row.allowedModels, &row.allowedEndpoints, &row.allowedIps}) {
            const void *const bytes = sqlite3_column_blob(raw, column); // as stored: the database is UTF-8
            *value = {static_cast<const char *>(bytes), bytes ? static_cast<size_t>(sqlite3_column_bytes(raw, column)) : 0};
            ++column;
        }
        for (int64_t *value : {&row.terms.createdMs, &row.terms.expiresMs, &row.terms.lifetimeMs, &row.terms.revokedMs,
                               &row.terms.graceUntilMs, &row.terms.maxRequests})
            *value = sqlite3_column_int64(raw, column++);
        row.terms.rateLimit = sqlite3_column_int(raw, column++);
        row.terms.maxConcurrent = sqlite3_column_int(raw, column++);
        visit(row);
    }
    if (result == SQLITE_DONE)
        return {};
    logError("storage_failed", {{"what", "tokens"}, {"error", sqlite3_errmsg(database)}});
    return storageError();
}

} // namespace llmproxy
