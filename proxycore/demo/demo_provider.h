// SPDX-License-Identifier: GPL-3.0-only
// The demo provider: answers like OpenAI and Anthropic would, with canned text, so that the whole product
// can be tried with no provider key and no network. Requests in, answers out; no sockets, no state. Whoever
// serves it sends chunk after chunk, each delayMs after the one before. The text shows that it is a demo;
// "count to 30" in the prompt gives a longer answer. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct DemoChunk
{
    int delayMs = 0;
    std::string bytes;
};

struct DemoReply
{
    int status = 200;
    std::string contentType;
    bool streamed = false; // false: exactly one chunk, the whole body
    std::vector<DemoChunk> chunks;
};

// path: as requested, a query is ignored. Serves /v1/chat/completions, /v1/responses, /v1/embeddings,
// /v1/models[/{id}], /v1/messages and /v1/messages/count_tokens.
DemoReply demoReply(std::string_view method, std::string_view path, std::string_view body);

} // namespace llmproxy
