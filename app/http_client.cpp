// SPDX-License-Identifier: GPL-3.0-only
// The transport of management_client.h over libcurl: a unix socket or a URL.
#include "access/host_rules.h"
#include "base/accounts.h"
#include "base/curl_handles.h"
#include "engine/engine.h"
#include "management_client.h"
#include "output.h"
#include "transport_problem.h"

#include <QJsonDocument>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>

namespace llmproxy {

std::string distrustOfPeer(int socket, uid_t expected)
{
    ucred peer{};
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return std::string("the kernel does not say who serves it: ") + std::strerror(errno);
    if (peer.uid != expected && !(expected == 0 && peer.uid == geteuid())) // root's lock file, which a mount opened to us
        return userText(peer.uid) + " serves it, and the lock file of the data directory, which names it, belongs to " + userText(expected);
    return {};
}

namespace {

constexpr size_t largestAnswer = 8U << 20; // the API's largest, a page of 200 audit events, has some 2 MiB

size_t takeBody(char *bytes, size_t size, size_t count, void *where)
{
    QByteArray &body = *static_cast<QByteArray *>(where);
    const size_t length = size * count;
    if (static_cast<size_t>(body.size()) + length > largestAnswer)
        return 0;
    body.append(bytes, static_cast<qsizetype>(length));
    return length;
}

// Who serves a unix socket, asked after connect(2) and before anything is sent.
struct PeerLook
{
    uid_t expected;
    curl_socket_t socket = CURL_SOCKET_BAD;
    std::string problem;
};

curl_socket_t openSocket(void *where, curlsocktype, curl_sockaddr *address)
{
    PeerLook &look = *static_cast<PeerLook *>(where);
    look.socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return look.socket;
}

int lookAtPeer(void *where, char *, char *, int, int)
{
    PeerLook &look = *static_cast<PeerLook *>(where);
    look.problem = distrustOfPeer(look.socket, look.expected);
    return look.problem.empty() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

class HttpClient : public ManagementClient
{
public:
    HttpClient(std::string base, const ControlSocket &socket, std::string actor = {})
        : m_base(std::move(base)), m_socket(socket.path), m_actor(std::move(actor)), m_peer{socket.user, CURL_SOCKET_BAD, {}}
    {
        curl_global_init(CURL_GLOBAL_DEFAULT);
    }

    using ManagementClient::call;
    ApiAnswer call(const std::string &method, const std::string &path, const Query &query,
                   const QByteArray &body) override;
    ApiAnswer download(const std::string &path, const Query &query, const Sink &sink) override;
    void abort() override { m_isAborted = true; }

    void setProxy(const Settings &settings)
    {
        m_proxy = m_base.rfind("https:", 0) == 0 ? settings.httpsProxy : std::string();
        m_noProxy = settings.noProxy;
        m_caFile = settings.sslCertFile;
    }
    void setToken(const Secret &token) { m_token = token.clone(); }
    // "sha256//base64" of the public key that alone is believed, instead of the certificate's issuer.
    void setPin(const std::string &pin) { m_pin = pin; }
    void setVerifies(bool verifies) { m_verifies = verifies; } // the certificate

private:
    void prepare(CURL *handle, const std::string &method, const std::string &url, const QByteArray &body, PeerLook *peer) const;
    void useSocket(CURL *handle, PeerLook *peer) const;
    HeaderList headers(bool withBody) const;
    ApiAnswer failed(CURL *handle, CURLcode code, const PeerLook &peer, const char *detail) const;

    std::string m_base, m_socket, m_actor, m_proxy, m_noProxy, m_caFile, m_pin;
    Secret m_token;
    const PeerLook m_peer; // as each call begins with it
    bool m_verifies = true;
    std::atomic<bool> m_isAborted = false;
};

void HttpClient::prepare(CURL *handle, const std::string &method, const std::string &url, const QByteArray &body, PeerLook *peer) const
{
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    // Set even when empty: libcurl would read the environment by itself.
    curl_easy_setopt(handle, CURLOPT_PROXY, m_proxy.c_str());
    curl_easy_setopt(handle, CURLOPT_NOPROXY, m_noProxy.c_str());
    if (!m_caFile.empty())
        curl_easy_setopt(handle, CURLOPT_CAINFO, m_caFile.c_str());
    if (!m_pin.empty())
        curl_easy_setopt(handle, CURLOPT_PINNEDPUBLICKEY, m_pin.c_str());
    if (!m_pin.empty() || !m_verifies) {
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L); // a person compared the pin; names and issuers are of no matter then
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!m_socket.empty())
        useSocket(handle, peer);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    // A verification takes as long as the log is long.
    const bool isLong = method == "POST" && url.ends_with("/manage/audit/verify");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, isLong ? 0L : 60'000L);
    if (!body.isEmpty() || method == "POST" || method == "PATCH") {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{body.size()});
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.constData());
    }
}

