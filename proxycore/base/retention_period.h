// SPDX-License-Identifier: GPL-3.0-only
// How often something looks for what is older than its retention. Thread: any.
#pragma once

#include "base/clock.h"

#include <algorithm>

namespace llmproxy {

// Hourly, as a day more or less needs no more; where that would keep things for much longer than they are to be kept, in tenths of
// the retention, but at most once a second. Milliseconds; retentionMs 0: nothing is removed.
inline int64_t retentionPeriodMs(int64_t retentionMs)
{
    return retentionMs <= 0 ? hourMs : std::clamp(retentionMs / 10, secondMs, hourMs);
}

} // namespace llmproxy
