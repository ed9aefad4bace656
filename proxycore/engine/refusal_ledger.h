// SPDX-License-Identifier: GPL-3.0-only
// Which refusals have a line of their own in the audit log, and which are only counted, so that nobody can fill the disk from
// outside (ruling 47). It knows no clock and writes nothing: it is told the time, and hands out what has to be written.
//
// A stranger's refusals count by address (IPv6: by /64), on both planes together: ten a minute have their own lines, and ten answered
// preflights, which carry no token either; of all addresses 600 a minute and 20,000 a day (UTC). 429 never has one: who is over a limit is told so and counted. The rest of the
// minute is counted under the address, for 60 addresses a minute and 2,000 a day (as many as can have used up ten lines), else for
// all addresses together. A token that is not valid any more has ten lines a minute and is then counted by itself, a valid one 600.
// The first that is counted is handed out at once, the others when the minute is over.
//
// Memory, at most: 660 addresses, 60 counts of addresses and three of all with 10,000 places each (2 MB); 50,000 tokens with
// four places each (30 MB, when so many tokens are refused within one minute: the next ones have lines of their own).
// Loopback is an address like any other. Thread: one at a time.
#pragma once

#include "engine/counted_refusals.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace llmproxy {

struct Refused
{
    RefusedKind kind = RefusedKind::Request;
    IpAddress address;
    Reason reason = Reason::None;
    bool isOverLimit = false;  // the answer is 429
    TokenPtr token;            // null: a stranger
    bool isTokenValid = false;
};

class RefusalLedger
{
public:
    static constexpr int64_t linesOfAddress = 10, linesOfMinute = 600, linesOfDay = 20'000; // strangers'
    static constexpr int64_t countsOfMinute = linesOfMinute / linesOfAddress, countsOfDay = linesOfDay / linesOfAddress;
    static constexpr int64_t linesOfInvalid = 10, linesOfValid = 600;                       // a token's in a minute
    static constexpr size_t mostPlaces = 10'000, mostPlacesOfToken = 4, mostTokens = 50'000;

    // True: it has a line of its own. What is to be written now is appended to counted.
    bool add(const Refused &refused, int64_t nowMs, std::vector<CountedRefusals> *counted);
    // What minutes that are over still owe.
    void endMinute(int64_t nowMs, std::vector<CountedRefusals> *counted);
    void endAll(std::vector<CountedRefusals> *counted);

    // Addresses, tokens and places that are kept now.
    size_t size() const;

private:
    struct Tally
    {
        bool isBegun = false; // its first was handed out
        CountedRefusals waiting;
    };
    struct AddressMinute
    {
        int64_t lines = 0, preflights = 0; // that have lines of their own
        std::array<std::unique_ptr<Tally>, 3> tallies; // by kind
    };
    struct TokenMinute
    {
        int64_t lines = 0;
        std::unique_ptr<Tally> tally;
    };

    bool addStranger(const Refused &refused, int64_t nowMs, std::vector<CountedRefusals> *counted);
    bool addToken(const Refused &refused, int64_t nowMs, std::vector<CountedRefusals> *counted);
    Tally &tallyOf(const Refused &refused, const IpAddress &place);
    static void count(Tally &tally, const Refused &refused, int64_t nowMs, size_t mostPlaces, std::vector<CountedRefusals> *counted);
    static void end(Tally *tally, std::vector<CountedRefusals> *counted);

    int64_t m_minute = -1, m_day = -1; // since 1970
    int64_t m_lines = 0, m_linesToday = 0, m_counts = 0, m_countsToday = 0;
    std::map<IpAddress, AddressMinute> m_addresses;
    std::array<Tally, 3> m_all; // by kind
    std::unordered_map<std::string, TokenMinute> m_tokens; // by UUID
};

} // namespace llmproxy
