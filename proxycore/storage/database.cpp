// SPDX-License-Identifier: GPL-3.0-only
#include "storage/database.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/owned_file.h"
#include "exchange/outcome_event.h"
#include "storage/access_rows.h"
#include "storage/audit_catch_up.h"
#include "storage/audit_lines.h"
#include "storage/audit_rows.h"
#include "storage/audit_search.h"
#include "storage/chain_mark.h"
#include "storage/counters.h"
#include "storage/database_file.h"
#include "storage/entries.h"
#include "storage/management_token.h"
#include "storage/migrations.h"
#include "storage/rows_to.h"
#include "storage/space.h"
#include "storage/usage_query.h"
#include "storage/usage_rollup.h"
#include "storage/writer.h"

#include <algorithm>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

namespace llmproxy {

struct Database::Private
{
    DatabaseConfig config;
    UsageRollup usage;
    std::mutex startLock; // rows that come before the writer is there are written by their caller
    std::unique_ptr<Writer> writer;
    std::string followed; // the log's file
    const KeyRing *logKeys = nullptr;
    RowsTo newest;
    int64_t fileTo = INT64_MAX; // see fileEndsAt()
    SnapshotHolder *holder = nullptr;
    SecretCache *secrets = nullptr;

    Result<std::unique_ptr<SqlConnection>> connect(SqlConnection::Use use) const { return SqlConnection::open(config.path, use); }
    bool insertNow(const std::vector<AuditEvent> &rows) const;
    bool catchUpNow(SqlConnection &connection, AuditInsert &insert, const RowsTo &upTo, RowsTo &rowsTo) const;
    Result<SnapshotPtr> load(SqlConnection &connection, Counters &counters, const KeyRing &keys) const;
    bool lowerSeqs(Counters &counters, int64_t newestSeq);
    Outcome countLater(SqlConnection &connection, const AuditLog *audit, int64_t rowsTo, Counters &counters, const Snapshot &snapshot);
};

bool Database::Private::insertNow(const std::vector<AuditEvent> &rows) const
{
    auto connection = connect(SqlConnection::Use::Write);
    RowsTo rowsTo;
    if (!connection || !readRowsTo(**connection, &rowsTo))
        return false;
    AuditInsert insert(**connection);
    if (!rows.empty() && !catchUpNow(**connection, insert, {rows.front().seq - 1, rows.front().prev}, rowsTo))
        return false;
    bool good = (*connection)->begin();
    for (const AuditEvent &row : rows) {
        good = good && insert.insert(row);
        rowsTo = {row.seq, row.hash};
    }
    if (good && insert.finish() && writeRowsTo(**connection, rowsTo) && (*connection)->commit())
        return true;
    (*connection)->rollback();
    return false;
}

// What an earlier run has left in the file alone goes in first. Ranges that are lost are declared by the writer.
bool Database::Private::catchUpNow(SqlConnection &connection, AuditInsert &insert, const RowsTo &upTo, RowsTo &rowsTo) const
{
    AuditCatchUp files(followed, logKeys);
    AuditCatchUp::Found found;
    while (!followed.empty() && rowsTo.seq < upTo.seq) {
        found = {};
        if (!connection.begin())
            return false;
        if (files.step(connection, insert, upTo, rowsTo, found) && connection.commit() && !found.obstacle)
            continue;
        connection.rollback();
        return false;
    }
    return true;
}

// A log that begins anew, as it does in another file, has lower seqs than what was counted last.
bool Database::Private::lowerSeqs(Counters &counters, int64_t newestSeq)
{
    if (counters.savedSeq() <= newestSeq && usage.lastSeq() <= newestSeq && usage.wholeSince() > 0)
        return true;
    auto connection = connect(SqlConnection::Use::Write);
    return connection && counters.lowerTo(**connection, newestSeq) && usage.lowerTo(**connection, newestSeq) && usage.noteWholeSince(**connection, newestSeq + 1);
}

// Events that were not counted when the last run ended: first those of the table, then those that stand in the files alone.
Outcome Database::Private::countLater(SqlConnection &connection, const AuditLog *audit, int64_t rowsTo, Counters &counters, const Snapshot &snapshot)
{
    // Some may have come into the table since usage was loaded: each adds itself once.
    const bool read = visitAccessRows(connection, std::min(counters.savedSeq(), usage.lastSeq()), [&](const AuditEvent &row) {
        const RequestOutcome outcome = outcomeOf(row);
        if (!outcome.isSummary)
            usage.add(outcome, row.seq);
        counters.addLater(outcome, row.seq, snapshot);
    });
    if (!read)
        return storageError();
    if (audit && audit->config().enabled && !audit->config().file.empty()) {
        const int64_t counted = std::min(counters.savedSeq(), usage.lastSeq());
        LogStream lines(audit->config().file, audit->config().keys, std::max(rowsTo, counted));
        while (const auto event = lines.nextReadable()) {
            if (event->action != Action::TokenAccess)
                continue;
            const RequestOutcome outcome = outcomeOf(*event);
            usage.add(outcome, event->seq);
            counters.addLater(outcome, event->seq, snapshot);
        }
    }
    counters.endLoading();
    return {};
}

Result<SnapshotPtr> Database::Private::load(SqlConnection &connection, Counters &counters, const KeyRing &keys) const
{
    if (const Outcome failure = counters.load(connection))
        return *failure;
    auto projects = readProjects(connection);
    if (!projects)
        return projects.error();
    auto snapshot = std::make_shared<Snapshot>();
    for (const Project &project : *projects)
        snapshot->putProject(makeProjectEntry(project, keys, *secrets));
    std::vector<TokenPtr> tokens;
    std::vector<std::shared_ptr<TokenEntry>> successors; // share a state that may be read later
    const Outcome unread = visitTokens(connection, [&](const TokenRow &row) {
        std::shared_ptr<TokenEntry> entry = makeTokenEntry(row);
        if (!entry) {
            logError("token_row_damaged", {{"token_uuid", std::string(row.texts.id)}});
            return;
        }
        if (entry->lineage() == entry->id())
            entry->state = counters.newState(entry->lineage());
        else
            successors.push_back(entry);
        tokens.push_back(std::move(entry));
    });
    if (unread)
        return *unread;
    snapshot->fill(tokens);
    for (const std::shared_ptr<TokenEntry> &entry : successors)
        entry->state = counters.stateOf(*snapshot, entry->lineage());
    return SnapshotPtr(std::move(snapshot));
}

Database::Database(DatabaseConfig config)
    : d(std::make_unique<Private>())
{
    newestSchema(); // its files are linked in
    d->config = std::move(config);
}

Database::~Database()
{
    stop();
}

Outcome Database::open(const OpenKeys &openKeys)
{
    const auto look = lookAt(d->config.path);
    if (!look)
        return look.error();
    if (*look == State::Other)
        return notOurDatabase(d->config.path);
    // Made here, for SQLite itself would take the umask's mode; its -wal and -shm files get the same one.
    std::string problem;
    const int descriptor = openOwned(d->config.path, O_RDWR | O_CREAT, 0600, &problem);
    if (descriptor < 0)
        return Error{ErrorKind::Unavailable, "storage", "The database '" + d->config.path + "' cannot be opened: " + problem, "DATABASE_PATH"};
    close(descriptor);
    SqlConnection::forget(d->config.path);
    auto connection = d->connect(SqlConnection::Use::Write);
    if (!connection)
        return connection.error();
    const auto bindKeys = [&](int from) { return from > 0 && from < firstSchemaWithBindings ? bindOlderKeys(**connection, openKeys) : Outcome(); };
    if (Outcome failure = migrate(**connection, d->config.path, QStringLiteral(":/sql"), bindKeys))
        return failure;
    if (!makeShrinkable(**connection))
        logWarn("the database cannot be rewritten, so it does not shrink when events are removed; free some disk space and restart", {{"path", d->config.path}});
    // The mark of an older database is in the file itself, where the next look finds it.
    if (*look != State::Current && !(*connection)->run(QStringLiteral("PRAGMA wal_checkpoint(TRUNCATE)")))
        return storageError();
    return d->usage.load(**connection);
}

const std::string &Database::path() const
{
    return d->config.path;
}

std::optional<KeyRingRecord> Database::keyRingRecord()
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return {};
    return readKeyRing(**connection);
}

