// SPDX-License-Identifier: GPL-3.0-only
#include "front/plain_handlers.h"

#include "base/ascii.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t mostBytes = 16 * 1024; // a key authorization is about 90

// RFC 8555 section 8.3: the token is base64url. Anything else could name another file.
bool isChallengeToken(std::string_view token)
{
    return !token.empty() && token.size() <= 256 && std::all_of(token.begin(), token.end(), [](char c) {
        return isAsciiAlnum(c) || c == '-' || c == '_';
    });
}

bool readSmallFile(const std::string &path, std::string *text)
{
    const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info{};
    bool good = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && static_cast<size_t>(info.st_size) <= mostBytes;
    if (good) {
        text->resize(static_cast<size_t>(info.st_size));
        good = read(fd, text->data(), text->size()) == static_cast<ssize_t>(text->size());
    }
    if (fd >= 0)
        close(fd);
    return good;
}

} // namespace

void ImmediateHandler::answer(ResponseHead head, std::string_view body)
{
    m_stream.sendHead(head, static_cast<int64_t>(body.size()));
    m_stream.sendBody(body);
    m_stream.finish();
}

AcmeHandler::AcmeHandler(std::string webroot, RequestHead &&head, ServerStream &stream)
    : ImmediateHandler(stream), m_webroot(std::move(webroot)), m_head(std::move(head))
{
}

void AcmeHandler::start()
{
    if (m_head.method != "GET" && m_head.method != "HEAD") {
        Refusal no = refusal(Reason::MethodNotAllowed, "only GET and HEAD are served here");
        no.allow = "GET, HEAD";
        m_stream.refuse(no);
        return;
    }
    const std::string token = m_head.path.substr(acmePrefix.size());
    std::string text;
    if (!isChallengeToken(token) || !readSmallFile(m_webroot + std::string(acmePrefix) + token, &text)) {
        m_stream.refuse(refusal(Reason::EndpointNotFound, "there is no such challenge"));
        return;
    }
    ResponseHead head;
    head.headers.add("Content-Type", "text/plain");
    answer(std::move(head), text);
}

RedirectHandler::RedirectHandler(uint16_t httpsPort, RequestHead &&head, ServerStream &stream)
    : ImmediateHandler(stream), m_port(httpsPort), m_head(std::move(head))
{
}

void RedirectHandler::start()
{
    if (m_head.host.empty() || m_head.path.empty() || m_head.path.front() != '/') {
        m_stream.refuse(refusal(Reason::BadRequest, "only https is served here, and without a Host it is not known where"));
        return;
    }
    const bool v6 = m_head.host.find(':') != std::string::npos;
    ResponseHead head;
    head.status = 308; // RFC 9110 section 15.4.9: the method stays
    head.headers.add("Location", "https://" + (v6 ? "[" + m_head.host + "]" : m_head.host) + (m_port == 443 ? "" : ":" + std::to_string(m_port)) + m_head.target);
    answer(std::move(head), "");
}

} // namespace llmproxy
