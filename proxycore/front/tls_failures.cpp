// SPDX-License-Identifier: GPL-3.0-only
#include "front/tls_failures.h"

#include "base/log.h"

#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t failuresMinuteMs = 60'000;

} // namespace

TlsFailures::TlsFailures(Poller &poller, FrontCounts *counts) : m_counts(counts), m_minute(poller, [this] { tellRest(); })
{
}

void TlsFailures::failed(const std::string &clientIp, std::string_view why)
{
    if (m_counts)
        ++m_counts->failedHandshakes;
    if (!m_minute.isActive())
        m_minute.start(failuresMinuteMs);
    if (m_lines < linesPerMinute) {
        ++m_lines;
        logWarn("a TLS handshake failed", {{"client_ip", clientIp}, {"why", std::string(why)}});
    } else {
        ++m_untold;
    }
}

void TlsFailures::tellRest()
{
    m_lines = 0;
    if (const int64_t count = std::exchange(m_untold, 0); count > 0)
        logWarn("more TLS handshakes failed", {{"count", std::to_string(count)}});
}

} // namespace llmproxy
