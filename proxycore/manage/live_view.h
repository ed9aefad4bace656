// SPDX-License-Identifier: GPL-3.0-only
// A running request as JSON, for the event stream and for its killing. Thread: any.
#pragma once

#include "access/live_request.h"

#include <QJsonObject>

namespace llmproxy {

QJsonObject liveView(const LiveRequest &request);

} // namespace llmproxy
