// SPDX-License-Identifier: GPL-3.0-only
// The management resources: request in, answer out; no sockets. Runs on the management thread. A read is
// answered by handle() itself; a change is answered by the completion once its event and row are durable.
#pragma once

#include "access/live_request.h"
#include "access/snapshot.h"
#include "access/store.h"
#include "audit/audit_log.h"
#include "base/block_pipe.h"
#include "base/result.h"
#include "config/settings.h"

#include <QByteArray>
#include <QJsonObject>
#include <QString>
#include <QUrlQuery>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace llmproxy {

class ChainWatch;
class Database;
class KeyRing;
class SecretCache;

struct ManageRequest
{
    std::string method;    // upper case
    std::string path;      // "/manage/projects/proj-1", decoded, no query
    std::string query;     // raw, without '?'
    QByteArray body;
    std::string contentType;
    std::string actor;     // "management" (HTTP), "cli" or "console" (control socket, in-process)
    bool isLocal = false;  // the engine's own user or root (ruling 50): may do what a management credential may not
    std::string requestId;
    std::string clientIp;
    std::string userAgent;
    bool isConditionFalse = false; // of If-Match or If-None-Match: nothing is done
    bool isUnchanged = false;      // of If-None-Match: a GET is answered with 304
};

struct ManageAnswer
{
    int status = 200;
    QByteArray body;       // JSON
    std::string retryAfter; // seconds; empty: no header
    std::string allow;      // for 405
    std::string contentType = "application/json";
    std::string disposition = {};           // Content-Disposition; empty: none
    std::shared_ptr<BlockPipe> blocks = {}; // instead of body: made on a job's thread as long as somebody reads it
};

// How deliveries to a place outside go; see delivery/outbox.h.
struct DeliveryStatus
{
    std::string target;
    int64_t delivered = 0, waiting = 0, lost = 0;
    std::string problem;
};

// A base URL as it is stored.
struct BaseUrlReading
{
    std::string url;
    std::optional<bool> versionSegment; // as given, or as a pasted endpoint shows it
    std::string note;                   // a sentence about what was changed; empty: nothing
};

// Does a provider take this key?
struct ProviderQuestion
{
    std::string provider;
    std::string baseUrl; // empty: the profile's
    SharedSecret key;    // null: asked without one
    std::optional<bool> versionSegment = {}; // whether its paths have one; not set: baseUrl shows it
};
struct ProviderVerdict
{
    std::string reason;  // ok, key_refused, unreachable, certificate, timeout, unexpected_answer, key_missing
    int status = 0;      // 0: there was no answer
    std::string message; // one sentence for a person
    std::vector<std::string> models;
    // Where the API was found instead; empty: nowhere else.
    std::string proposedBaseUrl = {};
    std::optional<bool> proposedVersionSegment = {};
};

// What may be known of it once the server has started.
struct ManagementTokenForm
{
    size_t size = 0, differentCharacters = 0; // 0: there is none, or only its hash
    bool isStored = false; // its hash alone is known
};

struct ManageContext
{
    const Settings *settings = nullptr;
    Database *database = nullptr;
    AuditLog *audit = nullptr;
    SnapshotHolder *snapshots = nullptr;
    const KeyRing *keys = nullptr;
    SecretCache *secrets = nullptr;
    std::function<bool(const std::string &name)> providerKnown; // a profile of this name exists
    std::function<std::vector<std::string>()> providerNames;
    std::function<bool(const std::string &name)> providerNeedsKey; // false: local models
    // Where a key of this provider goes with this base_url (empty: the profile's own address): "https://api.openai.com:443";
    // empty: nowhere, as there is no address, or not one that can be used.
    std::function<std::string(const std::string &provider, const std::string &baseUrl)> originOf;
    // How a base_url is stored and used, or what is wrong with it, without a subject: "must …". The provider is known.
    std::function<Result<BaseUrlReading>(const std::string &provider, const std::string &text, std::optional<bool> versionSegment)> readBaseUrl;
    // Cuts running streams of these token ids on all engine threads (posted, within milliseconds).
    std::function<void(std::vector<std::string> tokenIds)> cutStreams;
    // The running request of this id; end: it is ended. Says on any thread which it is, or was.
    std::function<void(const std::string &id, bool end, std::function<void(std::optional<LiveRequest>)> done)> findRequest;
    // A token's expiry was changed: its running streams end at the new time.
    std::function<void(std::string tokenId)> renewExpiry;
    std::function<ListenAddresses()> listening; // as bound; empty: no listener
    std::function<bool()> ready; // storage and encryption key usable
    std::function<bool()> isDataGone = [] { return false; }; // the data directory was deleted or replaced under the server: what is changed is lost
    std::function<int64_t()> certificateExpiresMs; // 0: no TLS
    std::function<int64_t()> failedHandshakes = [] { return int64_t{0}; }; // since the start
    std::function<bool()> sawOtherAddressHeader = [] { return false; }; // a trusted proxy names clients in a header that CLIENT_ADDRESS_HEADER is not
    std::function<std::vector<DeliveryStatus>()> anchorStatus;
    std::function<int64_t()> runningRequests;
    ManagementTokenForm managementToken;
    int64_t managementTokenSinceMs = 0;
    SettingsInUse inUse = {};
    // Asks the provider for its models; waits up to 20 s for it. Thread: a job's.
    std::function<ProviderVerdict(const ProviderQuestion &question, const std::atomic<bool> &cancelled)> askProvider;
    int64_t startedMs = 0;
    const ChainWatch *chain = nullptr; // the API's own
    std::string namedDataDir = {}; // of a command that checks a place without a database: settings->dataDir is a temporary one instead
    bool isCommand = false; // the engine was started by the command that calls, for this call
};

class ManageApi
{
public:
    explicit ManageApi(ManageContext context);
    ~ManageApi();

    using Complete = std::function<void(ManageAnswer)>;
    // Answers through complete exactly once: before returning (reads, errors), or later from the
    // storage thread (changes) or the audit thread (refused changes, validations).
    void handle(const ManageRequest &request, Complete complete);
    // Verifications and exports that run are told to end, and waited for. Before the server stops.
    void endJobs();
    // AUDIT_RETENTION, when it is time: old audit rows are removed in the background.
    void applyRetention();
    // What came into the audit log since the last look is verified in the background: at start, and every hour.
    void watchChain();
    // The routes, as used by the front's route table and the OpenAPI test: "GET /manage/projects/{id}".
    static std::vector<std::string> routes();
    static QByteArray openApi(); // the served description

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace llmproxy
