// SPDX-License-Identifier: GPL-3.0-only
// The parts of the engine. How they start and stop is engine.cpp, how the network side is put together engine_front.cpp.
#pragma once

#include "audit/audit_log.h"
#include "delivery/outbox.h"
#include "engine/alert_watch.h"
#include "engine/auth_events.h"
#include "engine/data_lock.h"
#include "engine/engine.h"
#include "engine/engine_thread.h"
#include "engine/listen_plan.h"
#include "engine/memory_return.h"
#include "front/http_bridge.h"
#include "front/tls.h"
#include "secrets/credential_digest.h"
#include "secrets/key_ring.h"
#include "secrets/secret_cache.h"
#include "storage/database.h"
#include "upstream/resolver.h"

#include <atomic>

namespace llmproxy {

struct Engine::Private
{
    Private(const Settings &given, EngineOptions chosen) : settings(given), options(std::move(chosen)) {}

    const Settings &settings;
    EngineOptions options;
    DataLock lock;
    Profiles profiles;
    std::unique_ptr<Resolver> resolver; // before all that connect
    SnapshotHolder snapshots;
    std::optional<KeyRing> keys;
    std::unique_ptr<SecretCache> secrets;
    std::unique_ptr<Database> database;
    std::unique_ptr<Outbox> anchors; // before the log that uses it
    std::unique_ptr<AlertWatch> alerts; // likewise
    std::unique_ptr<AuditLog> audit;
    std::unique_ptr<AuthEvents> authEvents;
    std::unique_ptr<AddressLimits> addresses;
    std::unique_ptr<TlsContext> tls;
    std::unique_ptr<ManageApi> api;
    std::unique_ptr<HttpBridge> bridge;
    HeldBudget held;
    FrontCounts frontCounts; // before the threads that count
    std::vector<std::unique_ptr<EngineThread>> threads;
    MemoryReturn memory; // management thread
    uint64_t snapshotsSeen = 0; // management thread
    ListenAddresses listening, redirecting; // as bound
    CredentialDigest managementToken;
    ManagementTokenForm managementTokenForm;
    std::string socketPath; // of the control socket; empty: there is none
    int64_t managementTokenSinceMs = 0;
    std::atomic<bool> reloadTls{false}; // SIGHUP
    bool started = false;
    std::atomic<bool> stopping{false};
    std::atomic<int> watchers{0}; // of /manage/events

    bool isReading() const { return !options.databaseCopy.empty(); }
    Outcome startParts(); // std::system_error: no thread is left
    void addDemoProfile();
    Outcome makeFront();
    void announceStart();
    Outcome openKeys();
    Result<KeyRing> openRing(const KeyRingRecord &record) const;
    std::string originOf(const std::string &provider, const std::string &baseUrl) const;
    Result<BaseUrlReading> readBaseUrl(const std::string &provider, const std::string &text, std::optional<bool> versionSegment) const;
    void noteManagementToken();
    Outcome useStoredManagementToken();
    Outcome openAuditKey(std::shared_ptr<const CheckpointKey> *key);
    Outcome openStorage();
    std::unique_ptr<Outbox> outboxFor(const std::vector<OutsideTarget> &targets, const std::shared_ptr<const CheckpointKey> &key) const;
    DialConfig dialConfig() const;
    Outcome listen();
    Outcome listenOnNetwork(const ListenPlan &plan);
    Outcome listenLocally();
    Outcome recordStart();
    void settleTable() const;
    void settleSecrets();
    void makeApi();
    void makeThreads(size_t count, uint16_t port);
    FrontConfig frontConfig(uint16_t port);
    FrontHooks frontHooks();
    DoorConfig doorConfig();
    void dispatch(const BridgeCall &call, const HttpBridge::Complete &complete);
    ProviderVerdict askProvider(const ProviderQuestion &question, const std::atomic<bool> &cancelled) const;
    // What each outcome tells to usage and alerts.
    void meter(const RequestOutcome &outcome, int64_t seq);
    int64_t runningRequests() const;
    // A request can be recorded. Tokens are in memory: the database is only asked for where it is the only place for events.
    bool ready() const { return lock.holds() && (!settings.auditEnabled || (audit->takesRequests() && (!settings.auditLogFile.empty() || database->healthy()))); }
    void forgetOldSnapshots();
    std::string readyText() const;
    Outcome ownDataDir();
    std::string demoSocket() const { return socketPath + ".demo"; }
};

} // namespace llmproxy
