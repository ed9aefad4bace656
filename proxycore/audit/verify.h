// SPDX-License-Identifier: GPL-3.0-only
// Holds an audit log against its own chain, line by line: what was changed, removed, put elsewhere or cut off is named by its
// seq. Looks at bytes only, but for checkpoints. Thread: one per object.
#pragma once

#include "audit/checkpoint.h"
#include "base/sha256.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct VerifyProblem
{
    int64_t seq = 0;     // the first event that it is about
    std::string kind;    // changed, missing, reordered, cut, signature, unreadable, differs
    std::string message; // one sentence
    int64_t toSeq = 0;   // the last event that it is about; 0: not known
    std::string many = {}; // of a run: its sentence for several events, with {} for their range
};

struct VerifyReport
{
    int64_t events = 0;
    int64_t firstSeq = 0, lastSeq = 0;
    std::string lastHash;
    int64_t checkpoints = 0;      // with a good signature
    int64_t signedToSeq = 0;      // events after it are chained, but not signed yet
    int64_t problemCount = 0;
    std::vector<VerifyProblem> problems; // the first hundred
    bool isGood() const { return problemCount == 0; }
    void add(int64_t seq, std::string kind, std::string message, int64_t toSeq = 0);
    // What is wrong with one event after the other is one problem with its range, or a log that was rewritten would have one for each
    // line. before: the event that was looked at before this one; with the same problem there the two become one.
    void addToRun(int64_t seq, int64_t before, std::string kind, std::string one, std::string many);
};

// The seq and hashes of a line, without reading its JSON. Nothing: it is not one of ours.
struct ChainedLine
{
    std::string_view covered; // what the hash is of
    std::string_view prev, hash;
    int64_t seq = 0;
};
std::optional<ChainedLine> readChainedLine(std::string_view line);

// 64 lower-case hex digits.
bool isHash(std::string_view text);

class ChainVerifier
{
public:
    // Without keys signatures are not looked at.
    explicit ChainVerifier(const CheckpointKeys *keys) : m_keys(keys) {}

    // What was verified before ends with this event; the next one follows on it.
    void continueAfter(int64_t seq, std::string hash);
    // The next lines are of this file: it may begin with what the one before ended with (a copy that was truncated). name: for the
    // problems' texts.
    void beginFile(std::string name = {});
    // All its lines were given. isLast: it is the newest, which may hold a repeat alone. isWhole: it ends with a newline.
    void endFile(bool isLast, bool isWhole);
    // A problem after the newest event so far; the message names the file.
    void addProblem(std::string kind, std::string message) { m_report.add(m_report.lastSeq + 1, std::move(kind), std::move(message)); }
    // Without its newline. Returns its seq; 0 for what is no line, or is a repeat.
    int64_t line(std::string_view text);
    VerifyReport finish();

private:
    void addUnreadable();
    bool isRecent(int64_t seq, std::string_view hash) const;
    void checkLink(const ChainedLine &line);
    bool isPlaced(int64_t toSeq, std::string_view toHash) const;
    void checkSignature(const ChainedLine &line, std::string_view text);

    const CheckpointKeys *m_keys;
    Sha256Hex m_hasher;
    VerifyReport m_report;
    std::string m_file;         // its name; empty: of no file
    int64_t m_unreadable = 0;   // lines, one after the other, the last one the newest
    bool m_mayRepeat = false;
    int64_t m_repeatedTo = 0;   // in this file; 0: nothing
    int64_t m_eventsBefore = 0; // this file
    bool m_isContinued = false; // see continueAfter()
    bool m_isStartProven = false;
    int64_t m_mayBeGone = 0; // a signature says so, up to this seq
    int64_t m_lastCheckpoint = 0; // seq of the one before; 0: none
    std::string m_startPrev;
    std::deque<std::pair<int64_t, std::string>> m_recent; // what a file may repeat
};

} // namespace llmproxy
