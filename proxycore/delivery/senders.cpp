// SPDX-License-Identifier: GPL-3.0-only
#include "delivery/senders.h"

#include "base/clock.h"
#include "base/curl_handles.h"
#include "base/owned_file.h"
#include "upstream/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

namespace llmproxy {

namespace {

std::string toSyslog(const std::string &text)
{
    static std::once_flag opened;
    std::call_once(opened, [] { openlog("llm-proxy", LOG_NDELAY, LOG_AUTHPRIV); });
    syslog(LOG_NOTICE, "%s", text.c_str());
    return {};
}

std::string toFile(const std::string &path, const std::string &text, unsigned mode)
{
    std::string refused;
    const int fd = openOwned(path, O_RDWR | O_APPEND | O_CREAT, mode, &refused);
    if (fd < 0)
        return refused;
    const off_t size = lseek(fd, 0, SEEK_END);
    if (const std::string line = lastWholeLine(fd, size); !line.empty() && !line.starts_with(R"({"timestamp":")")) {
        close(fd);
        return "it is not empty, and its last line is no checkpoint of LLM Proxy; nothing was changed in it";
    }
    // Whoever was interrupted left half a line; it must not swallow this one.
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
        last = '\n';
    const std::string line = (last == '\n' ? "" : "\n") + text + "\n";
    const bool good = write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && fdatasync(fd) == 0;
    const std::string problem = good ? std::string() : std::string(std::strerror(errno));
    close(fd);
    return problem;
}

size_t dropBody(char *, size_t size, size_t count, void *)
{
    return size * count;
}

// Without path and query, which a base URL cannot have all of.
std::string originIn(const std::string &url)
{
    const size_t authority = url.find("://");
    return authority == std::string::npos ? url : url.substr(0, url.find_first_of("/?#", authority + 3));
}

std::string lookUpProblem(Reason reason)
{
    if (reason == Reason::UpstreamConnectTimeout)
        return "the name was not resolved in time";
    if (reason == Reason::UpstreamMetadataAddress)
        return "the address is a cloud metadata address, which is never connected to";
    if (reason == Reason::UpstreamLinkLocalAddress)
        return "the address is link-local, which ALLOW_LINK_LOCAL_UPSTREAM does not allow";
    if (reason == Reason::UpstreamInsecureAddress)
        return "the address is public, and http:// is for this machine only";
    return reason == Reason::UpstreamResolverBusy ? "too many names are waiting to be resolved" : "the name cannot be resolved";
}

std::string toWeb(const std::string &url, const std::string &text, const OutboxConfig &config, std::chrono::milliseconds limit, const std::function<bool()> &isCancelled)
{
    const CurlHandle handle(curl_easy_init());
    const Result<BaseUrl> base = parseBaseUrl(originIn(url));
    if (!handle || !base)
        return handle ? "the address " + base.error().message : "libcurl cannot be started";
    const int64_t untilMs = Clock::steadyMs() + limit.count();
    ConnectionPlan plan(DialTarget(*base, ""), config.dial);
    if (const Reason reason = plan.lookUp(config.dial.resolver, limit.count(), isCancelled); reason != Reason::None)
        return lookUpProblem(reason);
    HeaderList headers;
    addHeader(headers, "Content-Type: application/json");
    addHeader(headers, "User-Agent: llm-proxy/" LLM_PROXY_VERSION);
    addHeader(headers, "Expect:");
    if (config.sign) {
        addHeader(headers, "X-LLM-Proxy-Key-Id: " + config.keyId);
        addHeader(headers, "X-LLM-Proxy-Signature: " + config.sign(text));
    }
    curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https"); // http: loopback alone, the setting's reader saw to that
    plan.prepare(handle.get());
    curl_easy_setopt(handle.get(), CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(untilMs - Clock::steadyMs(), 1)));
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, text.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, dropBody);
    const CURLcode code = curl_easy_perform(handle.get());
    if (code != CURLE_OK)
        return curl_easy_strerror(code);
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300 ? std::string() : "it answered " + std::to_string(status);
}

} // namespace

std::string deliver(const OutsideTarget &target, const std::string &text, const OutboxConfig &config, std::chrono::milliseconds limit, const std::function<bool()> &isCancelled)
{
    switch (target.kind) {
    case OutsideTarget::Kind::Syslog:
        return toSyslog(text);
    case OutsideTarget::Kind::File:
        return toFile(target.path(), text, config.fileMode);
    case OutsideTarget::Kind::Web:
        break;
    }
    return toWeb(std::string(target.url->reveal()), text, config, limit, isCancelled);
}

} // namespace llmproxy