std::vector<BoundKey> Database::boundKeys()
{
    auto connection = d->connect(SqlConnection::Use::Read);
    return connection ? readBoundKeys(**connection) : std::vector<BoundKey>();
}

void Database::forgetBoundKeys()
{
    auto connection = d->connect(SqlConnection::Use::Write);
    if (!connection || !llmproxy::forgetBoundKeys(**connection))
        logWarn("the database cannot be written; the next start names the keys bound at the upgrade once more");
}

Outcome Database::saveKeyRingRecord(const KeyRingRecord &record)
{
    auto connection = d->connect(SqlConnection::Use::Write);
    if (!connection)
        return connection.error();
    QSqlQuery query = (*connection)->query();
    query.prepare(QStringLiteral(
        "INSERT INTO key_ring (id, key_source, key_check, data_key_id, wrapped_data_key, wrapped_token_hash_key) "
        "VALUES (1, ?, ?, ?, ?, ?)")); // never replaced: all stored keys hang on it
    for (const std::string &value : {record.keySource, record.keyCheck, record.dataKeyId, record.wrappedDataKey,
                                     record.wrappedTokenHashKey})
        query.addBindValue(QString::fromStdString(value));
    if (query.exec())
        return {};
    failed(query, "key ring");
    return storageError();
}

