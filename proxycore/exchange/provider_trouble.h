// SPDX-License-Identifier: GPL-3.0-only
// A line in the application log for requests that never reached their provider. Thread: any.
#pragma once

#include "exchange/outcome.h"

namespace llmproxy {

// For reasons other than "no connection could be made": nothing. At most one line a second for each reason; the next one says how
// many were left out. baseUrl: where it was sent; its host and port alone are written, since a path or a query may hold a secret.
void logProviderTrouble(const RequestOutcome &outcome, std::string_view baseUrl);

} // namespace llmproxy
