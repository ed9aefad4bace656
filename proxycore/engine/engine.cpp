// SPDX-License-Identifier: GPL-3.0-only
#include "engine/engine_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/masking.h"
#include "base/random.h"
#include "base/retention_period.h"
#include "base/sha256.h"
#include "config/data_key.h"
#include "config/env_register.h"
#include "config/saved_settings.h"
#include "engine/bound_keys.h"
#include "engine/restored_database.h"
#include "engine/tls_config.h"
#include "exchange/outcome_event.h"
#include "storage/entries.h"
#include "storage/management_token.h"

#include <algorithm>
#include <curl/curl.h>
#include <future>
#include <set>
#include <signal.h>
#include <thread>
#include <system_error>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int flushEveryMs = 1'000, alertsEveryMs = 60'000;
constexpr int memoryEveryMs = 1'000, lockEveryMs = 1'000;
constexpr int certificateEveryMs = 1'000; // two stat(2) calls

} // namespace


Outcome Engine::Private::openKeys()
{
    const auto record = database->keyRingRecord();
    if (!record) {
        auto master = loadMasterKey(settings.encryptionKey, settings.encryptionKeyFile, settings.dataDir, !isReading());
        if (!master)
            return master.error();
        keys.emplace(KeyRing::create(*master));
        return database->saveKeyRingRecord(keys->record());
    }
    auto opened = openRing(*record);
    if (!opened)
        return opened.error();
    keys.emplace(std::move(*opened));
    return {};
}

Result<KeyRing> Engine::Private::openRing(const KeyRingRecord &record) const
{
    auto opened = openDataKeys(settings, record);
    if (!opened) { // ruling 27: a wrong key is a configuration error
        Error error = opened.error();
        error.kind = ErrorKind::Invalid;
        return error;
    }
    return opened;
}

// Checkpoints are signed with a key of this installation, made at its first start.
Outcome Engine::Private::openAuditKey(std::shared_ptr<const CheckpointKey> *key)
{
    if (!settings.auditEnabled)
        return {};
    if (const auto record = database->auditKey()) {
        const auto bytes = keys->unseal(record->sealed, "audit_key", record->id, "private_key");
        auto opened = bytes ? CheckpointKey::open(*bytes) : std::nullopt;
        if (opened && opened->id() == record->id) {
            *key = std::make_shared<const CheckpointKey>(std::move(*opened));
            return {};
        }
        logWarn("the key that signs audit checkpoints cannot be opened; a new one signs from now on", {{"key_id", record->id}});
    }
    CheckpointKey made = CheckpointKey::create();
    const AuditKeyRecord record{made.id(), made.publicPem(), keys->seal(made.privateBytes(), "audit_key", made.id(), "private_key")};
    *key = std::make_shared<const CheckpointKey>(std::move(made));
    return database->saveAuditKey(record);
}

void Engine::Private::noteManagementToken()
{
    const std::string_view token = settings.managementToken.reveal();
    managementTokenSinceMs = database->noteManagementToken(Sha256Hex().hash(token), options.networkListener);
    managementToken = CredentialDigest(settings.managementToken);
    managementTokenForm = {token.size(), std::set<char>(token.begin(), token.end()).size()};
}

// MANAGEMENT_TOKEN is not set: the one that the server had before stays valid, of which the hash is stored.
Outcome Engine::Private::useStoredManagementToken()
{
    const StoredToken stored = database->storedManagementToken();
    if (stored.sha256Hex.empty())
        return Error{ErrorKind::Invalid, "management_token", aboutSetting("MANAGEMENT_TOKEN", std::string(whyManagementToken)), "MANAGEMENT_TOKEN"};
    managementToken = CredentialDigest::ofHash(stored.sha256Hex);
    managementTokenSinceMs = stored.sinceMs;
    managementTokenForm.isStored = true;
    logInfo("MANAGEMENT_TOKEN is not set; the token that this server had before stays valid");
    return {};
}

