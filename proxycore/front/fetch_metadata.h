// SPDX-License-Identifier: GPL-3.0-only
// What a browser says about the page that makes it send a request (W3C Fetch Metadata). No script can set or change these
// headers. Thread: any.
#pragma once

#include "front/http_types.h"

namespace llmproxy {

// A page of another site makes the request by itself: everything but a visit, which the address bar shows.
inline bool isCrossSitePage(const Headers &headers)
{
    return listContains(headers.joined("sec-fetch-site"), "cross-site") && !equalsIgnoreCase(headers.joined("sec-fetch-mode"), "navigate");
}

// RFC 6454 section 6.2: what Origin says of a page of this scheme and host, which may have a port. Case does not matter, nor does
// a port that is the scheme's own.
inline bool isOrigin(std::string_view origin, std::string_view scheme, std::string_view host)
{
    const auto withoutPort = [&](std::string_view text) {
        const std::string_view usual = equalsIgnoreCase(scheme, "https") ? ":443" : ":80";
        return text.ends_with(usual) ? text.substr(0, text.size() - usual.size()) : text;
    };
    const size_t end = origin.find("://");
    return end != std::string_view::npos && !host.empty() && equalsIgnoreCase(origin.substr(0, end), scheme)
           && equalsIgnoreCase(withoutPort(origin.substr(end + 3)), withoutPort(host));
}

} // namespace llmproxy
