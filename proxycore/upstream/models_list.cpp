// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/models_list.h"

#include "base/clock.h"
#include "upstream/provider_ask.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>

namespace llmproxy {

namespace {

constexpr int64_t wholeMs = 20'000;
constexpr size_t mostModels = 500, longestId = 128;

ProviderAsk listOf(const std::string &api, const BaseUrl &url, const SharedSecret &key)
{
    if (api == "anthropic")
        return {url, "/v1/models", "limit=1000", {}, key};
    if (api == "gemini")
        return {url, "/v1beta/models", "pageSize=1000", {}, key};
    if (api == "azure")
        return {url, "/openai/models", "api-version=2024-10-21", {}, key};
    return {url, "/v1/models", {}, {}, key};
}

bool isModelId(std::string_view id)
{
    return !id.empty() && id.size() <= longestId && std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

ModelsAnswer judged(const ProviderProfile &profile, const ProviderSaid &said)
{
    const int status = said.status;
    const std::string &body = said.body;
    ModelsAnswer answer;
    answer.status = status;
    const auto say = [&](const char *reason, std::string message) {
        answer.reason = reason;
        answer.message = std::move(message);
        return answer;
    };
    const std::string what = said.origin + " answered with status " + std::to_string(status);
    // Gemini says 400 where others say 401.
    if (status == 401 || status == 403 || (status == 400 && body.find("API_KEY_INVALID") != std::string::npos))
        return say("key_refused", what + ": it does not take this key; check that it is whole, active and of this provider.");
    if (status >= 300 && status < 400)
        return say("unexpected_answer", what + ", a redirect, which is not followed so that the key goes nowhere else; give the final address as base URL.");
    if (status == 404 || status == 405)
        return say("unexpected_answer", what + ": there is no list of models at this address; check the base URL.");
    if (status == 429)
        return say("unexpected_answer", what + ": too many requests, or nothing left to spend; look at the provider's account, or try again.");
    if (status >= 500)
        return say("unexpected_answer", what + ": the provider has trouble of its own; try again later.");
    if (status != 200 || !readModels(profile.api, body, &answer.models))
        return say("unexpected_answer", what + ", but not with a list of models; check the base URL.");
    return say("ok", "The provider takes the key and offers " + std::to_string(answer.models.size()) + (answer.models.size() == 1 ? " model." : " models."));
}

// Nothing of the kind is served at this path: another form of the address may be the right one.
bool isNotThere(int status, std::string_view reason)
{
    return reason == "unexpected_answer" && (status == 404 || status == 405 || status == 400 || status == 410 || status == 501 || status == 200);
}

// Other forms of the address, as servers are set up: without the version that a client's path has, or with it, or below a folder.
std::vector<ProviderUrl> otherForms(const ProviderUrl &given)
{
    const std::string &path = given.url.path;
    const bool keepsVersion = joinPath(given.url, "/v1/models") == path + "/v1/models";
    std::vector<ProviderUrl> forms;
    const auto add = [&](std::string newPath, PathForm form, std::optional<bool> version) {
        forms.push_back({given.url, version});
        forms.back().url.path = std::move(newPath);
        forms.back().url.form = form;
    };
    if (keepsVersion)
        add(path, PathForm::WithoutVersion, false);
    else
        add(path + "/v1", PathForm::ByBasePath, {});
    if (path.empty()) {
        add("/api/v1", PathForm::ByBasePath, {});
        add("/openai/v1", PathForm::ByBasePath, {});
    }
    return forms;
}

class Checker
{
public:
    Checker(const ProviderProfile &profile, const SharedSecret &key, const DialConfig &config, const std::atomic<bool> &cancelled)
        : m_profile(profile), m_key(key), m_config(config), m_cancelled(cancelled)
    {
    }

    ModelsAnswer check(const ProviderUrl &given)
    {
        ModelsAnswer first = list(given.url);
        if (m_profile.api != "openai" || !m_profile.unixSocket.empty() || !isNotThere(first.status, first.reason))
            return first;
        std::vector<ProviderUrl> forms = otherForms(given);
        for (const ProviderUrl &form : forms) {
            ModelsAnswer answer = list(form.url);
            if (answer.status == 0)
                return first;
            if (answer.reason == "ok" || answer.reason == "key_refused")
                return proposing(std::move(answer), form);
        }
        forms.resize(1);
        forms.insert(forms.begin(), given);
        return check(first, forms);
    }

private:
    ModelsAnswer list(const BaseUrl &url)
    {
        const ProviderSaid said = ask(listOf(m_profile.api, url, m_key));
        return said.status == 0 ? ModelsAnswer{said.reason, 0, said.message, {}} : judged(m_profile, said);
    }

    ProviderSaid ask(const ProviderAsk &question) { return askOnce(m_profile, question, m_config, m_untilMs, m_cancelled); }

    // Some servers have no list of models (Databricks, GitHub Models, Vertex). A chat without any content costs nothing and is refused
    // with 400 or 422 where chats are served. Only where it is refused otherwise without the key has the key been looked at.
    ModelsAnswer check(const ModelsAnswer &none, const std::vector<ProviderUrl> &forms)
    {
        for (size_t i = 0; i < forms.size(); ++i) {
            const ProviderSaid said = ask({forms[i].url, "/v1/chat/completions", {}, "{}", m_key});
            const bool isRefusedKey = said.status == 401 || said.status == 403;
            if (!isRefusedKey && said.status != 400 && said.status != 422)
                continue;
            ModelsAnswer answer = isRefusedKey ? judged(m_profile, said) : served(forms[i], said);
            return i == 0 ? answer : proposing(std::move(answer), forms[i]);
        }
        return none;
    }

    ModelsAnswer served(const ProviderUrl &form, const ProviderSaid &said)
    {
        const ProviderSaid bare = m_key ? ask({form.url, "/v1/chat/completions", {}, "{}", nullptr}) : ProviderSaid();
        if (!m_key || bare.status == 401 || bare.status == 403)
            return {"ok", said.status, m_key ? "The provider takes the key. It has no list of models." : "The provider serves chats. It has no list of models.", {}};
        return {"unexpected_answer", said.status, said.origin + " serves chats, but it has no list of models and does not say whether it takes this key.", {}};
    }

    static ModelsAnswer proposing(ModelsAnswer answer, const ProviderUrl &form)
    {
        answer.proposal = {form.url.text(), form.versionSegment};
        const bool isKeyGood = answer.reason == "ok";
        answer.message = "The API is at another address: use the base URL " + answer.proposal.baseUrl + (form.versionSegment == std::optional(false) ? " without a version segment in its paths." : ".")
                         + (isKeyGood ? " The provider takes the key there." : " " + answer.message);
        if (isKeyGood)
            answer.reason = "unexpected_answer"; // not where it was looked for
        return answer;
    }

    const ProviderProfile &m_profile;
    const SharedSecret m_key;
    const DialConfig &m_config;
    const std::atomic<bool> &m_cancelled;
    const int64_t m_untilMs = Clock::steadyMs() + wholeMs;
};

} // namespace

bool readModels(const std::string &api, std::string_view body, std::vector<std::string> *models)
{
    const QJsonObject root = QJsonDocument::fromJson(QByteArray::fromRawData(body.data(), static_cast<qsizetype>(body.size()))).object();
    const bool gemini = api == "gemini";
    const QJsonValue list = root.value(gemini ? QLatin1String("models") : QLatin1String("data"));
    if (!list.isArray())
        return false;
    const QJsonArray items = list.toArray();
    for (const QJsonValue &item : items) {
        std::string id = item.toObject().value(gemini ? QLatin1String("name") : QLatin1String("id")).toString().toStdString();
        if (gemini && id.starts_with("models/"))
            id.erase(0, 7);
        if (isModelId(id))
            models->push_back(std::move(id));
    }
    std::sort(models->begin(), models->end());
    models->erase(std::unique(models->begin(), models->end()), models->end());
    if (models->size() > mostModels)
        models->resize(mostModels);
    return true;
}

ModelsAnswer listModels(const ProviderProfile &profile, const std::string &baseUrl, std::optional<bool> versionSegment, const SharedSecret &key,
                        const DialConfig &config, const std::atomic<bool> &cancelled)
{
    const Result<ProviderUrl> url = readProviderUrl(baseUrl.empty() ? profile.baseUrl : baseUrl, profile, versionSegment);
    if (!url)
        return {"unexpected_answer", 0, "The base URL " + url.error().message + ".", {}};
    return Checker(profile, key, config, cancelled).check(*url);
}

} // namespace llmproxy
