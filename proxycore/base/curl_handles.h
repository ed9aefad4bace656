// SPDX-License-Identifier: GPL-3.0-only
// libcurl's handles, freed by whoever holds them. Thread: one per object.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace llmproxy {

struct CurlEnd
{
    void operator()(CURL *handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist *list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlEnd>;
using HeaderList = std::unique_ptr<curl_slist, CurlEnd>;

inline void addHeader(HeaderList &list, const std::string &line)
{
    if (curl_slist *longer = curl_slist_append(list.get(), line.c_str())) {
        static_cast<void>(list.release());
        list.reset(longer);
    }
}

} // namespace llmproxy
