// SPDX-License-Identifier: GPL-3.0-only
#include "management_client.h"

#include "base/random.h"
#include "engine/engine.h"
#include "output.h"
#include "typed_names.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QSemaphore>
#include <QUrl>

#include <algorithm>
#include <set>

namespace llmproxy {

namespace {

class EngineClient : public ManagementClient
{
public:
    EngineClient(Engine &engine, std::string actor) : m_engine(engine), m_actor(std::move(actor)) {}

    using ManagementClient::call;
    ApiAnswer call(const std::string &method, const std::string &path, const Query &query,
                   const QByteArray &body) override;
    ApiAnswer download(const std::string &path, const Query &query, const Sink &sink) override;

private:
    ManageAnswer ask(const std::string &method, const std::string &path, const Query &query, const QByteArray &body);
    Engine &m_engine;
    const std::string m_actor;
};

std::string encoded(const std::string &text)
{
    return QUrl::toPercentEncoding(fromText(text)).toStdString();
}

} // namespace

std::string encodeQuery(const Query &query)
{
    std::string text;
    for (const auto &[name, value] : query)
        text += (text.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
    return text;
}

ManageAnswer EngineClient::ask(const std::string &method, const std::string &path, const Query &query, const QByteArray &body)
{
    ManageRequest request;
    request.method = method;
    request.path = path;
    request.query = encodeQuery(query);
    request.body = body;
    if (!body.isEmpty())
        request.contentType = "application/json";
    request.actor = m_actor;
    request.requestId = randomUuid();
    request.userAgent = "llm-proxy/" LLM_PROXY_VERSION;
    return m_engine.manage(std::move(request));
}

ApiAnswer EngineClient::call(const std::string &method, const std::string &path, const Query &query,
                             const QByteArray &body)
{
    const ManageAnswer answer = ask(method, path, query, body);
    return {answer.status, QJsonDocument::fromJson(answer.body).object(), {}, false};
}

ApiAnswer EngineClient::download(const std::string &path, const Query &query, const Sink &sink)
{
    const ManageAnswer answer = ask("GET", path, query, {});
    if (!answer.blocks)
        return {answer.status, QJsonDocument::fromJson(answer.body).object(), {}, false};
    QSemaphore ready; // std::counting_semaphore may sleep for ever in GCC 12.2 (gcc.gnu.org/PR104928)
    answer.blocks->onReady([&ready] { ready.release(); });
    std::string block;
    while (true) {
        switch (answer.blocks->read(block)) {
        case BlockPipe::State::Block:
            if (!sink(block)) {
                answer.blocks->close();
                return {0, {}, "broken off", false};
            }
            break;
        case BlockPipe::State::Nothing:
            if (!ready.tryAcquire(1, 1'000) && !sink({})) {
                answer.blocks->close();
                return {0, {}, "broken off", false};
            }
            break;
        case BlockPipe::State::Whole:
            return {answer.status, {}, {}, false};
        case BlockPipe::State::Broken:
            return {0, {}, "the answer broke off; the log says why", false};
        }
    }
}

std::unique_ptr<ManagementClient> clientOfEngine(Engine &engine, const std::string &actor)
{
    return std::make_unique<EngineClient>(engine, actor);
}

int ApiAnswer::exitCode() const
{
    if (ok())
        return ExitOk;
    if (status == 0)
        return forbidden ? ExitNotAllowed : ExitUnreachable;
    if (status == 400)
        return ExitUsage;
    return status == 401 || status == 403 ? ExitNotAllowed : ExitFailed;
}

int show(const ApiAnswer &answer, const Target &target)
{
    if (!answer.ok())
        return complain(answer);
    target.json ? printJson(answer.body) : printObject(answer.body);
    return ExitOk;
}

std::optional<int> shownWithoutTable(const ApiAnswer &answer, const Target &target)
{
    if (!answer.ok())
        return complain(answer);
    if (!target.json)
        return std::nullopt;
    printJson(answer.body);
    return ExitOk;
}

std::vector<TextRow> rowsOf(const QJsonObject &body, const std::function<TextRow(const QJsonObject &item)> &rowOf)
{
    std::vector<TextRow> rows;
    const QJsonArray items = body.value(QLatin1String("items")).toArray();
    for (const QJsonValue &item : items)
        rows.push_back(rowOf(item.toObject()));
    return rows;
}

std::string ApiAnswer::field() const
{
    return body.value(QLatin1String("error")).toObject().value(QLatin1String("field")).toString().toStdString();
}

int complain(const ApiAnswer &answer)
{
    if (answer.ok())
        return ExitOk;
    if (answer.status == 0) {
        note(answer.problem);
        return answer.exitCode();
    }
    const QJsonObject error = answer.body.value(QLatin1String("error")).toObject();
    std::string sentence = error.value(QLatin1String("message")).toString().toStdString();
    const std::string field = answer.field();
    if (sentence.empty())
        sentence = "the server answered with status " + std::to_string(answer.status);
    const std::string option = optionOfField(field);
    if (!field.empty() && sentence.find(field) == std::string::npos)
        sentence = (option.empty() ? field : option) + ": " + sentence;
    sentence = withOptions(sentence);
    if (!answer.place.empty() && sentence.find(answer.place) == std::string::npos)
        sentence = (sentence.ends_with('.') ? sentence.substr(0, sentence.size() - 1) : sentence) + " (data directory " + answer.place + ")";
    note(sentence);
    return answer.exitCode();
}

int complain(const Error &error)
{
    const bool isForbidden = error.kind == ErrorKind::Forbidden;
    return complain(isForbidden ? ExitNotAllowed : error.kind == ErrorKind::Invalid ? ExitUsage : ExitFailed, error.message);
}

ApiAnswer ManagementClient::call(const std::string &method, const std::string &path, const QJsonObject &body)
{
    return call(method, path, Query(), QJsonDocument(body).toJson(QJsonDocument::Compact));
}

// Pages are followed as long as they lead on: a cursor that comes again would do so for ever.
ApiAnswer ManagementClient::list(const std::string &path, Query query, int64_t most)
{
    constexpr int64_t largestPage = 200;
    constexpr size_t largestList = 24U << 20;
    std::set<std::string> seen;
    size_t bytes = 0;
    const QLatin1String itemsName("items");
    QJsonArray items;
    query.emplace_back("limit", std::to_string(most > 0 ? std::min(most, largestPage) : largestPage));
    query.emplace_back("cursor", "");
    while (true) {
        Query page = query;
        if (page.back().second.empty())
            page.pop_back();
        ApiAnswer answer = call("GET", path, page);
        if (!answer.ok())
            return answer;
        const QJsonArray more = answer.body.value(itemsName).toArray();
        for (const QJsonValue &item : more) {
            if (most <= 0 || items.size() < most)
                items.append(item);
        }
        query.back().second = answer.body.value(QLatin1String("next_cursor")).toString().toStdString();
        if (query.back().second.empty() || (most > 0 && items.size() >= most)) {
            answer.body = QJsonObject{{itemsName, items}};
            return answer;
        }
        bytes += answer.bytes;
        if (more.isEmpty() || !seen.insert(query.back().second).second)
            return {0, {}, "the server returned the same page again, so the list has no end; it may run another version", false};
        if (bytes > largestList)
            return {0, {}, "the list is larger than 24 MiB; use filters, --limit or llm-proxy audit export", false};
    }
}

namespace {

bool isOfWordCharacters(const std::string &text)
{
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

} // namespace

bool isId(const std::string &text)
{
    return !text.empty() && text != "-" && text.size() <= 64 && isOfWordCharacters(text);
}

bool isAccessToken(const std::string &text)
{
    return text.size() >= 8 && text.size() <= 512 && isOfWordCharacters(text);
}

bool checkId(const std::string &id)
{
    if (id.rfind("tok-", 0) == 0) {
        note("this looks like an access token; give the token's id instead (llm-proxy token list): arguments can be "
             "seen by other processes");
        return false;
    }
    if (!isId(id)) {
        note("not an id: ids are 1 to 64 of A-Z a-z 0-9 _ -");
        return false;
    }
    return true;
}

std::string serverUrl(const std::string &text)
{
    QUrl url(fromText(text), QUrl::StrictMode);
    const bool web = url.scheme() == QLatin1String("http") || url.scheme() == QLatin1String("https");
    const QString path = url.path();
    if (!url.isValid() || !web || url.host().isEmpty() || !url.userInfo().isEmpty() || url.hasQuery()
        || url.hasFragment() || (!path.isEmpty() && path != QLatin1String("/")))
        return {};
    url.setPath(QString());
    return url.toString(QUrl::FullyEncoded).toStdString();
}

} // namespace llmproxy
