// SPDX-License-Identifier: GPL-3.0-only
// The lineages' counters: which state belongs to which lineage, and what of it is saved.
//
// While every request has its audit event, what is saved is what the events say up to a seq, so that the events after it, from
// the table or the log's files, give the exact numbers after a kill -9. It is noted at the event, whenever its row comes. Without
// events (audit off, or AUDIT_ON_ERROR=log) the running numbers are saved as they are, at most a second old.
// Thread: built before the storage thread starts, then used by it alone, but for note(); the states themselves are shared.
#pragma once

#include "access/lineage_state.h"
#include "access/snapshot.h"
#include "exchange/outcome.h"
#include "storage/sql_connection.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace llmproxy {

class Counters
{
public:
    // Reads what was saved. Afterwards newState() for each lineage, addLater() for each later event, endLoading().
    Outcome load(SqlConnection &connection);
    std::shared_ptr<LineageState> newState(std::string_view lineage) const;
    // The state of a token that is put: its lineage's when there is one in the snapshot, else a new one.
    std::shared_ptr<LineageState> stateOf(const Snapshot &snapshot, std::string_view lineage);
    // Nothing of a removed lineage is saved any more.
    void forget(std::string_view lineage);
    // Makes the numbers exact from the events after the saved seq, oldest first, each once, before the first note().
    int64_t savedSeq() const { return m_seq; }
    // The log's newest event, before the first addLater(): one that begins anew must not wait until it is as long as the old one was.
    bool lowerTo(SqlConnection &connection, int64_t newestSeq); // false: storage failed
    void addLater(const RequestOutcome &outcome, int64_t seq, const Snapshot &snapshot);
    void endLoading() { m_stored.clear(); }

    // One event's, in the order of their seq; seq 0: its line is lost, what it counts is not. Any thread.
    void note(const RequestOutcome &outcome, int64_t seq);
    // What was noted goes into the lineages of this snapshot. True: there is something to save.
    bool gather(const Snapshot &snapshot);
    // In the caller's transaction; settle() when it has ended.
    bool saveNoted(SqlConnection &connection);
    bool saveRunning(SqlConnection &connection, const Snapshot &snapshot, int64_t lastSeq);
    void settle(bool committed);

private:
    struct Tally
    {
        int64_t requests = 0, promptTokens = 0, completionTokens = 0;
        bool operator==(const Tally &) const = default;
        Tally &operator+=(const Tally &more)
        {
            requests += more.requests;
            promptTokens += more.promptTokens;
            completionTokens += more.completionTokens;
            return *this;
        }
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
        Tally noted; // by the events up to m_seq
        Saved saved;
        int64_t seq = 0;
    };
    static Lineage &lineageOf(const TokenEntry &token) { return static_cast<Lineage &>(*token.state); }

    static Tally tallyOf(const RequestOutcome &outcome);
    bool save(SqlConnection &connection, const TokenPtr &token, const Saved &now, int64_t seq);

    struct Stored
    {
        Saved saved;
        int64_t seq = 0;
    };
    std::unordered_map<std::string, Stored> m_stored; // between load() and endLoading()
    // By lineage, one token of it: those that have events that are not saved.
    std::map<std::string, TokenPtr, std::less<>> m_dirty;
    std::vector<std::pair<TokenPtr, Saved>> m_unsettled;
    int64_t m_seq = 0;

    std::mutex m_noteLock;
    std::unordered_map<std::string, Tally> m_noted; // by token
    int64_t m_notedSeq = 0;
};

} // namespace llmproxy