int64_t Database::noteManagementToken(const std::string &sha256Hex, bool isServing)
{
    auto connection = d->connect(SqlConnection::Use::Write);
    return connection ? llmproxy::noteManagementToken(**connection, sha256Hex, isServing) : Clock::wallMs();
}

StoredToken Database::storedManagementToken()
{
    auto connection = d->connect(SqlConnection::Use::Read);
    return connection ? readManagementToken(**connection) : StoredToken();
}

Outcome Database::start(SnapshotHolder *holder, AuditLog *audit, const KeyRing *keys, SecretCache *secrets)
{
    const bool audits = audit && audit->config().enabled;
    const std::lock_guard guard(d->startLock);
    d->holder = holder;
    d->secrets = secrets;
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return connection.error();
    auto counters = std::make_unique<Counters>();
    auto snapshot = d->load(**connection, *counters, *keys);
    if (!snapshot)
        return snapshot.error();
    RowsTo rowsTo;
    LostRows lost;
    if (!readRowsTo(**connection, &rowsTo) || !readLostRows(**connection, &lost))
        return storageError();
    if (audits && !d->lowerSeqs(*counters, audit->lastSeq()))
        return storageError();
    if (Outcome failure = d->countLater(**connection, audit, rowsTo.seq, *counters, **snapshot))
        return failure;
    holder->publish(*snapshot);
    d->writer = std::make_unique<Writer>(Writer::Parts{d->config.path, holder, audit, keys, secrets, &d->usage},
                                         Writer::Begin{*snapshot, std::move(counters), std::move(rowsTo), d->newest, d->fileTo, std::move(lost)});
    return {};
}

void Database::stop()
{
    if (d->writer)
        d->writer->stop();
}

void Database::submit(Decide decide, Done done, Rights rights)
{
    d->writer->submit(std::move(decide), std::move(done), rights);
}

void Database::updateReference(const std::string &reference)
{
    const std::lock_guard guard(d->startLock); // while the first snapshot is made: it may have peeked before
    if (d->writer)
        d->writer->update(reference);
}

void Database::append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored)
{
    bool done = false;
    {
        const std::lock_guard guard(d->startLock);
        if (d->writer) {
            d->writer->append(std::move(rows), std::move(stored));
            return;
        }
        done = d->insertNow(rows);
        if (!rows.empty() && (done || !d->followed.empty())) // the file has their lines
            d->newest = {rows.back().seq, rows.back().hash};
    }
    if (stored)
        stored(done);
}

