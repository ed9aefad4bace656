// SPDX-License-Identifier: GPL-3.0-only
// What holds for every connection to a provider, whoever makes it: proxy, TLS, and whose certificate it must be.
// Thread: any, its handle's.
#pragma once

#include "upstream/dialler.h"

#include <curl/curl.h>

#include <string>

namespace llmproxy {

std::string originOf(const DialTarget &target); // "https://api.example.com:8443"
std::string certifiedHost(const DialTarget &target); // the name that the certificate must have
// host: certifiedHost(target); it outlives the handshake.
void prepareConnection(CURL *easy, const DialTarget &target, const DialConfig &config, const std::string &host);
bool isCertificateTrouble(CURLcode code);

} // namespace llmproxy
