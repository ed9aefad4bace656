// SPDX-License-Identifier: GPL-3.0-only
#include "alerts/cap.h"

#include "base/clock.h"

#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t capWindowMs = hourMs;
constexpr size_t mostSubjects = 20'000;

// The token first: of a token that is used from many addresses, the first alert names it.
std::vector<std::string> subjectsOf(const Alert &alert)
{
    std::vector<std::string> keys;
    if (!alert.tokenUuid.empty())
        keys.push_back(alert.rule + " token " + alert.tokenUuid);
    const bool isOfAddress = alert.rule == "revoked_token" || alert.rule == "auth_failures";
    if (isOfAddress && !alert.clientIp.empty())
        keys.push_back(alert.rule + " address " + placeOf(alert.clientIp));
    return keys;
}

Alert summaryOf(const Alert &last, int64_t held)
{
    Alert summary = last;
    summary.message = std::to_string(held) + " more " + last.rule + (held == 1 ? " alert" : " alerts") + " within an hour. The last one: " + last.message;
    summary.count = held;
    summary.threshold = 0;
    summary.windowSeconds = capWindowMs / secondMs;
    return summary;
}

} // namespace

// Null: there is none, or it is over and nothing was held back in it.
AlertCap::Window *AlertCap::openWindow(const std::string &key, int64_t nowMs)
{
    const auto found = m_windows.find(key);
    if (found == m_windows.end())
        return nullptr;
    if (found->second.held > 0 || nowMs - found->second.openedMs < capWindowMs)
        return &found->second;
    m_windows.erase(found);
    return nullptr;
}

bool AlertCap::admits(const Alert &alert)
{
    std::vector<std::string> keys = subjectsOf(alert);
    if (m_windows.size() + keys.size() > mostSubjects)
        keys.push_back(alert.rule);
    for (const std::string &key : keys) {
        if (Window *const window = openWindow(key, alert.timestampMs)) {
            ++window->held;
            window->last = alert;
            return false;
        }
    }
    if (m_windows.size() + keys.size() > mostSubjects)
        keys = {alert.rule};
    for (const std::string &key : keys)
        m_windows[key].openedMs = alert.timestampMs;
    return true;
}

std::vector<Alert> AlertCap::admit(std::vector<Alert> alerts)
{
    std::erase_if(alerts, [this](const Alert &alert) { return !admits(alert); });
    return alerts;
}

std::vector<Alert> AlertCap::due(int64_t nowMs)
{
    std::vector<Alert> raised;
    for (auto at = m_windows.begin(); at != m_windows.end();) {
        Window &window = at->second;
        if (nowMs - window.openedMs < capWindowMs) {
            ++at;
        } else if (window.held == 0) {
            at = m_windows.erase(at);
        } else {
            raised.push_back(summaryOf(window.last, std::exchange(window.held, 0)));
            raised.back().timestampMs = window.openedMs = nowMs; // it is this window's one
            ++at;
        }
    }
    return raised;
}

} // namespace llmproxy