void HttpClient::useSocket(CURL *handle, PeerLook *peer) const
{
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, m_socket.c_str());
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, openSocket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, peer);
    curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, lookAtPeer);
    curl_easy_setopt(handle, CURLOPT_PREREQDATA, peer);
}

HeaderList HttpClient::headers(bool withBody) const
{
    HeaderList list;
    addHeader(list, "User-Agent: llm-proxy/" LLM_PROXY_VERSION);
    addHeader(list, "Accept: application/json");
    addHeader(list, "Expect:");
    addHeader(list, withBody ? "Content-Type: application/json" : "Content-Type:");
    if (!m_socket.empty())
        addHeader(list, "X-LLM-Proxy-Actor: " + m_actor);
    if (!m_token.isEmpty()) {
        std::string line = "Authorization: Bearer ";
        line += m_token.reveal();
        addHeader(list, line);
        wipe(line.data(), line.size());
    }
    return list;
}

TransportFailure failureOf(CURL *handle, CURLcode code, const char *detail)
{
    TransportFailure failure{code, 0, 0, false, detail};
    curl_off_t readyUs = 0; // when the first byte of the request could be sent
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &failure.systemError);
    curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &failure.certificateResult);
    curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &readyUs);
    failure.isConnected = readyUs > 0;
    return failure;
}

ApiAnswer HttpClient::failed(CURL *handle, CURLcode code, const PeerLook &peer, const char *detail) const
{
    const TransportFailure failure = failureOf(handle, code, detail);
    ApiAnswer answer;
    answer.forbidden = !peer.problem.empty() || (!m_socket.empty() && (failure.systemError == EACCES || failure.systemError == EPERM));
    if (!peer.problem.empty())
        answer.problem = "the control socket " + m_socket + " is not used: " + peer.problem + "; nothing was sent";
    else if (answer.forbidden)
        answer.problem = "the running engine belongs to another user: no access to " + m_socket;
    else if (!m_socket.empty())
        answer.problem = "the engine that holds the data directory does not answer on " + m_socket + ": " + reasonOf(failure);
    else
        answer.problem = transportProblem(m_base, m_caFile, failure);
    return answer;
}

// Asked about once a second, also when nothing comes.
int askWhetherAborted(void *where, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    return *static_cast<const std::atomic<bool> *>(where) ? 1 : 0;
}

ApiAnswer HttpClient::call(const std::string &method, const std::string &path, const Query &query,
                           const QByteArray &body)
{
    const CurlHandle handle(curl_easy_init());
    if (!handle)
        return {0, {}, "libcurl cannot be started", false};
    const std::string url = m_base + path + (query.empty() ? "" : "?" + encodeQuery(query));
    const HeaderList list = headers(!body.isEmpty());
    QByteArray received;
    PeerLook peer = m_peer;
    char detail[CURL_ERROR_SIZE] = "";
    prepare(handle.get(), method, url, body, &peer);
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, list.get());
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, takeBody);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &received);
    curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, askWhetherAborted);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, &m_isAborted);
    const CURLcode code = curl_easy_perform(handle.get());
    if (code == CURLE_WRITE_ERROR)
        return {0, {}, m_base + " does not answer like LLM Proxy: its answer is larger than 8 MiB", false};
    if (code != CURLE_OK)
        return failed(handle.get(), code, peer, detail);
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    ApiAnswer answer;
    answer.status = static_cast<int>(status);
    answer.body = QJsonDocument::fromJson(received).object();
    answer.bytes = static_cast<size_t>(received.size());
    if (answer.ok() && answer.body.isEmpty()) {
        answer.status = 0;
        answer.problem = m_base + " does not answer like LLM Proxy";
    }
    return answer;
}

