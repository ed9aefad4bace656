// SPDX-License-Identifier: GPL-3.0-only
#include "alerts/rules.h"

#include "base/clock.h"

#include <algorithm>
#include <bit>

namespace llmproxy {

namespace {

constexpr int64_t failureWindowMs = 10 * minuteMs, denialWindowMs = 5 * minuteMs;
constexpr int64_t quietAfterMs = hourMs; // the same again says nothing new
// A token has a history once it was used so often, over so long.
constexpr int64_t settledRequests = 50, settledMs = 3 * dayMs; // home and office are both seen by then
constexpr int64_t rhythmRequests = 200, rhythmDays = 7;
constexpr int64_t volumeHours = 24, volumeDays = 3, volumeLeast = 200;
constexpr size_t mostSources = 32; // a token used from more places has no place of its own
constexpr size_t mostHistories = 100'000, mostWindows = 20'000, mostRaised = 500'000;

// "openai-python/1.2 …" → "openai-python"
std::string clientOf(std::string_view agent)
{
    return std::string(agent.substr(0, agent.find_first_of("/ (")));
}

std::string twoDigits(int64_t number)
{
    return (number < 10 ? "0" : "") + std::to_string(number);
}

Alert alertOf(const RequestOutcome &outcome, std::string rule, std::string message)
{
    Alert alert;
    alert.rule = std::move(rule);
    alert.message = std::move(message);
    alert.clientIp = outcome.clientIp;
    alert.projectId = outcome.projectId();
    alert.tokenUuid = outcome.tokenId();
    alert.tokenMasked = outcome.maskedToken;
    alert.timestampMs = outcome.endedMs;
    return alert;
}

bool addTo(std::vector<std::string> &known, std::string one)
{
    if (one.empty() || known.size() >= mostSources || std::find(known.begin(), known.end(), one) != known.end())
        return false;
    known.push_back(std::move(one));
    return true;
}

} // namespace

std::string placeOf(const std::string &address)
{
    if (address.find(':') == std::string::npos)
        return address;
    size_t at = 0;
    for (int groups = 0; groups < 4 && at != std::string::npos; ++groups)
        at = address.find(':', at == 0 ? 0 : at + 1);
    return address.substr(0, at);
}

// What a token does when all is well.
struct AlertRules::History
{
    int64_t firstMs = 0, requests = 0;
    std::vector<std::string> addresses, clients;
    std::array<bool, 24> hours{};                 // of the day, UTC, in which it was used before the running one
    uint64_t days = 0;                            // which of the last 64 days, the newest lowest
    int64_t day = 0;
    std::unordered_map<int64_t, int64_t> counts;  // hour since 1970 → requests; the last ones
    int64_t busiest = 0, activeHours = 0;         // of hours that are over
    int64_t hour = 0;                             // the running one

    void note(int64_t nowMs)
    {
        ++requests;
        firstMs = firstMs == 0 ? nowMs : std::min(firstMs, nowMs);
        const int64_t today = nowMs / dayMs;
        if (today > day) {
            days = today - day < 64 ? days << (today - day) : 0;
            day = today;
        }
        if (day - today < 64)
            days |= uint64_t{1} << (day - today);
        const int64_t now = nowMs / hourMs;
        if (now > hour)
            endHours(now);
        const int64_t count = ++counts[now];
        if (now < hour) { // learnt in any order
            busiest = std::max(busiest, count);
            activeHours += count == 1 ? 1 : 0;
            hours[static_cast<size_t>(now % 24)] = true;
        }
    }
    int64_t daysUsed() const { return std::popcount(days); }
    bool isSettled(int64_t nowMs) const { return requests >= settledRequests && nowMs - firstMs >= settledMs; }