std::unique_ptr<Outbox> Engine::Private::outboxFor(const std::vector<OutsideTarget> &targets, const std::shared_ptr<const CheckpointKey> &key) const
{
    OutboxConfig config;
    config.targets = targets;
    config.dial = dialConfig();
    config.dial.hosts.allowInsecure = false; // that is for providers
    config.fileMode = settings.auditFileMode;
    if (key) {
        config.sign = [key](std::string_view body) { return key->sign("webhook", body); };
        config.keyId = key->id();
    }
    return std::make_unique<Outbox>(std::move(config));
}

Outcome Engine::Private::openStorage()
{
    database = std::make_unique<Database>(DatabaseConfig{isReading() ? options.databaseCopy : settings.databasePath});
    if (Outcome failure = database->open([this](const KeyRingRecord &record) { return openRing(record); }))
        return failure;
    if (Outcome failure = openKeys())
        return failure;
    if (!settings.managementToken.isEmpty()) {
        noteManagementToken();
    } else if (options.needsManagementToken) {
        if (Outcome failure = useStoredManagementToken())
            return failure;
    }
    secrets = std::make_unique<SecretCache>(makeSecretSources(settings.dataDir, settings.secretsDir, isOwnVariable), settings.secretStaleMaxMs);
    secrets->observe([this] { return referencesOf(*snapshots.current()); }, [this](const std::string &reference) { database->updateReference(reference); });
    secrets->start();
    AuditConfig config;
    config.enabled = settings.auditEnabled;
    config.readOnly = isReading();
    config.file = settings.auditLogFile;
    config.fileMode = settings.auditFileMode;
    config.createDir = settings.auditCreateDir;
    config.storeInDb = settings.auditStoreInDb;
    config.maskClientIp = settings.auditMaskClientIp;
    config.maxFileBytes = settings.auditMaxFileBytes;
    config.fileRetentionMs = settings.auditFileRetentionMs;
    config.keys = &*keys;
    config.encryptRotated = settings.auditEncryptRotated;
    config.refuseOnError = settings.auditRefuseOnError;
    config.fsync = settings.auditFsync == "always" ? AuditFsync::Always
                   : settings.auditFsync == "never" ? AuditFsync::Never : AuditFsync::Management;
    setUnprefixedMasking(settings.auditMaskUnprefixedFull ? MaskUnprefixed::Full : MaskUnprefixed::Partial);
    if (Outcome failure = openAuditKey(&config.checkpointKey))
        return failure;
    if (settings.auditEnabled && !settings.auditAnchors.empty() && !isReading()) {
        anchors = outboxFor(settings.auditAnchors, config.checkpointKey);
        config.anchor = [this](const std::string &line) { anchors->send(line); };
    }
    if (settings.alertsEnabled && !isReading()) {
        const AlertThresholds thresholds{settings.alertAuthFailures, settings.alertDeniedRequests, settings.alertVolumeFactor, settings.alertNewSources,
                                         settings.alertUnusualHours};
        alerts = std::make_unique<AlertWatch>(thresholds, snapshots, settings.alertWebhooks.empty() ? nullptr : outboxFor(settings.alertWebhooks, config.checkpointKey));
    }
    config.eventOf = eventOf;
    config.found = [this](const AuditFinding &finding) {
        if (alerts)
            alerts->tell(finding);
    };
    config.seen = [this](const AuditEvent &event) {
        if (event.outcome)
            meter(*event.outcome, event.seq);
    };
    audit = std::make_unique<AuditLog>(config);
    if (Outcome failure = audit->start(database.get()))
        return failure;
    return database->start(&snapshots, audit.get(), &*keys, secrets.get());
}

std::string Engine::Private::originOf(const std::string &provider, const std::string &baseUrl) const
{
    const auto profile = profiles.find(provider);
    if (profile == profiles.end())
        return {};
    if (!profile->second.unixSocket.empty())
        return "unix:" + profile->second.unixSocket; // whatever base_url says
    const auto url = parseBaseUrl(baseUrl.empty() ? profile->second.baseUrl : baseUrl);
    return url ? url->origin() : std::string();
}

