// SPDX-License-Identifier: GPL-3.0-only
#include "transport_problem.h"

#include <cerrno>
#include <cstring>
#include <openssl/x509_vfy.h>

namespace llmproxy {

namespace {

// "proxy.example" of "https://proxy.example:8443".
std::string hostOf(const std::string &url)
{
    std::string host = url.substr(url.find("://") == std::string::npos ? 0 : url.find("://") + 3);
    host.resize(host.find_first_of("/?") == std::string::npos ? host.size() : host.find_first_of("/?"));
    if (const size_t colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos)
        host.resize(colon);
    return host;
}

bool isTls(const std::string &url)
{
    return url.starts_with("https:");
}

std::string withScheme(const std::string &url, const char *scheme)
{
    return scheme + url.substr(url.find(':'));
}

std::string certificateProblem(const std::string &url, const std::string &caFile, long result)
{
    switch (result) {
    case X509_V_OK: // libcurl compares the name by itself, before it has this result
    case X509_V_ERR_UNSPECIFIED:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "The certificate of " + url + " is for another name than " + hostOf(url) + ". Use a name that the certificate contains.";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "The certificate of " + url + " has expired. Renew it on the server.";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "The certificate of " + url + " is not valid yet. Check the clocks of both machines.";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "The certificate of " + url + " is not signed by a trusted authority. If the authority is your own, set SSL_CERT_FILE to its certificate"
               + (caFile.empty() ? std::string(".") : "; it is set to " + caFile + ".");
    default:
        return "The certificate of " + url + " is not trusted: " + X509_verify_cert_error_string(result) + ".";
    }
}

bool isPlainAnswer(const std::string &detail)
{
    return detail.find("wrong version number") != std::string::npos || detail.find("http request") != std::string::npos || detail.find("packet length too long") != std::string::npos;
}

std::string handshakeProblem(const std::string &url, const TransportFailure &failure)
{
    if (isPlainAnswer(failure.detail))
        return url + " does not speak TLS. If it is a plain HTTP server, write " + withScheme(url, "http") + ".";
    return "The TLS handshake with " + url + " failed" + (failure.detail.empty() ? std::string() : ": " + failure.detail) + ".";
}

bool speaksNoHttp(CURLcode code)
{
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_HTTP2;
}

} // namespace

std::string reasonOf(const TransportFailure &failure)
{
    switch (failure.code) {
    case CURLE_COULDNT_CONNECT:
        if (failure.systemError == ECONNREFUSED)
            return "connection refused: nothing listens there";
        return failure.systemError == 0 ? std::string("the connection cannot be made") : std::string(std::strerror(static_cast<int>(failure.systemError)));
    case CURLE_OPERATION_TIMEDOUT:
        return failure.isConnected ? "timed out: no answer within 60 seconds" : "timed out: no connection within 10 seconds";
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return "the connection was closed before the whole answer came";
    case CURLE_ABORTED_BY_CALLBACK:
        return "the call was stopped";
    default:
        return curl_easy_strerror(failure.code);
    }
}

std::string transportProblem(const std::string &url, const std::string &caFile, const TransportFailure &failure)
{
    switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "Cannot resolve " + hostOf(url) + ". Check the name and the network.";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "Cannot resolve the name of the proxy on the way to " + url + ". Check HTTPS_PROXY.";
    case CURLE_PEER_FAILED_VERIFICATION:
        return certificateProblem(url, caFile, failure.certificateResult);
    case CURLE_SSL_CACERT_BADFILE:
        return "The certificate authorities in SSL_CERT_FILE cannot be read: " + caFile;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return url + " has another key than the one that is pinned. If the server's key was replaced, pin the new one.";
    case CURLE_SSL_CONNECT_ERROR:
        return handshakeProblem(url, failure);
    default:
        break;
    }
    if (!isTls(url) && speaksNoHttp(failure.code))
        return url + " does not speak plain HTTP. If it speaks TLS, write " + withScheme(url, "https") + ".";
    return url + " cannot be reached: " + reasonOf(failure) + ".";
}

} // namespace llmproxy
