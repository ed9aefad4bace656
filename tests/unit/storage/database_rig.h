// SPDX-License-Identifier: GPL-3.0-only
// A database with all that an engine would own around it, and what a test puts into it.
#pragma once

#include "access/key_binding.h"
#include "access/records.h"
#include "audit/audit_log.h"
#include "base/clock.h"
#include "secrets/access_token.h"
#include "secrets/key_ring.h"
#include "storage/database.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <future>
#include <memory>
#include <sqlite3.h>
#include <string>

namespace llmproxy::test {

// Everything an engine would own around a database.
struct Rig
{
    explicit Rig(const QTemporaryDir &dir, bool file = true, bool table = true)
        : path(dir.path().toStdString() + "/llm-proxy.db"), secrets(makeSecretSources(dir.path().toStdString(), {}, [](std::string_view) { return false; }), 600'000), database({path})
    {
        if (file)
            config.file = dir.path().toStdString() + "/audit.log";
        config.storeInDb = table;
        audit = std::make_unique<AuditLog>(config);
    }
    ~Rig() { stop(); }
    Outcome start()
    {
        const MasterKey master{Secret(std::string(32, masterKeyByte)), "environment"};
        if (Outcome failure = database.open([&](const KeyRingRecord &record) { return KeyRing::open(master, record); }))
            return failure;
        if (const auto record = database.keyRingRecord()) {
            keys = std::make_unique<KeyRing>(std::move(*KeyRing::open(master, *record)));
        } else {
            keys = std::make_unique<KeyRing>(KeyRing::create(master));
            if (Outcome failure = database.saveKeyRingRecord(keys->record()))
                return failure;
        }
        if (Outcome failure = audit->start(&database))
            return failure;
        return database.start(&snapshots, audit.get(), keys.get(), &secrets);
    }
    void stop()
    {
        audit->stop();
        database.stop();
    }
    Outcome change(std::vector<Change> changes, AuditEvent event = AuditEvent(Action::ProjectCreate, "cli", "success"))
    {
        std::promise<Outcome> done;
        database.submit([&](const Snapshot &) -> Result<Decision> { return Decision{changes, event.action.isEmpty() ? std::vector<AuditEvent>() : std::vector{event}}; },
                        [&](const Outcome &outcome) { done.set_value(outcome); });
        return done.get_future().get();
    }
    bool record(AuditEvent event)
    {
        std::promise<bool> done;
        audit->record(std::move(event), [&](bool ok) { done.set_value(ok); });
        return done.get_future().get();
    }
    // Everything that was queued before is committed when this returns. An event is told as written before its row is
    // handed over, so the row may still be on its way to the queue.
    void settle()
    {
        std::string hash;
        do {
            change({}, AuditEvent());
        } while (database.rowsTo(&hash) < audit->lastSeq());
    }

    std::string path;
    char masterKeyByte = 'k';
    AuditConfig config;
    SnapshotHolder snapshots;
    SecretCache secrets;
    Database database;
    std::unique_ptr<AuditLog> audit;
    std::unique_ptr<KeyRing> keys;
};

inline Project project(const Rig &rig, const char *id, const char *key = "sk-live-0123456789")
{
    Project one;
    one.id = QString::fromLatin1(id);
    one.name = QStringLiteral("name");
    one.environment = QStringLiteral("development");
    one.createdMs = one.updatedMs = Clock::wallMs();
    ProviderKey provider;
    provider.provider = QStringLiteral("openai");
    provider.sealedKey = QString::fromStdString(rig.keys->seal(Secret(key), "project", id, "openai.api_key"));
    provider.masked = QStringLiteral("sk-live****6789");
    bindKey(provider, one.id, *rig.keys);
    one.providers.push_back(provider);
    return one;
}

inline Token token(const Rig &rig, const char *id, const char *projectId)
{
    Token one;
    one.id = one.lineage = QString::fromLatin1(id);
    one.projectId = QString::fromLatin1(projectId);
    const auto hash = hashAccessToken(rig.keys->tokenHashKey(), id);
    one.hash = QByteArray(reinterpret_cast<const char *>(hash.data()), 32);
    one.hashAlg = QStringLiteral("hmac-sha256-v1");
    one.masked = QStringLiteral("tok-1234****cdef");
    one.createdMs = Clock::wallMs();
    one.expiresMs = one.createdMs + 3'600'000;
    one.lifetimeMs = 3'600'000;
    one.maxRequests = 100;
    return one;
}

inline AuditEvent accessEvent(const char *tokenUuid, int upstreamStatus = 200)
{
    AuditEvent event(Action::TokenAccess, "client", "success");
    event.detail("prompt_tokens", int64_t{3}).detail("completion_tokens", int64_t{4});
    event.detail("forwarded", true).detail("upstream_status", int64_t{upstreamStatus}).detail("token_uuid", tokenUuid);
    return event;
}

// What a kill -9 at this moment would leave behind.
inline void killedHere(const QTemporaryDir &from, const QTemporaryDir &to)
{
    const QStringList names = QDir(from.path()).entryList(QDir::Files);
    for (const QString &name : names)
        QVERIFY(QFile::copy(from.filePath(name), to.filePath(name)));
}

// One statement of another program.
inline bool execute(const std::string &path, const char *statement)
{
    sqlite3 *database = nullptr;
    sqlite3_open(path.c_str(), &database);
    const bool done = sqlite3_exec(database, statement, nullptr, nullptr, nullptr) == SQLITE_OK;
    sqlite3_close(database);
    return done;
}

inline constexpr const char *tokenId = "0f8fad5b-d9cb-469f-a165-70867728950e";

} // namespace llmproxy::test