void Engine::Private::makeApi()
{
    ManageContext context;
    context.settings = &settings;
    context.database = database.get();
    context.audit = audit.get();
    context.snapshots = &snapshots;
    context.keys = &*keys;
    context.secrets = secrets.get();
    context.isCommand = !options.networkListener;
    context.providerKnown = [this](const std::string &name) { return profiles.find(name) != profiles.end(); };
    context.providerNames = [this] {
        std::vector<std::string> names;
        for (const auto &[name, profile] : profiles)
            names.push_back(name);
        return names;
    };
    context.providerNeedsKey = [this](const std::string &name) {
        const auto profile = profiles.find(name);
        return profile == profiles.end() || (profile->second.auth != AuthForm::None && !profile->second.keyOptional);
    };
    context.originOf = [this](const std::string &name, const std::string &baseUrl) { return originOf(name, baseUrl); };
    context.readBaseUrl = [this](const std::string &name, const std::string &text, std::optional<bool> version) { return readBaseUrl(name, text, version); };
    context.cutStreams = [this](const std::vector<std::string> &ids) {
        for (const auto &thread : threads)
            thread->cut(ids, Reason::StreamCut);
    };
    context.findRequest = [this](const std::string &id, bool end, const std::function<void(std::optional<LiveRequest>)> &done) {
        // The threads answer each for itself; the last one, or the one that had it, for all.
        struct Search
        {
            std::atomic<size_t> left;
            std::atomic<bool> told{false};
        };
        const auto search = std::make_shared<Search>();
        search->left = threads.size();
        for (const auto &thread : threads) {
            thread->find(id, end, [search, done](std::optional<LiveRequest> killed) {
                // Told before it is counted: the last one must not say "nobody" in between.
                if (killed && !search->told.exchange(true))
                    done(std::move(killed));
                if (--search->left == 0 && !search->told.exchange(true))
                    done(std::nullopt);
            });
        }
    };
    context.renewExpiry = [this](const std::string &id) {
        for (const auto &thread : threads)
            thread->renewExpiry(id);
    };
    context.listening = [this] { return listening; }; // set before anybody can ask
    context.ready = [this] { return ready(); };
    context.isDataGone = [this] { // management thread
        lock.look();
        return !lock.holds();
    };
    context.failedHandshakes = [this] { return frontCounts.failedHandshakes.load(); };
    context.sawOtherAddressHeader = [this] { return frontCounts.sawOtherAddressHeader.load(); };
    context.certificateExpiresMs = [this] { return tls ? tls->current()->expiresMs() : int64_t{0}; };
    context.anchorStatus = [this] {
        std::vector<DeliveryStatus> all;
        for (const Outbox::Status &one : anchors ? anchors->status() : std::vector<Outbox::Status>())
            all.push_back({one.target, one.delivered, one.waiting, one.lost, one.problem});
        return all;
    };
    context.runningRequests = [this] { return runningRequests(); };
    context.managementToken = managementTokenForm;
    context.managementTokenSinceMs = managementTokenSinceMs;
    context.inUse = options.inUse;
    context.namedDataDir = options.namedDataDir;
    context.askProvider = [this](const ProviderQuestion &question, const std::atomic<bool> &cancelled) { return askProvider(question, cancelled); };
    context.startedMs = Clock::wallMs();
    api = std::make_unique<ManageApi>(std::move(context));
    bridge = std::make_unique<HttpBridge>([this](const BridgeCall &call, const HttpBridge::Complete &complete) { dispatch(call, complete); });
    bridge->every(flushEveryMs, [this] { authEvents->flush(); });
    bridge->every(lockEveryMs, [this] { lock.look(); });
    bridge->every(memoryEveryMs, [this] { forgetOldSnapshots(); });
    bridge->every(memoryEveryMs, [this] { memory.tick({addresses->openConnections(), addresses->takePeak()}, {held.now(), held.takePeak()}); });
    if (alerts)
        bridge->every(alertsEveryMs, [this] { alerts->tick(); });
    if (tls)
        bridge->every(certificateEveryMs, [this] { tls->reload(reloadTls.exchange(false)); });
    if (!isReading())
        bridge->every(static_cast<int>(hourMs), [this] { api->watchChain(); });
    if (!isReading())
        bridge->every(static_cast<int>(retentionPeriodMs(settings.auditRetentionMs)), [this] { api->applyRetention(); });
}

