// SPDX-License-Identifier: GPL-3.0-only
// A management API over a real database and audit log in a temporary folder; calls are waited for.
#pragma once

#include "audit/audit_log.h"
#include "config/settings.h"
#include "manage/api.h"
#include "secrets/key_ring.h"
#include "secrets/secret_cache.h"
#include "storage/database.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>

#include <functional>
#include <mutex>

namespace llmproxy::test {

struct Reply
{
    int status = 0;
    QJsonObject body;
    QByteArray raw;
    std::string allow, retryAfter;

    QJsonValue operator[](const char *key) const { return body.value(QLatin1String(key)); }
    QString text(const char *key) const { return (*this)[key].toString(); }
    QString errorCode() const;
    QString errorField() const;
};

class ManageFixture
{
public:
    // adjust: of the context, before the API is made.
    explicit ManageFixture(const std::function<void(ManageContext &context)> &adjust = {});
    ~ManageFixture();

    Reply call(const char *method, const QString &target, const QByteArray &body = {},
               const char *contentType = "application/json");
    Reply get(const QString &target) { return call("GET", target); }
    Reply post(const QString &target, const QByteArray &body = {}) { return call("POST", target, body); }
    Reply patch(const QString &target, const QByteArray &body) { return call("PATCH", target, body); }
    Reply remove(const QString &target) { return call("DELETE", target); }

    // Ids of new, valid objects.
    QString project(const QByteArray &fields = R"("name":"one","api_key":"sk-abcdefghijkl1234")");
    Reply token(const QString &projectId, const QByteArray &fields = {});
    // The audit file's events with this action, oldest first.
    std::vector<AuditEvent> events(const char *action);
    std::vector<std::string> takeCut();
    // Changes the first provider of a project as somebody could who writes into the database.
    void edit(const QString &projectId, const std::function<void(ProviderKey &key)> &how);

    Settings settings;
    std::string actor = "management";
    bool isLocal = false; // of the caller
    QByteArray everything; // every answer's bytes so far

    std::string asked; // the last provider check: provider|base URL|key

    SnapshotHolder snapshots;

private:
    QTemporaryDir m_folder;
    std::unique_ptr<Database> m_database;
    std::unique_ptr<AuditLog> m_audit;
    std::unique_ptr<SecretCache> m_secrets;
    std::unique_ptr<KeyRing> m_keys;
    std::unique_ptr<ManageApi> m_api;
    std::mutex m_lock;
    std::vector<std::string> m_cut;
};

} // namespace llmproxy::test
