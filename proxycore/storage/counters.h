// SPDX-License-Identifier: GPL-3.0-only
// The lineages' counters: which state belongs to which lineage, and what of it is saved.
//
// While every request has its row in audit_events, what is saved is what the rows say up to a seq, so
// that the rows after it give the exact numbers after a kill -9. Without rows (audit off, file only, or
// AUDIT_ON_ERROR=log) the running numbers are saved as they are, at most a second old.
// Thread: built before the storage thread starts, then used by it alone; the states themselves are shared.
#pragma once

#include "access/lineage_state.h"
#include "access/snapshot.h"
#include "exchange/outcome.h"
#include "storage/sql_connection.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace llmproxy {

class Counters
{
public:
    // Reads what was saved. Afterwards newState() for each lineage, then addLaterRows().
    Outcome load(SqlConnection &connection);
    std::shared_ptr<LineageState> newState(std::string_view lineage) const;
    // The state of a token that is put: its lineage's when there is one in the snapshot, else a new one.
    std::shared_ptr<LineageState> stateOf(const Snapshot &snapshot, std::string_view lineage);
    // Nothing of a removed lineage is saved any more.
    void forget(std::string_view lineage);
    // Makes the numbers exact from the rows after the saved seq.
    Outcome addLaterRows(SqlConnection &connection, const Snapshot &snapshot);

    // Rows with a seq up to this one are of an earlier run: their requests are not in the states yet.
    void setStartSeq(int64_t seq) { m_startSeq = seq; }
    // One row's, oldest first, each once.
    void apply(const RequestOutcome &outcome, int64_t seq, const Snapshot &snapshot);
    bool isDirty() const { return !m_dirty.empty(); }
    // In the caller's transaction; settle() when it has ended.
    bool saveRows(SqlConnection &connection);
    bool saveRunning(SqlConnection &connection, const Snapshot &snapshot, int64_t lastSeq);
    void settle(bool committed);

private:
    struct Tally
    {
        int64_t requests = 0, promptTokens = 0, completionTokens = 0;
        bool operator==(const Tally &) const = default;
    };
    struct Saved
    {
        Tally tally;
        int64_t lastUsedMs = 0, rateTatUs = 0;
        bool operator==(const Saved &) const = default;
    };
    // All states are made here: what storage keeps about one lies with it, and a million unused ones need no second map.
    struct Lineage : LineageState
    {
        Tally rows; // by the rows up to m_rowSeq
        Saved saved;
        int64_t seq = 0;
    };
    static Lineage &lineageOf(const TokenEntry &token) { return static_cast<Lineage &>(*token.state); }

    static void add(Lineage &lineage, const RequestOutcome &outcome, bool alsoToState);
    bool save(SqlConnection &connection, const TokenPtr &token, const Saved &now, int64_t seq);

    struct Stored
    {
        Saved saved;
        int64_t seq = 0;
    };
    std::unordered_map<std::string, Stored> m_stored; // between load() and addLaterRows()
    // By lineage, one token of it: those that have rows that are not saved.
    std::map<std::string, TokenPtr, std::less<>> m_dirty;
    std::vector<std::pair<TokenPtr, Saved>> m_unsettled;
    int64_t m_startSeq = 0;
    int64_t m_rowSeq = 0;
};

} // namespace llmproxy