void Engine::Private::forgetOldSnapshots()
{
    if (std::exchange(snapshotsSeen, snapshots.generation()) == snapshots.generation())
        return;
    for (const auto &thread : threads)
        thread->forgetOldSnapshot();
}

// While the table lags behind the log's file requests go on, and so it is said up to which event it is whole.
std::string Engine::Private::readyText() const
{
    const TableState table = database->tableState();
    if (!settings.auditEnabled || !settings.auditStoreInDb || !table.isBehind)
        return R"({"status":"ok"})";
    return R"({"status":"ok","table_behind":true,"table_to_seq":)" + std::to_string(table.rowsTo) + "}";
}

void Engine::Private::dispatch(const BridgeCall &call, const HttpBridge::Complete &complete)
{
    const size_t mark = call.target.find('?');
    ManageRequest request;
    request.method = call.method;
    request.path = call.target.substr(0, mark);
    request.query = mark == std::string::npos ? std::string() : call.target.substr(mark + 1);
    if (request.path == "/health" || request.path == "/ready") {
        const bool readable = call.method == "GET" || call.method == "HEAD";
        const bool good = request.path == "/health" || ready();
        if (readable && good && call.isConditionFalse)
            complete({call.isUnchanged ? 304 : 412, call.isUnchanged ? "" : R"({"error":{"code":"precondition_failed","message":"If-Match names no version of this"}})", "", ""});
        else if (!readable)
            complete({405, R"({"error":{"code":"method_not_allowed","message":"only GET and HEAD are served here"}})", "", "GET, HEAD"});
        else
            complete({good ? 200 : 503, !good ? R"({"status":"unavailable"})" : request.path == "/ready" ? readyText() : R"({"status":"ok"})", good ? "" : "1", ""});
        return;
    }
    request.body = QByteArray::fromStdString(call.body);
    request.contentType = call.contentType;
    request.actor = call.actor;
    request.isLocal = call.isLocal;
    request.requestId = call.requestId;
    request.clientIp = call.clientIp;
    request.userAgent = call.userAgent;
    request.isConditionFalse = call.isConditionFalse;
    request.isUnchanged = call.isUnchanged;
    api->handle(request, [complete](const ManageAnswer &answer) {
        complete({answer.status, answer.body.toStdString(), answer.retryAfter, answer.allow, answer.contentType, answer.disposition, answer.blocks});
    });
    wipe(request.body.data(), static_cast<size_t>(request.body.size())); // the call has what it needs of it
}

// What is saved and wrong, but hidden by another source: it keeps nobody out today, and everybody at a start without that source.
static void warnOfHiddenSettings(const Settings &settings, const SettingsInUse &inUse)
{
    const std::string path = savedSettingsPath(settings.dataDir);
    const SettingTexts saved = readSavedSettings(path).values;
    if (saved.empty() || !inUse.loadAlone)
        return;
    for (const SettingProblem &one : inUse.loadAlone(saved).problems)
        logWarn("a saved setting is invalid and only hidden by a flag, the environment or .env; fix it, or a start without that fails",
                {{"file", path}, {"setting", one.name}, {"problem", one.problem}});
}

Engine::Engine(const Settings &settings, EngineOptions options) : d(new Private(settings, std::move(options)))
{
}

Engine::~Engine()
{
    requestStop();
    waitStopped();
}

Outcome Engine::start()
{
    try {
        return d->startParts();
    } catch (const std::system_error &exception) { // makeThread()
        return Error{ErrorKind::Unavailable, "threads", std::string("cannot start a thread: ") + exception.what() + "; raise the limit on processes (ulimit -u, TasksMax)", {}};
    }
}

