// SPDX-License-Identifier: GPL-3.0-only
// A line in the application log for requests that never reached their provider. Thread: any.
#pragma once

#include "exchange/outcome.h"

namespace llmproxy {

// For reasons other than "no connection could be made": nothing. At most one line a second for each reason; the next one says how
// many were left out.
void logProviderTrouble(const RequestOutcome &outcome);

} // namespace llmproxy
