// SPDX-License-Identifier: GPL-3.0-only
// The proxy's own refusals: the one table from code to status, and their three dialects. The texts never
// contain a key, a path of this machine, SQL or a stack. Thread: any.
#pragma once

#include "base/reason.h"

#include <string>
#include <string_view>

namespace llmproxy {

struct RequestHead;

enum class Dialect { OpenAi, Anthropic, Gemini, Management };

struct Refusal
{
    int status = 500;
    Reason code = Reason::None; // None: no refusal
    std::string message;
    // 429 and 503; seconds, -1: none
    int64_t retryAfter = -1;
    int64_t rateLimit = -1, rateRemaining = -1, rateReset = -1;
    bool retryIsUseless = false; // x-should-retry: false
    std::string allow;           // 405
    bool isOurTrouble = false;   // not the caller's fault: an error, not a denial
    Reason reason = Reason::None; // why, more exactly than the code; None: the code
};

// Status of a code of contract section 3 and ruling 9; 500 for an unknown one.
int statusOf(Reason code);
Refusal refusal(Reason code, std::string message);
// By the head as received: what the client library behind it can read.
Dialect dialectOf(const RequestHead &head);
std::string refusalBody(Dialect dialect, const Refusal &refusal);
std::string jsonEscaped(std::string_view text);

} // namespace llmproxy
