// SPDX-License-Identifier: GPL-3.0-only
// Nobody reads six hundred alerts about the same thing. Of each rule and subject (a token; for revoked tokens and failed
// authentications also the address they came from) one alert is raised, and then at most one in each window of an hour: it says how
// many were held back in it, and what the last of them was. At most 20,000 subjects are told apart; alerts about further ones are
// counted together, by rule. Times are the alerts' own. Thread: one at a time.
#pragma once

#include "alerts/alert.h"

#include <map>
#include <vector>

namespace llmproxy {

class AlertCap
{
public:
    // Those of them that are raised now; the others are counted.
    std::vector<Alert> admit(std::vector<Alert> alerts);
    // For each window that is over by then, and in which alerts were held back, the one that counts them.
    std::vector<Alert> due(int64_t nowMs);
    size_t subjects() const { return m_windows.size(); }

private:
    struct Window
    {
        int64_t openedMs = 0, held = 0;
        Alert last; // of those that were held back
    };
    Window *openWindow(const std::string &key, int64_t nowMs);
    bool admits(const Alert &alert);

    std::map<std::string, Window> m_windows; // by rule and subject
};

} // namespace llmproxy