    void endHours(int64_t now)
    {
        if (const auto last = counts.find(hour); last != counts.end()) {
            busiest = std::max(busiest, last->second);
            ++activeHours;
            hours[static_cast<size_t>(hour % 24)] = true;
        }
        hour = now;
        std::erase_if(counts, [now](const auto &one) { return one.first < now - 24 * 14; });
    }
};

struct AlertRules::Window
{
    std::deque<std::pair<int64_t, int64_t>> counts; // second, count
    int64_t total = 0;
    int64_t lastSeq = 0; // of those that have an event of their own, the newest
};

AlertRules::AlertRules(AlertThresholds thresholds, std::function<std::string(std::string_view)> lineageOf)
    : m_thresholds(thresholds), m_lineageOf(std::move(lineageOf))
{
}

AlertRules::~AlertRules() = default;

AlertRules::History *AlertRules::historyOf(const RequestOutcome &outcome)
{
    const std::string uuid(outcome.tokenId());
    if (uuid.empty())
        return nullptr;
    if (const auto found = m_histories.find(uuid); found != m_histories.end())
        return found->second.get();
    if (m_histories.size() >= mostHistories)
        return nullptr;
    const std::string lineage = m_lineageOf(uuid);
    auto &shared = m_histories[lineage.empty() ? uuid : lineage];
    if (!shared)
        shared = std::make_shared<History>();
    const std::shared_ptr<History> history = shared; // the next line may move it
    m_histories[uuid] = history;
    return history.get();
}

void AlertRules::learn(const RequestOutcome &outcome)
{
    if (outcome.result != OutcomeResult::Success)
        return;
    if (History *const history = historyOf(outcome)) {
        addTo(history->addresses, placeOf(outcome.clientIp));
        addTo(history->clients, clientOf(outcome.userAgent));
        history->note(outcome.endedMs);
    }
}

std::vector<Alert> AlertRules::see(const RequestOutcome &outcome, int64_t seq)
{
    std::vector<Alert> raised;
    seeRevoked(outcome, raised);
    if (outcome.result == OutcomeResult::Success) {
        if (History *const history = historyOf(outcome))
            seeUse(outcome, *history, raised);
    } else if (outcome.result == OutcomeResult::Failure) {
        seeFailure(outcome, seq, raised);
    } else if (outcome.result == OutcomeResult::Denied) {
        seeDenial(outcome, seq, raised);
    }
    for (Alert &alert : raised)
        alert.seq = seq > 0 ? seq : alert.seq;
    return m_cap.admit(std::move(raised));
}

void AlertRules::seeUse(const RequestOutcome &outcome, History &history, std::vector<Alert> &raised)
{
    const int64_t now = outcome.endedMs;
    const bool isSettled = history.isSettled(now);
    const bool hasRhythm = isSettled && history.requests >= rhythmRequests && history.daysUsed() >= rhythmDays;
    const std::string token = "Token " + outcome.maskedToken;
    const std::string subject(outcome.tokenId());

    // Three in an hour are a move, and not each is news.
    const auto isNews = [&](const char *rule) {
        for (const char *turn : {"1", "2", "3"}) {
            if (isFresh(rule + subject + turn, now, dayMs))
                return true;
        }
        return false;
    };
    const bool hasPlace = history.addresses.size() < mostSources, hasClient = history.clients.size() < mostSources;
    const std::string client = clientOf(outcome.userAgent);
    if (addTo(history.addresses, placeOf(outcome.clientIp)) && isSettled && hasPlace && m_thresholds.newSources && isNews("new_address"))
        raised.push_back(alertOf(outcome, "new_address", token + " was used from " + outcome.clientIp + " for the first time; its " + std::to_string(history.requests)
                                 + " requests since " + rfc3339(history.firstMs) + " came from " + std::to_string(history.addresses.size() - 1) + " other place(s)."));
    if (addTo(history.clients, client) && isSettled && hasClient && m_thresholds.newSources && isNews("new_client"))
        raised.push_back(alertOf(outcome, "new_client", token + " was used by the client " + client + " for the first time; its " + std::to_string(history.requests)
                                 + " requests since " + rfc3339(history.firstMs) + " were made by " + std::to_string(history.clients.size() - 1) + " other(s)."));

    const int64_t hourOfDay = now / hourMs % 24;
    const auto usedIn = [&history](int64_t hour) { return history.hours[static_cast<size_t>((hour + 24) % 24)]; };
    if (hasRhythm && m_thresholds.unusualHours && !usedIn(hourOfDay - 1) && !usedIn(hourOfDay) && !usedIn(hourOfDay + 1) && isFresh("hour" + subject, now, dayMs))
        raised.push_back(alertOf(outcome, "unusual_hour", token + " was used at " + twoDigits(hourOfDay) + ":" + twoDigits(now / minuteMs % 60)
                                 + " UTC; on " + std::to_string(history.daysUsed()) + " days of use it never was around that hour."));

    history.note(now);
    const int64_t count = history.counts[history.hour];
    const int64_t limit = std::max(volumeLeast, m_thresholds.volumeFactor * history.busiest);
    if (m_thresholds.volumeFactor > 0 && history.activeHours >= volumeHours && history.daysUsed() >= volumeDays && count > limit
        && isFresh("volume" + subject + std::to_string(history.hour), now, quietAfterMs)) {
        Alert alert = alertOf(outcome, "unusual_volume", token + " made " + std::to_string(count) + " requests in this hour; its busiest of "
                              + std::to_string(history.activeHours) + " hours before had " + std::to_string(history.busiest) + ".");
        alert.count = count;
        alert.threshold = limit;
        alert.windowSeconds = hourMs / secondMs;
        raised.push_back(std::move(alert));
    }
}

// Whatever refused it: a wrong path or too many attempts do not hide it.
void AlertRules::seeRevoked(const RequestOutcome &outcome, std::vector<Alert> &raised)
{
    const bool isRevoked = outcome.reason == Reason::Revoked || outcome.tokenState == Reason::Revoked;
    if (isRevoked)
        raised.push_back(alertOf(outcome, "revoked_token", "Token " + outcome.maskedToken + ", which is revoked, was used from " + outcome.clientIp + "."));
}

void AlertRules::seeFailure(const RequestOutcome &outcome, int64_t seq, std::vector<Alert> &raised)
{
    const int64_t now = outcome.endedMs;
    if (m_thresholds.authFailures == 0 || outcome.clientIp.empty() || (outcome.isSummary && !outcome.isOfCredential))
        return;
    const std::string key = "failures" + placeOf(outcome.clientIp);
    const int64_t count = countIn(key, now, failureWindowMs, outcome.count, seq);
    if (count < m_thresholds.authFailures || !isFresh(key, now, quietAfterMs))
        return;
    Alert alert = alertOf(outcome, "auth_failures", outcome.clientIp + " failed to authenticate " + std::to_string(count) + " times within ten minutes.");
    alert.count = count;
    alert.threshold = m_thresholds.authFailures;
    alert.windowSeconds = failureWindowMs / secondMs;
    alert.seq = m_windows[key].lastSeq;
    raised.push_back(std::move(alert));
}

void AlertRules::seeDenial(const RequestOutcome &outcome, int64_t seq, std::vector<Alert> &raised)
{
    const std::string uuid(outcome.tokenId());
    if (m_thresholds.deniedRequests == 0 || uuid.empty())
        return;
    const std::string key = "denied" + uuid;
    const int64_t count = countIn(key, outcome.endedMs, denialWindowMs, outcome.count, seq);
    if (count < m_thresholds.deniedRequests || !isFresh(key, outcome.endedMs, quietAfterMs))
        return;
    Alert alert = alertOf(outcome, "denied_burst", "Token " + outcome.maskedToken + " was denied " + std::to_string(count)
                          + " times within five minutes, last for " + std::string(nameOf(outcome.reason)) + ".");
    alert.count = count;
    alert.threshold = m_thresholds.deniedRequests;
    alert.windowSeconds = denialWindowMs / secondMs;
    alert.seq = m_windows[key].lastSeq;
    raised.push_back(std::move(alert));
}

// Whether this was not raised within the time before; notes it. Beyond what is kept in mind, the cap alone holds back.
bool AlertRules::isFresh(const std::string &key, int64_t nowMs, int64_t quietMs)
{
    if (m_raised.size() >= mostRaised && !m_raised.contains(key))
        return true;
    const auto [found, isNew] = m_raised.try_emplace(key, nowMs);
    if (!isNew && nowMs - found->second < quietMs)
        return false;
    found->second = nowMs;
    return true;
}

int64_t AlertRules::countIn(const std::string &key, int64_t nowMs, int64_t windowMs, int64_t count, int64_t seq)
{
    tidy(nowMs);
    if (m_windows.size() >= mostWindows && !m_windows.contains(key))
        return 0;
    Window &window = m_windows[key];
    const int64_t second = nowMs / secondMs;
    if (!window.counts.empty() && window.counts.back().first == second)
        window.counts.back().second += count;
    else
        window.counts.emplace_back(second, count);
    window.total += count;
    window.lastSeq = std::max(window.lastSeq, seq);
    while (window.counts.front().first <= (nowMs - windowMs) / secondMs) {
        window.total -= window.counts.front().second;
        window.counts.pop_front();
    }
    return window.total;
}

void AlertRules::tidy(int64_t nowMs)
{
    if (nowMs - m_tidiedMs < minuteMs && nowMs >= m_tidiedMs)
        return;
    m_tidiedMs = nowMs;
    std::erase_if(m_windows, [nowMs](const auto &one) { return one.second.counts.empty() || one.second.counts.back().first * secondMs < nowMs - failureWindowMs; });
    std::erase_if(m_raised, [nowMs](const auto &one) { return one.second < nowMs - dayMs; });
}

} // namespace llmproxy
