// SPDX-License-Identifier: GPL-3.0-only
// The one way from an outcome to its audit event, and back for events that an earlier run left: counters and usage are made
// exact from those at a start. Thread: any.
#pragma once

#include "audit/event.h"
#include "exchange/outcome.h"

namespace llmproxy {

// token.access.
AuditEvent eventOf(const RequestOutcome &outcome);
// Of a stored token.access; of one that counts refusals a summary. What an event does not hold stays at its default.
RequestOutcome outcomeOf(const AuditEvent &event);

} // namespace llmproxy