void Database::follow(const std::string &file, const KeyRing *keys, int64_t newestSeq, const std::string &newestHash)
{
    const std::lock_guard guard(d->startLock);
    d->followed = file;
    d->logKeys = keys;
    d->newest = {newestSeq, newestHash};
}

bool Database::waitForRoom()
{
    {
        const std::lock_guard guard(d->startLock);
        if (!d->writer)
            return true;
    }
    return d->writer->waitForRoom();
}

bool Database::isWorking() const
{
    return d->writer ? d->writer->takesRows() : healthy();
}

void Database::prove(std::function<void(bool ok)> done)
{
    const std::lock_guard guard(d->startLock);
    if (d->writer)
        d->writer->prove(std::move(done)); // before there is one no request is
}

void Database::fileEndsAt(int64_t seq)
{
    const std::lock_guard guard(d->startLock);
    d->fileTo = seq;
    if (d->writer)
        d->writer->fileEndsAt(seq);
}

int64_t Database::rowsTo(std::string *hash)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    RowsTo rowsTo;
    if (connection)
        readRowsTo(**connection, &rowsTo);
    *hash = rowsTo.hash;
    return rowsTo.seq;
}

Result<TableStart> Database::startOf(const std::string &file)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return connection.error();
    TableStart start;
    if (readTableStart(**connection, file, &start))
        return start;
    return Error{ErrorKind::Unavailable, "storage", "The audit table in '" + d->config.path + "' cannot be read, so it is not known with which event the audit log goes on. "
                 "Nothing was changed. The application log says why; repair the database, or restore a copy.", "DATABASE_PATH"};
}

std::optional<LogPlace> Database::logPlace(const std::string &path)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    std::optional<LogPlace> place;
    if (connection)
        readLogPlace(**connection, path, &place);
    return place;
}

void Database::noteLogPlace(LogPlace place)
{
    const std::lock_guard guard(d->startLock);
    if (d->writer)
        d->writer->noteLogPlace(std::move(place));
}

Outcome Database::noteRestored(int64_t fromSeq)
{
    auto connection = d->connect(SqlConnection::Use::Write);
    if (!connection)
        return connection.error();
    return writeMeta(**connection, restoredName, std::to_string(fromSeq)) ? Outcome() : storageError();
}

Outcome Database::noteKeepsOld(int64_t ms)
{
    d->usage.keepOld(ms > 0);
    const std::lock_guard guard(d->startLock);
    if (d->writer) {
        d->writer->noteKeepsOld(ms);
        return {};
    }
    auto connection = d->connect(SqlConnection::Use::Write);
    if (!connection)
        return connection.error();
    return writeMeta(**connection, keepsOldName, std::to_string(ms)) ? Outcome() : storageError();
}

TableState Database::tableState() const
{
    return d->writer ? d->writer->tableState() : TableState();
}

std::optional<int64_t> Database::lastChangeSeqAt(const std::string &path)
{
    // Writing, for after a kill the WAL may have to be recovered; a file is not created.
    auto connection = access(path.c_str(), F_OK) == 0 ? SqlConnection::open(path, SqlConnection::Use::Write) : Result<std::unique_ptr<SqlConnection>>(storageError());
    if (!connection)
        return {};
    QSqlQuery query = (*connection)->query();
    query.prepare(QStringLiteral("SELECT value FROM meta WHERE name = 'last_change_seq'"));
    if (!query.exec())
        return {};
    const int64_t seq = query.next() ? query.value(0).toLongLong() : 0;
    return ended(query, "last change") ? std::optional(seq) : std::nullopt;
}

void Database::passOverUnreadable()
{
    d->writer->passOverUnreadable();
}

void Database::count(const RequestOutcome &outcome, int64_t seq)
{
    d->usage.add(outcome, seq);
    if (d->writer)
        d->writer->note(outcome, seq);
}

void Database::removeAudit(int64_t toSeq, std::function<void(bool ok, int64_t rows)> done)
{
    d->writer->retain(toSeq, std::move(done));
}