Outcome Engine::Private::startParts()
{
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    resolver = std::make_unique<Resolver>();
    auto known = loadProfiles(settings.apiConfigPath);
    if (!known)
        return known.error();
    profiles = std::move(*known);
    if (Outcome failure = ownDataDir())
        return failure;
    if (options.demo)
        addDemoProfile();
    warnOfHiddenSettings(settings, options.inUse);
    if (Outcome failure = makeFront())
        return failure;
    if (Outcome failure = openStorage())
        return failure;
    authEvents = std::make_unique<AuthEvents>(*audit, [this](const RequestOutcome &outcome, int64_t seq) { meter(outcome, seq); });
    started = true;
    if (!isReading()) {
        rememberEnvFile(settings.dataDir, settings.envFile);
        rememberEnvFile(settings.dataDir, keys->envFile());
    }
    if (!options.networkListener) {
        settleTable();
        settleSecrets();
    }
    makeApi();
    if (Outcome failure = recordStart())
        return failure;
    if (Outcome failure = listen())
        return failure;
    announceStart();
    return {};
}

void Engine::Private::addDemoProfile()
{
    ProviderProfile demo;
    demo.name = "demo";
    demo.baseUrl = "http://demo.localhost/v1";
    demo.keyOptional = true;
    demo.unixSocket = demoSocket();
    profiles["demo"] = demo;
}

// What the listeners need before they are opened.
Outcome Engine::Private::makeFront()
{
    AddressPolicy policy;
    policy.requestsPerMinute = settings.ipRateLimit;
    policy.authFailuresPerMinute = settings.authFailureLimit;
    policy.connections = settings.maxConnections;
    policy.connectionsPerAddress = settings.maxConnectionsPerIp;
    policy.limitLoopbackRequests = settings.ipRateLimitSet;
    policy.limitLoopbackFailures = settings.authFailureLimitSet;
    policy.limitLoopbackConnections = settings.maxConnectionsPerIpSet;
    addresses = std::make_unique<AddressLimits>(policy);
    if (!settings.tlsCertFile.empty()) {
        auto made = TlsContext::create(tlsConfigOf(settings));
        if (!made)
            return made.error();
        tls = std::move(*made);
    }
    return {};
}

// Committed before anybody is served: a later start knows by it whether the database is the one that this log belongs to.
Outcome Engine::Private::recordStart()
{
    const std::vector<BoundKey> bound = database->boundKeys();
    if (!settings.auditEnabled || !(options.networkListener || audit->recovered() || !bound.empty()))
        return {};
    AuditEvent start(Action::SystemStart, "system", "success");
    if (audit->recovered())
        start.detail("recovered", true);
    std::promise<Outcome> committed;
    database->submit([&](const Snapshot &now) -> Result<Decision> {
        Decision decision = audit->unknownChanges().empty() ? Decision() : takeRightsAgain(now, audit->unknownChanges());
        tellBoundKeys(decision, now, bound, audit->isDatabaseOlder(), [this](const std::string &provider, const std::string &url) { return originOf(provider, url); });
        decision.events.insert(decision.events.begin(), start);
        return decision;
    }, [&committed](const Outcome &outcome) { committed.set_value(outcome); }, Rights::Take);
    const Outcome failure = committed.get_future().get();
    if (!failure && !bound.empty())
        database->forgetBoundKeys();
    if (!failure && !audit->unknownChanges().empty()) {
        audit->setFinding(std::string(databaseRestored));
        if (alerts)
            alerts->tell({"database_restored", std::string(databaseRestored), 0, 0});
    }
    // Requests may go on without the log's file, but not with rights that it says were taken away. Without its database it would not
    // know at the next start which of the two is older.
    return failure && (audit->healthy() || audit->isDatabaseOlder() || !bound.empty()) ? failure : Outcome();
}

