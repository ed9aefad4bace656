// SPDX-License-Identifier: GPL-3.0-only
// Looks into a held request body the way a provider will: model, and whether it streams. The original
// bytes are forwarded; what cannot be read is a fault, never a guess. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

struct BodyView
{
    std::string fault; // a code of the contract; empty: read
    std::string message;
    bool isJson = false;
    bool hasModel = false;
    std::string model;
    bool streams = false;
    bool hasStreamOptions = false;
};

// contentEncoding: identity, gzip and deflate are looked through, under a cap (8 MiB, ratio 100).
BodyView lookIntoBody(std::string_view body, std::string_view contentType, std::string_view contentEncoding);

// gzip, zlib and deflate; false when broken or over the cap.
bool inflateCapped(std::string_view packed, size_t cap, std::string *plain);

} // namespace llmproxy