// Ruling 44: a prefix by seq, up to the first younger row, whatever the clock did in between.
Result<Database::OldAudit> Database::oldAudit(int64_t beforeMs)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return storageError();
    QSqlQuery query = (*connection)->query();
    query.prepare(QStringLiteral("SELECT seq, timestamp, hash FROM audit_events ORDER BY seq"));
    if (!query.exec()) {
        failed(query, "retention");
        return storageError();
    }
    const QString before = QString::fromStdString(sqlTimestamp(beforeMs));
    OldAudit old;
    while (query.next() && query.value(1).toString() < before) {
        old.toSeq = query.value(0).toLongLong();
        old.toHash = query.value(2).toString().toStdString();
        old.fromSeq = old.fromSeq > 0 ? old.fromSeq : old.toSeq;
        ++old.rows;
    }
    if (!ended(query, "retention"))
        return storageError();
    return old;
}

bool Database::linesAfter(int64_t seq, const std::function<bool(const std::string &line)> &line)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return false;
    AuditLines lines(**connection, seq + 1);
    while (lines.next()) {
        if (!line(lines.line()))
            return true;
    }
    return !lines.hasFailed();
}

std::optional<AuditKeyRecord> Database::auditKey()
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return {};
    QSqlQuery query = (*connection)->query();
    if (!query.exec(QStringLiteral("SELECT key_id, public_key, sealed_key FROM audit_keys ORDER BY created_ms DESC LIMIT 1")) || !query.next())
        return {};
    return AuditKeyRecord{query.value(0).toString().toStdString(), query.value(1).toString().toStdString(), query.value(2).toString().toStdString()};
}

Outcome Database::saveAuditKey(const AuditKeyRecord &record)
{
    auto connection = d->connect(SqlConnection::Use::Write);
    if (!connection)
        return connection.error();
    QSqlQuery query = (*connection)->query();
    query.prepare(QStringLiteral("INSERT INTO audit_keys (key_id, public_key, sealed_key, created_ms) VALUES (?, ?, ?, ?)"));
    for (const std::string *text : {&record.id, &record.publicPem, &record.sealed})
        query.addBindValue(QString::fromStdString(*text));
    query.addBindValue(qint64{Clock::wallMs()});
    if (query.exec())
        return {};
    failed(query, "audit key");
    return storageError();
}

std::optional<ChainMark> Database::chainMark()
{
    auto connection = d->connect(SqlConnection::Use::Read);
    return connection ? readChainMark(**connection) : std::nullopt;
}

void Database::noteChainMark(ChainMark mark)
{
    const std::lock_guard guard(d->startLock);
    if (d->writer)
        d->writer->noteChainMark(std::move(mark));
}

std::vector<std::string> Database::auditPublicKeys()
{
    std::vector<std::string> keys;
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return keys;
    QSqlQuery query = (*connection)->query();
    query.exec(QStringLiteral("SELECT public_key FROM audit_keys ORDER BY created_ms"));
    while (query.next())
        keys.push_back(query.value(0).toString().toStdString());
    return keys;
}

Result<std::vector<AuditEvent>> Database::auditEvents(const AuditQuery &query)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return storageError();
    return searchAudit(**connection, query);
}

Result<std::vector<AuditFacet>> Database::auditFacets(int64_t fromMs, int64_t toMs)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return storageError();
    return llmproxy::auditFacets(**connection, fromMs, toMs);
}

Result<std::vector<UsageGroup>> Database::usage(const UsageQuery &query)
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return storageError();
    return usageGroups(**connection, query);
}

int64_t Database::usageWholeSince() const
{
    return d->usage.wholeSince();
}

UsageNow Database::usageNow() const
{
    return d->usage.now();
}

std::string Database::sqliteVersion()
{
    auto connection = d->connect(SqlConnection::Use::Read);
    if (!connection)
        return {};
    QSqlQuery query = (*connection)->query();
    query.prepare(QStringLiteral("SELECT sqlite_version() || ' ' || sqlite_source_id()"));
    return query.exec() && query.next() ? query.value(0).toString().toStdString() : std::string();
}

bool Database::healthy() const
{
    return d->writer && d->writer->isHealthy();
}

} // namespace llmproxy
