// SPDX-License-Identifier: GPL-3.0-only
// SQLite in WAL mode with synchronous=FULL, and the one storage thread ("storage") that writes it.
// Owns the newest Snapshot while it is being built. Group commit: everything queued when a transaction
// starts shares it. Numbered migrations run in one transaction after a backup copy; a newer schema is
// refused. SQL stands in resources/sql/*.sql and as literals in the repositories, always prepared.
#pragma once

#include "access/store.h"
#include "audit/audit_log.h"
#include "audit/query.h"
#include "base/result.h"
#include "secrets/key_ring.h"
#include "secrets/secret_cache.h"
#include "storage/key_bindings.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llmproxy {

struct AuditKeyRecord
{
    std::string id, publicPem, sealed;
};

// How far the audit table is. Behind: events are in the log's file that it does not have yet, or it takes none at the moment.
struct TableState
{
    int64_t rowsTo = 0; // the highest seq up to which it is whole
    bool isBehind = false;
    bool isLocked = false; // by another process
    std::string obstacle;  // a file of the log that it needs and cannot read, and why, in a sentence; empty: none
};

struct DatabaseConfig
{
    std::string path; // created 0600
};

struct AuditFacet;
struct ChainMark;
struct StoredToken;
struct UsageGroup;
struct UsageNow;
struct UsageQuery;

class Database : public AccessStore, public AuditTable
{
public:
    explicit Database(DatabaseConfig config);
    ~Database() override; // stop()
    Database(const Database &) = delete;
    Database &operator=(const Database &) = delete;

    enum class State {
        None,    // no file, or an empty one
        Current, // ours; perhaps of a newer program, which open() refuses
        Older,   // ours: open() changes its schema, or marks it as ours
        Other,   // another program's
    };
    // Changes nothing. For who does not have it open.
    static Result<State> lookAt(const std::string &path);
    // Opens, migrates, checks. No thread yet. Error Invalid: the file is another program's and stays as it is. openKeys: asked when the
    // schema is one of before keys were bound to base URLs; its Error leaves all as it was. Without it they stay unbound.
    Outcome open(const OpenKeys &openKeys = {});
    // The keys that open() bound, now or in a run that ended too early to say so; until forgetBoundKeys().
    std::vector<BoundKey> boundKeys();
    void forgetBoundKeys();
    const std::string &path() const;
    // The seq of the last committed change in the database at this path; nullopt: it cannot be read. For who does not open it.
    static std::optional<int64_t> lastChangeSeqAt(const std::string &path);
    // The stored key ring record; nullopt in a new database.
    std::optional<KeyRingRecord> keyRingRecord();
    Outcome saveKeyRingRecord(const KeyRingRecord &record);
    // SHA-256 hex of a management token and when it first was seen (age for doctor). Returns that time. isServing: it is the server's own
    // from now on, see storedManagementToken(); a command may have been given another server's.
    int64_t noteManagementToken(const std::string &sha256Hex, bool isServing);
    StoredToken storedManagementToken();

    // Reads projects, tokens and counters, opens provider keys (a damaged one is marked Unusable, a reference whose source has not answered Pending),
    // makes counters and usage exact from later token.access events, publishes the first snapshot, starts the thread.
    Outcome start(SnapshotHolder *holder, AuditLog *audit, const KeyRing *keys, SecretCache *secrets);
    // What the cache says of this reference changed. Any thread.
    void updateReference(const std::string &reference);
    // Writes everything queued and the counters, checkpoints, ends the thread.
    void stop();

    // AccessStore
    void submit(Decide decide, Done done, Rights rights = Rights::Give) override;
    // AuditTable. Before start() rows are written by their caller.
    void follow(const std::string &file, const KeyRing *keys, int64_t newestSeq, const std::string &newestHash) override;
    void append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored) override;
    bool waitForRoom() override;
    Result<TableStart> startOf(const std::string &file) override;
    // What was noted last of a log's file; nothing: it never was, or it cannot be read.
    std::optional<LogPlace> logPlace(const std::string &path);
    void noteLogPlace(LogPlace place) override;
    int64_t rowsTo(std::string *hash) override;
    Outcome noteKeepsOld(int64_t ms) override;
    Outcome noteRestored(int64_t fromSeq) override;
    bool linesAfter(int64_t seq, const std::function<bool(const std::string &line)> &line) override;
    bool isWorking() const override;
    void prove(std::function<void(bool ok)> done) override;
    void fileEndsAt(int64_t seq) override;
    TableState tableState() const; // any thread
    // Somebody has seen the obstacle: the table goes on behind it, and what is not there is declared as lost. Any thread.
    void passOverUnreadable();
    // The key that signs checkpoints, sealed, and its public half; nullopt in a new database.
    std::optional<AuditKeyRecord> auditKey();
    Outcome saveAuditKey(const AuditKeyRecord &record);
    // How far the log was verified. nullopt: it cannot be read. Any thread.
    std::optional<ChainMark> chainMark();
    void noteChainMark(ChainMark mark); // stored with the next commit
    // Of all keys that ever signed here, PEM.
    std::vector<std::string> auditPublicKeys();

    // Removes audit rows up to this seq, a thousand at a time between other writes; done(ok, rows) on the storage thread.
    void removeAudit(int64_t toSeq, std::function<void(bool ok, int64_t rows)> done);
    // The newest of the oldest rows that are all older than this, with how many there are; toSeq 0: none.
    struct OldAudit { int64_t fromSeq = 0, toSeq = 0, rows = 0; std::string toHash; };
    Result<OldAudit> oldAudit(int64_t beforeMs);

    // Usage, and what a token has used; whatever the audit settings. seq: of its event; 0: it has none. Any thread.
    void count(const RequestOutcome &outcome, int64_t seq);

    // Readers use their own connection; any thread but the engine threads.
    Result<std::vector<AuditEvent>> auditEvents(const AuditQuery &query);
    Result<std::vector<AuditFacet>> auditFacets(int64_t fromMs, int64_t toMs);
    // Up to a second old, or ten; see usage_rollup.h. The rest of a day is in usageNow(), which may be asked on any thread.
    Result<std::vector<UsageGroup>> usage(const UsageQuery &query);
    UsageNow usageNow() const;
    int64_t usageWholeSince() const; // UsageRollup::wholeSince()
    // Version and source id of the SQLite in use; empty when it cannot be asked.
    std::string sqliteVersion();
    // True when the last commit succeeded or a probe did; false: 503 service_unavailable.
    bool healthy() const;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace llmproxy
