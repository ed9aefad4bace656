// SPDX-License-Identifier: GPL-3.0-only
#include "storage/key_bindings.h"

#include "access/key_binding.h"
#include "storage/access_rows.h"
#include "storage/rows_to.h"

#include <QJsonArray>
#include <QJsonDocument>

namespace llmproxy {

namespace {

constexpr const char *boundName = "bound_keys"; // JSON: [[project, provider, base URL], …]

bool writeKeyCheck(SqlConnection &connection, const std::string &check)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("UPDATE key_ring SET key_check = ? WHERE id = 1"));
    query.addBindValue(QString::fromStdString(check));
    return ran(query, "key check");
}

} // namespace

std::optional<KeyRingRecord> readKeyRing(SqlConnection &connection)
{
    QSqlQuery query = connection.query();
    if (!query.exec(QStringLiteral("SELECT key_source, key_check, data_key_id, wrapped_data_key, wrapped_token_hash_key "
                                   "FROM key_ring WHERE id = 1"))
        || !query.next())
        return {};
    const auto text = [&](int column) { return query.value(column).toString().toStdString(); };
    return KeyRingRecord{text(0), text(1), text(2), text(3), text(4)};
}

Outcome bindOlderKeys(SqlConnection &connection, const OpenKeys &openKeys)
{
    const auto record = readKeyRing(connection);
    if (!record || !openKeys)
        return {};
    auto keys = openKeys(*record);
    if (!keys)
        return keys.error();
    if (keys->nextKeyCheck().empty())
        return {};
    auto projects = readProjects(connection);
    if (!projects)
        return projects.error();
    bool good = writeKeyCheck(connection, keys->nextKeyCheck());
    QJsonArray bound;
    for (Project &project : *projects) {
        for (ProviderKey &key : project.providers) {
            if (!hasKey(key))
                continue;
            bindKey(key, project.id, *keys);
            good = good && writeBinding(connection, project.id, key);
            bound.append(QJsonArray{project.id, key.provider, key.baseUrl});
        }
    }
    if (good && (bound.isEmpty() || writeMeta(connection, boundName, QJsonDocument(bound).toJson(QJsonDocument::Compact).toStdString())))
        return {};
    return storageError();
}

std::vector<BoundKey> readBoundKeys(SqlConnection &connection)
{
    std::vector<BoundKey> bound;
    std::string text;
    if (!readMeta(connection, boundName, &text))
        return bound;
    const QJsonArray noted = QJsonDocument::fromJson(QByteArray::fromStdString(text)).array();
    for (const QJsonValue one : noted) {
        const QJsonArray key = one.toArray();
        bound.push_back({key.at(0).toString().toStdString(), key.at(1).toString().toStdString(), key.at(2).toString().toStdString()});
    }
    return bound;
}

bool forgetBoundKeys(SqlConnection &connection)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("DELETE FROM meta WHERE name = 'bound_keys'"));
    return ran(query, "bound keys");
}

} // namespace llmproxy