struct Download
{
    CURL *handle;
    const ManagementClient::Sink &sink;
    QByteArray error; // what an answer without success says
    bool isStopped = false;
};

// Asked about once a second, also when nothing comes.
int askWhetherOn(void *where, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    Download &download = *static_cast<Download *>(where);
    download.isStopped = download.isStopped || !download.sink({});
    return download.isStopped ? 1 : 0;
}

size_t takeBlock(char *bytes, size_t size, size_t count, void *where)
{
    Download &download = *static_cast<Download *>(where);
    const size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(download.handle, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return takeBody(bytes, size, count, &download.error);
    download.isStopped = !download.sink(std::string_view(bytes, length));
    return download.isStopped ? 0 : length;
}

ApiAnswer HttpClient::download(const std::string &path, const Query &query, const Sink &sink)
{
    const CurlHandle handle(curl_easy_init());
    if (!handle)
        return {0, {}, "libcurl cannot be started", false};
    const HeaderList list = headers(false);
    const std::string url = m_base + path + (query.empty() ? "" : "?" + encodeQuery(query));
    PeerLook peer = m_peer;
    char detail[CURL_ERROR_SIZE] = "";
    prepare(handle.get(), "GET", url, {}, &peer);
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, 0L); // as long as the log is long; a feed never ends by itself
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, list.get());
    Download download{handle.get(), sink, {}};
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, takeBlock);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &download);
    curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, askWhetherOn);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, &download);
    const CURLcode code = curl_easy_perform(handle.get());
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    if (download.isStopped)
        return {0, {}, "broken off", false};
    if (code != CURLE_OK && status == 200)
        return {0, {}, "the answer broke off: " + reasonOf(failureOf(handle.get(), code, detail)) + "; the server's log says why", false};
    if (code != CURLE_OK)
        return failed(handle.get(), code, peer, detail);
    return {static_cast<int>(status), QJsonDocument::fromJson(download.error).object(), {}, false};
}

bool isLoopback(const std::string &url)
{
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), curl_url_cleanup);
    char *found = nullptr;
    if (!parts || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK || curl_url_get(parts.get(), CURLUPART_HOST, &found, 0) != CURLUE_OK)
        return false;
    const std::string host = found;
    curl_free(found);
    return isThisMachine(host);
}

} // namespace

std::unique_ptr<ManagementClient> clientOfUrl(const std::string &url, const Settings &settings)
{
    if (url.rfind("http:", 0) == 0 && !isLoopback(url))
        note("warning: the management token travels unencrypted to " + url);
    return clientOfUrl(url, settings, settings.managementToken, std::string());
}

std::unique_ptr<ManagementClient> clientOfUrl(const std::string &url, const Settings &settings, const Secret &token, const std::string &pin)
{
    auto client = std::make_unique<HttpClient>(url, ControlSocket());
    client->setProxy(settings);
    client->setToken(token);
    client->setPin(pin);
    return client;
}

std::unique_ptr<ManagementClient> clientOfSocket(const ControlSocket &socket, const std::string &actor)
{
    return std::make_unique<HttpClient>("http://localhost", socket, actor);
}

ApiAnswer askHealth(const std::string &url, const Settings &settings, bool verifies)
{
    HttpClient client(url, ControlSocket());
    client.setProxy(settings);
    client.setVerifies(verifies);
    return client.call("GET", "/health", Query(), QByteArray());
}

} // namespace llmproxy
