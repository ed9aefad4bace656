// SPDX-License-Identifier: GPL-3.0-only
// Rules over the stream of audit events: what somebody should look at, each in one sentence with its evidence. A token is
// judged by its own history; one without much of it stays quiet. Of one kind about one token or address there is one alert, then
// one in each hour with a count (cap.h). Times are the events' own. Thread: one at a time.
#pragma once

#include "alerts/cap.h"
#include "exchange/outcome.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace llmproxy {

struct AlertThresholds
{
    int64_t authFailures = 20;   // of one address in ten minutes; 0: never
    int64_t deniedRequests = 50; // of one token in five minutes; 0: never
    int64_t volumeFactor = 5;    // times its busiest hour so far; 0: never
    bool newSources = true;      // first use from an address, or by a client
    bool unusualHours = true;
};

class AlertRules
{
public:
    // lineageOf: the first token of a token's refresh chain, so that a refresh keeps the history; empty: unknown.
    AlertRules(AlertThresholds thresholds, std::function<std::string(std::string_view tokenUuid)> lineageOf);
    ~AlertRules();
    AlertRules(const AlertRules &) = delete;
    AlertRules &operator=(const AlertRules &) = delete;

    // Of before, in any order: it is history and raises nothing.
    void learn(const RequestOutcome &outcome);
    // Of now, each refusal by itself whether or not it has an event. seq: of its event; 0: it has none.
    std::vector<Alert> see(const RequestOutcome &outcome, int64_t seq);
    // Alerts that count what was held back until now. To be asked about once a minute.
    std::vector<Alert> due(int64_t nowMs) { return m_cap.due(nowMs); }

private:
    struct History;
    struct Window;
    History *historyOf(const RequestOutcome &outcome);
    void seeUse(const RequestOutcome &outcome, History &history, std::vector<Alert> &raised);
    void seeRevoked(const RequestOutcome &outcome, std::vector<Alert> &raised);
    void seeFailure(const RequestOutcome &outcome, int64_t seq, std::vector<Alert> &raised);
    void seeDenial(const RequestOutcome &outcome, int64_t seq, std::vector<Alert> &raised);
    bool isFresh(const std::string &key, int64_t nowMs, int64_t quietMs);
    int64_t countIn(const std::string &key, int64_t nowMs, int64_t windowMs, int64_t count, int64_t seq);

    const AlertThresholds m_thresholds;
    const std::function<std::string(std::string_view)> m_lineageOf;
    std::unordered_map<std::string, std::shared_ptr<History>> m_histories; // by token and by lineage
    std::unordered_map<std::string, Window> m_windows;
    std::unordered_map<std::string, int64_t> m_raised; // rule and subject → when
    AlertCap m_cap;
    int64_t m_tidiedMs = 0;
    void tidy(int64_t nowMs);
};

} // namespace llmproxy
