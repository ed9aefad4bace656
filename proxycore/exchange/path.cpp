// SPDX-License-Identifier: GPL-3.0-only
// The order of a request, once. Front has already checked the strict head, Host, pages of other sites and address limits.
#include "exchange/exchange.h"

namespace llmproxy {

struct Path
{
    Verdict (Exchange::*step)();
    const char *name;
    const char *why;
    static const Path steps[];
    static const size_t count;
};

const Path Path::steps[] = {
    {&Exchange::refuseUpgrade, "upgrade", "a WebSocket client falls back at once on 426, whoever it is"},
    {&Exchange::findRoute, "route", "a path that nobody serves says so before a credential is asked for"},
    {&Exchange::answerPreflight, "preflight", "a browser asks before it sends a credential"},
    {&Exchange::readCredential, "credential", "who asks; from here on refusals are about a known token"},
    {&Exchange::checkStorage, "storage", "a valid token meets our own trouble as 503, never as 401"},
    {&Exchange::checkProject, "project", "a switched-off project stops all its tokens"},
    {&Exchange::checkAddress, "address", "a token bound to addresses is worthless elsewhere"},
    {&Exchange::checkOrigin, "origin", "a web page calls only when its origin is on the list"},
    {&Exchange::checkEndpoint, "endpoint", "which provider, and whether this token may call that path and method"},
    {&Exchange::checkSize, "size", "a declared size over the limit is refused before it is sent"},
    {&Exchange::takeLimits, "limits", "rate, quota, concurrency; a later refusal gives back quota and concurrency, never the rate: refused requests are not free"},
    {&Exchange::sayContinue, "continue", "100 Continue only now: everything that needs no body has passed"},
    {&Exchange::checkBody, "body", "rules about the model look at what the provider will look at"},
    {&Exchange::forward, "forward", "nothing can refuse any more"},
};
const size_t Path::count = sizeof Path::steps / sizeof *Path::steps;

void Exchange::advance()
{
    while (m_step < Path::count && !m_concluded) {
        const auto step = Path::steps[m_step].step; // apart: with UBSan, GCC 12 reads the index of a combined call wrong
        const Verdict verdict = (this->*step)();
        if (verdict != Verdict::Next)
            return;
        ++m_step;
    }
}

} // namespace llmproxy
