// SPDX-License-Identifier: GPL-3.0-only
// Web pages (fetch.spec.whatwg.org, CORS protocol). The list is CORS_ALLOWED_ORIGINS; a program that is no browser sends no
// Origin, or is believed as little as any other.
#include "exchange/exchange.h"

#include "front/head_rules.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr const char *maxAgeSeconds = "600"; // browsers take at most two hours; a changed list is noticed in ten minutes

// What the page wants to send is repeated when each name is a token: other headers are the provider's matter.
bool isFieldNameList(std::string_view text)
{
    return text.size() <= 4096 && !anyListItem(text, [](std::string_view name) {
        return name.empty() || !std::all_of(name.begin(), name.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); });
    });
}

} // namespace

// The one answer that needs no token: a preflight carries none.
Verdict Exchange::answerPreflight()
{
    if (m_head.method != "OPTIONS" || !m_head.headers.find("origin") || !m_head.headers.find("access-control-request-method"))
        return Verdict::Next;
    if (m_stream.allowedOrigin().empty())
        return refuse(Reason::OriginNotAllowed, "this origin is not in CORS_ALLOWED_ORIGINS");
    conclude(OutcomeResult::Success, 204, Reason::Preflight, [this](bool ok) {
        if (!ok) {
            m_stream.abort();
            return;
        }
        ResponseHead head;
        head.status = 204;
        head.headers.add("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        const std::string wanted = m_head.headers.joined("access-control-request-headers");
        if (!wanted.empty() && isFieldNameList(wanted))
            head.headers.add("Access-Control-Allow-Headers", wanted);
        head.headers.add("Access-Control-Max-Age", maxAgeSeconds);
        m_stream.sendHead(head, 0);
        m_stream.finish();
    });
    return Verdict::Stop;
}

Verdict Exchange::checkOrigin()
{
    if (!m_head.headers.find("origin") || !m_stream.allowedOrigin().empty() || m_stream.isSameOrigin())
        return Verdict::Next;
    return refuse(Reason::OriginNotAllowed, "this origin is not in CORS_ALLOWED_ORIGINS");
}

} // namespace llmproxy
