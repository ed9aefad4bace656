// SPDX-License-Identifier: GPL-3.0-only
#include "engine/listen_plan.h"

#include <algorithm>

namespace llmproxy {

namespace {

// A name has one port on all its addresses. The kernel chooses that for the first one, and it may be taken on the next.
constexpr int freePortAttempts = 50;

bool isListed(const ListenAddresses &all, const IpAddress &address, uint16_t port)
{
    return std::any_of(all.begin(), all.end(), [&](const ListenAddress &one) {
        return !one.isName() && one.port == port && one.addresses.front() == address;
    });
}

bool isDualStack(const ListenAddresses &wanted, const IpAddress &address, uint16_t port)
{
    static const IpAddress everyV4 = *IpAddress::parse("0.0.0.0");
    return isWildcard(address) && !address.isV4() && !isListed(wanted, everyV4, port);
}

// Empty: nothing speaks against it.
std::string whyNotOfName(const IpAddress &address)
{
    if (!hasFamilyOf(address))
        return address.isV4() ? "this machine has no IPv4" : "this machine has no IPv6";
    const bool isLinkLocal = !address.isV4() && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
    return isLinkLocal ? "a link-local address needs its interface" : std::string();
}

// What is left of an entry's addresses. Those of a name that are missing or have their own entry are no mistake.
std::vector<ListenPoint> pointsOf(const ListenAddress &entry, const ListenAddresses &wanted, ListenPlan &plan)
{
    std::vector<ListenPoint> points;
    for (const IpAddress &address : entry.addresses) {
        const ListenPoint point{address, entry.port, isDualStack(wanted, address, entry.port)};
        const bool isPlanned = std::any_of(plan.points.begin(), plan.points.end(), [&](const ListenPoint &other) { return other.text() == point.text(); });
        if (entry.isName() && entry.port != 0 && (isPlanned || isListed(wanted, address, entry.port)))
            continue;
        if (const std::string why = entry.isName() ? whyNotOfName(address) : std::string(); !why.empty())
            plan.skipped.push_back({point.text(), why});
        else
            points.push_back(point);
    }
    return points;
}

ListenProblem probeAll(std::vector<ListenPoint> &points)
{
    ListenProblem problem;
    uint16_t port = points.front().port;
    for (ListenPoint &point : points) {
        point.port = port;
        if (!probeBind(point, &port, &problem))
            return problem;
        point.port = port;
    }
    return {};
}

Outcome addEntry(const ListenAddress &entry, const ListenAddresses &wanted, ListenPlan &plan)
{
    const auto failed = [](std::string text) { return Error{ErrorKind::Unavailable, "listen", std::move(text), {}}; };
    if (entry.addresses.empty())
        return failed("cannot listen on " + entry.text() + ": the name cannot be resolved");
    const size_t skippedBefore = plan.skipped.size();
    const std::vector<ListenPoint> points = pointsOf(entry, wanted, plan);
    if (points.empty() && plan.skipped.size() - skippedBefore == entry.addresses.size())
        return failed("cannot listen on " + entry.text() + ": this machine has none of its addresses");
    if (points.empty())
        return {};
    std::vector<ListenPoint> probed;
    ListenProblem problem;
    for (int attempt = 0; attempt < freePortAttempts; ++attempt) {
        probed = points;
        problem = probeAll(probed);
        if (entry.port != 0 || problem.failure != BindFailure::Taken)
            break;
    }
    if (problem.failure != BindFailure::None)
        return failed(problem.text);
    ListenAddress bound{entry.host, probed.front().port, {}};
    for (const ListenPoint &point : probed)
        bound.addresses.push_back(point.address);
    plan.points.insert(plan.points.end(), probed.begin(), probed.end());
    plan.bound.push_back(std::move(bound));
    return {};
}

} // namespace

Result<ListenPlan> planListeners(const ListenAddresses &wanted)
{
    ListenPlan plan;
    for (const ListenAddress &entry : wanted) {
        if (const Outcome error = addEntry(entry, wanted, plan))
            return *error;
    }
    return plan;
}

bool isPortTaken(const ListenAddresses &wanted)
{
    for (const ListenAddress &entry : wanted) {
        for (const IpAddress &address : entry.addresses) {
            ListenProblem problem;
            uint16_t port = entry.port;
            const bool isFree = probeBind({address, port, isDualStack(wanted, address, port)}, &port, &problem);
            if (!isFree && problem.failure != BindFailure::Other)
                return true;
        }
    }
    return false;
}

} // namespace llmproxy
