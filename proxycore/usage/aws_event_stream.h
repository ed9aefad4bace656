// SPDX-License-Identifier: GPL-3.0-only
// The payloads of application/vnd.amazon.eventstream, as Bedrock's ConverseStream answers, while they stream by. A message is its
// length, the length of its headers (32 bits each, big endian), a checksum, headers, payload and a checksum
// (docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html). Checksums are the client's to check. Thread: its request's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

class AwsEventStream
{
public:
    // Told of each piece of a payload; begins: the first of its message.
    using Sink = std::function<void(std::string_view piece, bool begins)>;
    void feed(std::string_view bytes, const Sink &sink);

private:
    bool readPrelude();

    std::string m_prelude;
    uint64_t m_headersLeft = 0, m_payloadLeft = 0, m_checkLeft = 0; // of the message
    bool m_begins = false, m_broken = false;
};

} // namespace llmproxy
