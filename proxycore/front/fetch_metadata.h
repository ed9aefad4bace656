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

} // namespace llmproxy