// A command is not to be refused, or to show less, for what a kill has left in the log's file alone.
void Engine::Private::settleTable() const
{
    constexpr auto poll = std::chrono::milliseconds(5);
    constexpr auto atMost = std::chrono::seconds(60);
    const auto until = std::chrono::steady_clock::now() + atMost;
    const auto isCatchingUp = [this] {
        const TableState table = database->tableState();
        return table.isBehind && table.obstacle.empty() && database->healthy();
    };
    while (settings.auditEnabled && settings.auditStoreInDb && isCatchingUp() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(poll);
}

void Engine::Private::announceStart()
{
    if (!settings.auditEnabled)
        logWarn("auditing is off (AUDIT_ENABLED=false): who does what here is not recorded");
    if (alerts)
        alerts->raiseInto(audit.get());
    if (options.networkListener) {
        if (alerts && settings.auditEnabled && settings.auditStoreInDb)
            alerts->learnFrom(*database);
        api->applyRetention();
        api->watchChain();
        for (const ListenAddress &one : asAddresses(redirecting))
            logInfo("redirecting to https", {{"address", one.text()}});
        for (const ListenAddress &one : asAddresses(listening))
            logInfo("listening", {{"address", one.text()}, {"tls", tls ? "on" : "off"}, {"data_dir", settings.dataDir}, {"pid", std::to_string(getpid())}});
    }
}

// A command looks once, and what it shows of a key should be so: half a second for the sources, and their values in the snapshot.
// A server listens at once.
void Engine::Private::settleSecrets()
{
    constexpr int64_t atMostMs = 500;
    secrets->settle(atMostMs);
    std::promise<void> applied;
    database->submit([](const Snapshot &) -> Result<Decision> { return Decision{}; }, [&applied](const Outcome &) { applied.set_value(); });
    applied.get_future().wait();
}

void Engine::Private::meter(const RequestOutcome &outcome, int64_t seq)
{
    if (alerts)
        alerts->see(outcome, seq);
    if (!outcome.isSummary)
        database->count(outcome, seq);
}

int64_t Engine::Private::runningRequests() const
{
    int64_t running = 0;
    for (const auto &thread : threads)
        running += thread->runningRequests();
    return running;
}

ListenAddresses Engine::listening() const
{
    return d->listening;
}

int64_t Engine::runningRequests() const
{
    return d->runningRequests();
}

void Engine::requestStop()
{
    if (d->stopping.exchange(true))
        return;
    for (const auto &thread : d->threads)
        thread->drain(d->settings.drainTimeoutMs);
}

// The order of stopping: who asks, then who answers, then who writes.
void Engine::waitStopped()
{
    for (const auto &thread : d->threads)
        thread->join();
    if (d->api)
        d->api->endJobs();
    if (d->secrets)
        d->secrets->stop();
    if (d->alerts)
        d->alerts->endLearning();
    d->bridge.reset(); // management answers are done; storage may still complete changes
    if (d->authEvents)
        d->authEvents->flushAll();
    if (d->audit && d->started && d->options.networkListener)
        d->audit->record(AuditEvent(Action::SystemStop, "system", "success"), nullptr);
    if (d->alerts)
        d->alerts->raiseInto(nullptr);
    if (d->audit)
        d->audit->stop();
    if (d->database)
        d->database->stop();
    d->anchors.reset(); // what is waiting is tried once more
    d->alerts.reset();
    d->api.reset();
    d->threads.clear();
    if (d->started && d->options.controlSocket)
        unlink(d->socketPath.c_str());
    if (d->started && d->options.demo)
        unlink(d->demoSocket().c_str());
    d->started = false;
    d->lock.release();
}

void Engine::reopenLogs()
{
    d->audit->reopen();
    d->reloadTls = true;
    reopenLog();
}

ManageAnswer Engine::manage(ManageRequest request)
{
    std::promise<ManageAnswer> promise;
    auto future = promise.get_future();
    BridgeCall call;
    call.method = request.method;
    call.target = request.path + (request.query.empty() ? "" : "?" + request.query);
    call.body = request.body.toStdString();
    call.contentType = request.contentType;
    call.actor = request.actor;
    call.isLocal = true; // in this process
    call.requestId = request.requestId.empty() ? randomUuid() : request.requestId;
    call.clientIp = request.clientIp;
    call.userAgent = request.userAgent;
    d->bridge->submit(std::move(call), [&promise](const BridgeAnswer &answer) {
        promise.set_value({answer.status, QByteArray::fromStdString(answer.body), answer.retryAfter, answer.allow, answer.contentType,
                           answer.disposition, answer.blocks});
    });
    return future.get();
}

} // namespace llmproxy
