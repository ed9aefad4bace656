// SPDX-License-Identifier: GPL-3.0-only
// The strict rules for message heads, for both legs: what two parsers could read in two
// ways is refused. Input is one complete head including the empty line. Thread: any.
#pragma once

#include "base/reason.h"
#include "front/http_types.h"

#include <string>

namespace llmproxy {

struct HeadLimits
{
    size_t maxHeaderCount = 100;
    size_t maxTargetSize = 8 * 1024;
};

struct HeadFault
{
    int status = 0;   // 0: the head is good
    Reason code = Reason::None; // rulings 9
    std::string message;
};

// For clients that were given our address as the proxy of their environment.
inline constexpr const char *notAForwardProxy = "this is not a forward proxy: remove its address from HTTPS_PROXY and HTTP_PROXY, and set it as the client's base URL, "
                                                "like OPENAI_BASE_URL=http://HOST:PORT/v1";

// Of what is served or sent on; QHttpServer knows these, too. Case-sensitive (RFC 9110 section 9.1).
bool isUsualMethod(std::string_view method);
// Fills everything of head but requestId.
HeadFault readRequestHead(std::string_view bytes, const HeadLimits &limits, RequestHead *head);
// Of a head that is refused before it is whole, for the form of the refusal alone: method, path and what says which interface the client
// speaks, as far as they have come.
RequestHead glanceAtHead(std::string_view bytes);

struct ResponseFraming
{
    bool chunked = false;
    int64_t contentLength = -1;
    bool keepAlive = true;
};
// For the upstream leg; false: not a head that we relay (502).
bool readResponseHead(std::string_view bytes, size_t maxHeaderCount, ResponseHead *head, ResponseFraming *framing);

// The bytes from behind the last chunk's line to the empty line, inclusive. Only their form matters: they are dropped.
bool areTrailers(std::string_view bytes, size_t maxCount);

enum class HeadScan { NeedMore, Complete, Bad };

// Looks for the head's end from `from` on; every line must end in CR LF, and there is no NUL. Complete: *end is one past
// the empty line. NeedMore: go on from *resume.
HeadScan scanHead(std::string_view text, size_t from, size_t *resume, size_t *end);

bool isTokenChar(unsigned char c); // RFC 9110 section 5.6.2

} // namespace llmproxy
