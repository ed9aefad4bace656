// SPDX-License-Identifier: GPL-3.0-only
#include "usage/aws_event_stream.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr size_t preludeSize = 12, checkSize = 4;
constexpr uint64_t mostOfMessage = 16 << 20; // of the format's own limits

uint64_t bigEndian(std::string_view four)
{
    uint64_t value = 0;
    for (const char c : four)
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

} // namespace

bool AwsEventStream::readPrelude()
{
    const std::string_view prelude = m_prelude;
    const uint64_t total = bigEndian(prelude.substr(0, 4)), headers = bigEndian(prelude.substr(4, 4));
    m_prelude.clear();
    if (total > mostOfMessage || total < preludeSize + checkSize || headers > total - preludeSize - checkSize)
        return false;
    m_headersLeft = headers;
    m_payloadLeft = total - headers - preludeSize - checkSize;
    m_checkLeft = checkSize;
    m_begins = true;
    return true;
}

void AwsEventStream::feed(std::string_view bytes, const Sink &sink)
{
    const auto take = [&bytes](uint64_t *left) {
        const std::string_view part = bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(*left, bytes.size())));
        bytes.remove_prefix(part.size());
        *left -= part.size();
        return part;
    };
    while (!bytes.empty() && !m_broken) {
        if (m_checkLeft == 0) {
            uint64_t missing = preludeSize - m_prelude.size();
            m_prelude += take(&missing);
            m_broken = missing == 0 && !readPrelude();
        } else if (m_headersLeft > 0) {
            take(&m_headersLeft);
        } else if (m_payloadLeft > 0) {
            const std::string_view part = take(&m_payloadLeft);
            sink(part, m_begins);
            m_begins = false;
        } else {
            take(&m_checkLeft);
        }
    }
}

} // namespace llmproxy
