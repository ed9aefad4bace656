// SPDX-License-Identifier: GPL-3.0-only
// How much was used, of anything: counts that add up, and durations by powers of two, from which percentiles are estimated.
// Thread: values.
#pragma once

#include "usage/usage.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace llmproxy {

struct UsageCounts
{
    static constexpr size_t buckets = 20; // as the columns h0 to h19

    int64_t requests = 0;
    int64_t errors = 0; // result error
    int64_t denied = 0; // results denied and failure
    int64_t promptTokens = 0, completionTokens = 0;
    // Of forwarded requests: a refusal takes no time, and hundreds of them would make a slow provider look quick.
    int64_t durationMs = 0;
    std::array<int64_t, usagePartNames.size()> parts{}; // as far as providers reported them
    int64_t estimated = 0; // requests whose usage is
    std::array<int64_t, buckets> latency{}; // [0]: below 1 ms, [n]: from 2^(n-1) to below 2^n ms; the last also all above

    void addDuration(int64_t ms)
    {
        const auto width = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(ms, 0))));
        durationMs += std::max<int64_t>(ms, 0);
        ++latency[std::min(width, buckets - 1)];
    }
    void add(const UsageCounts &other)
    {
        requests += other.requests;
        errors += other.errors;
        denied += other.denied;
        promptTokens += other.promptTokens;
        completionTokens += other.completionTokens;
        durationMs += other.durationMs;
        for (size_t at = 0; at < buckets; ++at)
            latency[at] += other.latency[at];
        for (size_t at = 0; at < parts.size(); ++at)
            parts[at] += other.parts[at];
        estimated += other.estimated;
    }
    int64_t forwarded() const
    {
        int64_t count = 0;
        for (const int64_t in : latency)
            count += in;
        return count;
    }
    // -1: nothing was forwarded.
    int64_t meanMs() const
    {
        const int64_t count = forwarded();
        return count > 0 ? (durationMs + count / 2) / count : -1;
    }
    // The time within which this part of them ended (0.5: the median), as if a bucket's were spread evenly over it; so at most
    // wrong by a factor of two. -1: nothing was forwarded.
    int64_t percentileMs(double part) const
    {
        const int64_t count = forwarded();
        double left = part * static_cast<double>(count);
        for (size_t at = 0; at < buckets; ++at) {
            const auto in = static_cast<double>(latency[at]);
            if (in > 0 && left <= in) {
                const double low = at == 0 ? 0 : std::ldexp(1.0, static_cast<int>(at) - 1);
                return std::llround(low + (std::ldexp(1.0, static_cast<int>(at)) - low) * left / in);
            }
            left -= in;
        }
        return count > 0 ? int64_t{1} << (buckets - 1) : -1;
    }
};

} // namespace llmproxy
