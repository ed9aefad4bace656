// SPDX-License-Identifier: GPL-3.0-only
// What audit events are searched by: a dictionary of distinct values, and for each the blocks of 256 events that hold it. A
// page of events reads only blocks that hold all that is asked for, so an event needs no entry of its own in an index of
// each column: those took 3 of the 6.5 µs that a row cost. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "storage/sql_connection.h"

#include <array>
#include <cstdint>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace llmproxy {

inline constexpr int64_t auditBlock = 256; // as in the migrations

// The kinds of values, by the names of the log's keys.
inline constexpr std::array<std::string_view, 6> indexedColumns = {"action", "actor", "result", "project_id", "client_ip", "token_uuid"};
inline constexpr std::array<std::string_view, 6> indexedDetails = {"status", "model", "provider", "endpoint", "user_agent", "reason"};
// Strangers choose endpoints and user agents as they like: the dictionary has one entry for all events that have such, and whoever
// searches for a text reads those (ruling 47).
inline constexpr std::string_view unlistedKind = "unlisted", unlistedValue = "stranger";

// Counts the events of a transaction in memory and writes the counts at its end.
class AuditIndex
{
public:
    explicit AuditIndex(SqlConnection &connection);
    ~AuditIndex();
    AuditIndex(const AuditIndex &) = delete;
    AuditIndex &operator=(const AuditIndex &) = delete;
    bool isReady() const { return m_writeDay != nullptr; }

    // An event that was inserted. False: storage failed.
    bool add(const AuditEvent &event);
    // Before the commit. False: storage failed.
    bool flush();
    // After a rollback: the dictionary may have lost entries that are known here.
    void forget();

private:
    static constexpr size_t unlisted = indexedColumns.size() + indexedDetails.size(), kinds = unlisted + 1;
    struct Term
    {
        int64_t id = 0;
        int64_t block = -1;
        std::string rows; // in that block, not yet written: seq % auditBlock of each
    };
    struct Posting
    {
        int64_t term, block;
        std::string rows;
    };
    struct Last // most events have the values of the one before
    {
        std::string value;
        Term *term = nullptr;
    };

    struct Known
    {
        std::string_view key;
        size_t kind = kinds;
    };

    size_t kindOf(std::string_view key, size_t place); // kinds: it is not indexed
    static bool isListed(size_t kind, bool isStranger);
    bool count(size_t kind, std::string_view value, int64_t seq);
    Term *termOf(size_t kind, std::string_view value);
    bool idOf(size_t kind, std::string_view value, int64_t *id);
    bool countTime(int64_t block, int64_t timestampMs);
    bool writePosting(const Posting &posting);
    bool writeBlock();
    bool run(sqlite3_stmt *statement);

    SqlConnection &m_connection;
    sqlite3 *m_database = nullptr;
    sqlite3_stmt *m_findTerm = nullptr, *m_addTerm = nullptr, *m_writePosting = nullptr, *m_writeBlock = nullptr, *m_writeEnds = nullptr, *m_writeDay = nullptr;
    std::unordered_map<std::string, Term> m_terms; // by kind and value; what is not here is looked up
    std::array<Last, kinds> m_last;
    std::array<Known, 24> m_known; // by its place among an event's details
    std::vector<Term *> m_counted;   // those with events
    std::vector<Posting> m_postings; // of blocks that are full
    int64_t m_block = -1, m_firstMs = 0, m_lastMs = 0;
    int64_t m_day = -1; // of all events that are counted and not written, days since 1970 in UTC
    std::string m_requestEnds; // of m_block
};

} // namespace llmproxy
