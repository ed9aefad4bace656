// SPDX-License-Identifier: GPL-3.0-only
// What libcurl says about a server that could not be asked, as a sentence that says what to do. Thread: any.
#pragma once

#include <curl/curl.h>

#include <string>

namespace llmproxy {

struct TransportFailure
{
    CURLcode code = CURLE_OK;
    long systemError = 0;          // errno of connect(2); 0: none
    long certificateResult = 0;    // of X509_verify_cert(3)
    bool isConnected = false;      // the connection was made, and with https the TLS handshake
    std::string detail;            // of CURLOPT_ERRORBUFFER
};

// What stands in a sentence after what was not reached: "connection refused: nothing listens there".
std::string reasonOf(const TransportFailure &failure);
// url: as it was typed. caFile: of SSL_CERT_FILE; empty: not set.
std::string transportProblem(const std::string &url, const std::string &caFile, const TransportFailure &failure);

} // namespace llmproxy
