// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/provider_trouble.h"

#include "base/clock.h"
#include "base/log.h"
#include "upstream/base_url.h"

#include <array>
#include <atomic>

namespace llmproxy {

namespace {

struct Told
{
    std::atomic<int64_t> lastMs{-1'000}; // steady
    std::atomic<int64_t> leftOut{0};
};

const char *sentenceOf(Reason reason)
{
    switch (reason) {
    case Reason::UpstreamDns:
        return "the name of a provider cannot be resolved";
    case Reason::UpstreamRefused:
        return "a provider refuses connections";
    case Reason::UpstreamConnectTimeout:
        return "connecting to a provider timed out";
    case Reason::UpstreamConnectFailed:
        return "a provider cannot be reached";
    case Reason::UpstreamCertificate:
        return "the certificate of a provider is not trusted";
    case Reason::UpstreamResolverBusy:
        return "too many names are being resolved; a provider was not asked";
    default:
        return nullptr;
    }
}

} // namespace

void logProviderTrouble(const RequestOutcome &outcome, std::string_view baseUrl)
{
    constexpr int64_t pauseMs = 1'000;
    static std::array<Told, static_cast<size_t>(Reason::Other) + 1> all;
    const char *const sentence = sentenceOf(outcome.reason);
    if (!sentence)
        return;
    Told &told = all[static_cast<size_t>(outcome.reason)];
    const int64_t nowMs = Clock::steadyMs();
    int64_t lastMs = told.lastMs.load(std::memory_order_relaxed);
    if (nowMs - lastMs < pauseMs || !told.lastMs.compare_exchange_strong(lastMs, nowMs, std::memory_order_relaxed)) {
        told.leftOut.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    const auto url = parseBaseUrl(baseUrl);
    logWarn(sentence, {{"reason", std::string(nameOf(outcome.reason))}, {"provider", outcome.provider}, {"host", url ? url->authority() : std::string()}, {"project_id", std::string(outcome.projectId())},
                       {"request_id", outcome.requestId}, {"left_out_before", std::to_string(told.leftOut.exchange(0, std::memory_order_relaxed))}});
}

} // namespace llmproxy
