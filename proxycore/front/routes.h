// SPDX-License-Identifier: GPL-3.0-only
// The route table: every path, and who serves it. Thread: any.
#pragma once

#include <string_view>

namespace llmproxy {

struct RequestHead;

enum class ServedBy {
    Management, // QHttpServer behind the management door
    Exchange,   // straight to a provider
};

ServedBy routeOf(std::string_view path);
// Answered to everybody: the process, and whether storage and encryption key are usable.
bool isOpenPath(std::string_view path);

// The interface that a client speaks without naming a provider in its path (ruling 10).
bool speaksGemini(const RequestHead &head);
bool speaksAnthropic(const RequestHead &head);

} // namespace llmproxy
