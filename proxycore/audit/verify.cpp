// SPDX-License-Identifier: GPL-3.0-only
#include "audit/verify.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t mostProblems = 100;
constexpr size_t hashSize = 64;
constexpr int64_t largestSeq = int64_t{1} << 53; // what JSON keeps exactly (RFC 8259, section 6)
// Two seconds of lines at the highest rate that was measured, and then some.
constexpr size_t mostRepeated = 65'536;

// "…,"NAME":"HASH"TAIL": takes it off the end.
bool takeHash(std::string_view &text, std::string_view before, std::string_view tail, std::string_view *hash)
{
    const size_t size = before.size() + hashSize + tail.size();
    if (text.size() < size || !text.ends_with(tail))
        return false;
    const std::string_view end = text.substr(text.size() - size);
    *hash = end.substr(before.size(), hashSize);
    text.remove_suffix(size);
    return end.starts_with(before) && isHash(*hash);
}

std::string range(int64_t from, int64_t to)
{
    return from == to ? "event " + std::to_string(from) : "events " + std::to_string(from) + " to " + std::to_string(to);
}

} // namespace

bool isHash(std::string_view text)
{
    return text.size() == hashSize && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void VerifyReport::add(int64_t seq, std::string kind, std::string message, int64_t toSeq)
{
    ++problemCount;
    if (problems.size() < mostProblems)
        problems.push_back({seq, std::move(kind), std::move(message), toSeq});
}

void VerifyReport::addToRun(int64_t seq, int64_t before, std::string kind, std::string one, std::string many)
{
    const auto run = std::find_if(problems.rbegin(), problems.rend(), [&](const VerifyProblem &problem) { return problem.toSeq == before && problem.many == many; });
    if (run == problems.rend()) {
        const size_t kept = problems.size();
        add(seq, std::move(kind), std::move(one), seq);
        if (problems.size() > kept)
            problems.back().many = std::move(many);
        return;
    }
    run->toSeq = seq;
    run->message = many.replace(many.find("{}"), 2, std::to_string(run->seq) + " to " + std::to_string(seq));
}

std::optional<ChainedLine> readChainedLine(std::string_view line)
{
    ChainedLine read;
    std::string_view rest = line;
    if (!rest.starts_with('{') || !takeHash(rest, ",\"hash\":\"", "\"}", &read.hash))
        return {};
    read.covered = rest;
    if (!takeHash(rest, ",\"prev\":\"", "\"", &read.prev))
        return {};
    const size_t at = rest.rfind(",\"seq\":");
    if (at == rest.npos)
        return {};
    const char *const begin = rest.data() + at + 7, *const end = rest.data() + rest.size();
    const auto [stopped, error] = std::from_chars(begin, end, read.seq);
    if (error != std::errc() || stopped != end || read.seq < 1 || read.seq > largestSeq)
        return {};
    return read;
}

void ChainVerifier::continueAfter(int64_t seq, std::string hash)
{
    m_isContinued = m_isStartProven = true;
    m_report.lastSeq = seq;
    m_startPrev = hash;
    m_report.lastHash = std::move(hash);
}

void ChainVerifier::beginFile(std::string name)
{
    m_file = std::move(name);
    m_mayRepeat = true;
    m_repeatedTo = 0;
    m_eventsBefore = m_report.events;
}

void ChainVerifier::endFile(bool isLast, bool isWhole)
{
    addUnreadable();
    if (!isWhole)
        addProblem("cut", "'" + m_file + "' ends in the middle of a line.");
    if (!isLast && m_repeatedTo > 0 && m_report.events == m_eventsBefore)
        addProblem("reordered", "'" + m_file + "' contains only events that another file of the log contains.");
}

// One problem for all that follow on each other: a file of another kind has many.
void ChainVerifier::addUnreadable()
{
    if (m_unreadable == 0)
        return;
    const std::string after = m_report.lastSeq > 0 ? " after event " + std::to_string(m_report.lastSeq) : " at the beginning";
    const std::string lines = m_unreadable == 1 ? "one line" : std::to_string(m_unreadable) + " lines";
    addProblem("unreadable", (m_file.empty() ? "There is " : "'" + m_file + "' has ") + lines + after + (m_unreadable == 1 ? " that is not an audit event." : " that are not audit events."));
    m_unreadable = 0;
}

// One of the last events has this seq and this hash.
bool ChainVerifier::isRecent(int64_t seq, std::string_view hash) const
{
    const auto found = std::lower_bound(m_recent.begin(), m_recent.end(), seq, [](const auto &one, int64_t wanted) { return one.first < wanted; });
    return found != m_recent.end() && found->first == seq && found->second == hash;
}

int64_t ChainVerifier::line(std::string_view text)
{
    const auto read = readChainedLine(text);
    if (!read) {
        ++m_unreadable;
        return 0;
    }
    addUnreadable();
    if (m_mayRepeat && m_report.events > 0 && read->seq <= m_report.lastSeq && (m_repeatedTo == 0 || read->seq == m_repeatedTo + 1)
        && m_hasher.hash(read->covered) == read->hash && isRecent(read->seq, read->hash)) {
        m_repeatedTo = read->seq;
        return 0;
    }
    // What is repeated is the end of what was before.
    if (m_mayRepeat && m_repeatedTo > 0 && m_repeatedTo < m_report.lastSeq)
        m_report.add(read->seq, "missing", "'" + m_file + "' repeats event " + std::to_string(m_repeatedTo) + ", but not the next one.");
    m_mayRepeat = false;
    if (m_hasher.hash(read->covered) != read->hash)
        m_report.addToRun(read->seq, m_report.lastSeq, "changed", "Event " + std::to_string(read->seq) + " was changed: its bytes do not give its hash.",
                          "Events {} were changed: their bytes do not give their hashes.");
    checkLink(*read);
    if (m_keys && isCheckpointLine(text))
        checkSignature(*read, text);
    ++m_report.events;
    m_report.lastSeq = read->seq;
    m_report.lastHash = read->hash;
    m_recent.emplace_back(read->seq, read->hash);
    if (m_recent.size() > mostRepeated)
        m_recent.pop_front();
    return read->seq;
}

void ChainVerifier::checkLink(const ChainedLine &line)
{
    if (m_report.events == 0)
        m_report.firstSeq = line.seq;
    if (m_report.events == 0 && !m_isContinued) {
        m_startPrev = line.prev;
        m_isStartProven = line.seq == 1 && line.prev == firstPrev;
        if (line.seq == 1 && !m_isStartProven)
            m_report.add(1, "changed", "Event 1 does not begin a chain: its prev is not zeros.");
        return;
    }
    const int64_t expected = m_report.lastSeq + 1;
    if (line.seq == expected) {
        if (line.prev != m_report.lastHash)
            m_report.addToRun(line.seq, m_report.lastSeq, "changed", "Event " + std::to_string(line.seq) + " does not follow on event "
                              + std::to_string(m_report.lastSeq) + ": one of the two was changed.", "Events {} do not follow on each other: they were changed.");
    } else if (line.seq > expected) {
        m_report.add(expected, "missing", range(expected, line.seq - 1) + (line.seq - 1 == expected ? " is missing." : " are missing.")
                     + " No checkpoint says that they may be.", line.seq - 1);
    } else {
        m_report.add(line.seq, "reordered", "Event " + std::to_string(line.seq) + " stands behind event " + std::to_string(m_report.lastSeq) + ".");
    }
}

void ChainVerifier::checkSignature(const ChainedLine &line, std::string_view text)
{
    const auto event = parseAuditLine(text);
    if (!event || event->action != Action::AuditCheckpoint)
        return;
    const auto toSeq = event->number("to_seq");
    const int64_t before = std::exchange(m_lastCheckpoint, line.seq);
    const auto verdict = m_keys->check(*event);
    if (verdict != CheckpointKeys::Verdict::Good || !toSeq) {
        const bool isUnknown = verdict == CheckpointKeys::Verdict::UnknownKey;
        m_report.addToRun(line.seq, before, "signature", isUnknown
                          ? "The checkpoint at event " + std::to_string(line.seq) + " is signed with a key that is not among the given ones."
                          : "The signature of the checkpoint at event " + std::to_string(line.seq) + " is not valid.",
                          isUnknown ? "The checkpoints at events {} are signed with a key that is not among the given ones."
                                    : "The signatures of the checkpoints at events {} are not valid.");
        return;
    }
    ++m_report.checkpoints;
    if (event->text("purpose") == "retention")
        m_mayBeGone = std::max(m_mayBeGone, *toSeq);
    else if (*toSeq == line.seq - 1 && event->text("to_hash") == line.prev)
        m_report.signedToSeq = *toSeq;
    else if (*toSeq == line.seq - 1)
        m_report.addToRun(*toSeq, before - 1, "changed", "The checkpoint at event " + std::to_string(line.seq) + " was signed over another event "
                          + std::to_string(*toSeq) + " than the one that is there.", "The checkpoints over events {} were signed over other events than those that are there.");
    else if (!isPlaced(*toSeq, event->text("to_hash")))
        m_report.add(line.seq, "changed", "The checkpoint at event " + std::to_string(line.seq) + " was signed for another place of the log: it is about event " + std::to_string(*toSeq) + ".");
    // What is left of a longer log: a signature says where it was cut, and with which hash.
    if (*toSeq != m_report.firstSeq - 1)
        return;
    if (event->text("to_hash") == m_startPrev)
        m_isStartProven = true;
    else
        m_report.add(m_report.firstSeq, "changed", "Event " + std::to_string(m_report.firstSeq) + " does not follow on the event that was signed before it.");
}

// One at a file's beginning is about the event before the first one that is repeated there; another one stands behind its event.
bool ChainVerifier::isPlaced(int64_t toSeq, std::string_view toHash) const
{
    if (toSeq < m_report.firstSeq)
        return toSeq == m_report.firstSeq - 1 || m_isContinued; // compared below, or verified before
    return isRecent(toSeq, toHash);
}

VerifyReport ChainVerifier::finish()
{
    addUnreadable();
    if (m_report.events > 0 && !m_isStartProven && m_report.firstSeq > m_mayBeGone + 1) {
        m_report.problems.insert(m_report.problems.begin(), {1, "cut", "The log begins with event " + std::to_string(m_report.firstSeq)
                                 + ", and no checkpoint says that what was before may be gone."});
        ++m_report.problemCount;
    }
    return m_report;
}

} // namespace llmproxy
