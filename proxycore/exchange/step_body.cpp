// SPDX-License-Identifier: GPL-3.0-only
// Ruling 16: without a rule about the body it streams; with one it is held whole, looked at, and its
// original bytes go on.
#include "exchange/exchange.h"

#include "base/percent.h"
#include "exchange/body_type.h"
#include "exchange/path_readings.h"
#include "exchange/request_body.h"

#include <algorithm>

namespace llmproxy {

namespace {

// Ruling 18 changes small bodies only.
constexpr int64_t maxStreamUsageBody = 1 << 20;

bool endsWith(std::string_view text, std::string_view end)
{
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

} // namespace

bool Exchange::hasModelRules() const
{
    return !m_token->rules().allowedModels.empty() || !m_project->allowedModels.empty();
}

bool Exchange::modelAllowed(std::string_view model) const
{
    const auto fits = [model](const std::vector<std::string> &globs) { return globs.empty() || anyGlobMatches(globs, model); };
    return fits(m_token->rules().allowedModels) && fits(m_project->allowedModels);
}

// Many frameworks have one set of parameters for query and body.
bool Exchange::queryModelsAllowed() const
{
    std::string_view query = m_cleanQuery;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find_first_of("&;"));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const size_t equals = std::min(pair.find('='), pair.size());
        if (isReadAsModel(formDecoded(pair.substr(0, equals))) && !modelAllowed(formDecoded(pair.substr(std::min(equals + 1, pair.size())))))
            return false;
    }
    return true;
}

int64_t Exchange::largestForUsage() const
{
    return std::min(maxStreamUsageBody, m_context.config.maxInspectedBody);
}

// Of what is known before the body.
bool Exchange::asksUsage() const
{
    const bool isChat = endsWith(m_route.rest, "/chat/completions") || endsWith(m_route.rest, "/completions");
    if (!isChat || m_head.method != "POST" || m_head.headers.find("content-encoding") || lowerCased(m_head.headers.value("content-type")).find("json") == std::string::npos)
        return false;
    const ExchangeContext::Target *const known = target();
    return known && known->asksUsage;
}

// A chunked body that was held for its usage alone turned out large: it streams on as it is.
void Exchange::letHeldBodyStream()
{
    m_holding = false;
    const std::string begun = std::move(m_held);
    m_held.clear();
    ++m_step;
    advance();
    releaseHeld();
    if (!m_call || m_concluded)
        return;
    m_modelScanner.feed(begun);
    m_call->sendBody(begun);
    if (m_call->backlog() > highWaterBytes)
        m_stream.pauseBody();
}

Verdict Exchange::checkBody()
{
    const bool rules = hasModelRules();
    const bool body = m_head.hasBody();
    const std::string_view type = m_head.headers.value("content-type");
    m_metersText = body && (type.find("json") != std::string_view::npos || type.find("JSON") != std::string_view::npos) && !m_head.headers.find("content-encoding");
    if (rules && !queryModelsAllowed())
        return refuse(Reason::ModelNotAllowed, "the query names a model that this access token may not use");
    const bool isBedrock = m_profile->api == "bedrock";
    if (body && (isBedrock || m_profile->api == "gemini" || m_profile->api == "azure")) {
        if (const std::vector<std::string> models = isBedrock ? bedrockModelsInPath(m_route.rest) : modelsInPath(m_route.rest); !models.empty())
            return judgePathModels(models);
    }
    if (rules && body && isBatchPath(m_route.rest))
        return refuse(Reason::ModelNotAllowed, "a batch names its models where they are not checked, and this access token is limited to certain models");
    const bool small = m_head.chunked || (m_head.contentLength > 0 && m_head.contentLength <= largestForUsage());
    const bool askUsage = small && asksUsage() && m_context.held->hasRoom(*m_token->state, largestForUsage());
    if (!body || (!rules && !askUsage))
        return Verdict::Next;
    if (m_head.contentLength > largestForRules())
        return refuseAsTooLarge();
    m_holding = true;
    m_holdsForUsage = !rules;
    if (!m_bodyEnded)
        return Verdict::Wait;
    return judgeBody();
}

// Gemini, Azure and Bedrock name the model in the path. Each reading of the path has to name one that is allowed.
Verdict Exchange::judgePathModels(const std::vector<std::string> &models)
{
    m_model = models.front().empty() ? models.back() : models.front();
    const bool allowed = std::all_of(models.begin(), models.end(), [this](const std::string &model) { return !model.empty() && modelAllowed(model); });
    if (hasModelRules() && !allowed)
        return refuse(Reason::ModelNotAllowed, "this access token may not use this model");
    return Verdict::Next;
}

void Exchange::onBody(std::string_view bytes)
{
    if (m_concluded)
        return;
    m_requestBytes += static_cast<int64_t>(bytes.size());
    if (m_metersText)
        m_requestText.feed(bytes);
    if (m_holding) {
        const auto size = static_cast<int64_t>(bytes.size());
        m_heldCounted += size;
        const bool fits = m_context.held->take(*m_token->state, size);
        if (m_holdsForUsage && (m_heldCounted > largestForUsage() || !fits)) {
            m_held.append(bytes);
            letHeldBodyStream();
        } else if (m_heldCounted > largestForRules()) {
            refuseAsTooLarge();
        } else if (!fits) {
            refuseForMemory();
        } else {
            m_held.append(bytes);
        }
        return;
    }
    if (m_model.empty())
        m_modelScanner.feed(bytes);
    if (!m_call)
        return;
    m_call->sendBody(bytes);
    if (m_call && !m_concluded && m_call->backlog() > highWaterBytes)
        m_stream.pauseBody();
}

void Exchange::onBodyEnd()
{
    m_bodyEnded = true;
    if (m_concluded)
        return;
    if (m_call) {
        m_call->endBody();
    } else if (m_holding && judgeBody() == Verdict::Next) {
        ++m_step;
        advance();
    }
}

// A compressed body is unfolded to be looked at: at most so much (content_decoder.h).
bool Exchange::countDecoded()
{
    if (!m_head.headers.find("content-encoding"))
        return true;
    const auto largest = static_cast<int64_t>(ContentDecoder::maxDecoded);
    const int64_t size = std::min(largest, static_cast<int64_t>(m_held.size() * ContentDecoder::maxRatio));
    m_heldCounted += size;
    return m_context.held->take(*m_token->state, size);
}

// A body that would not fit if it were the only one is not worth another try.
int64_t Exchange::largestForRules() const
{
    return std::min(m_context.config.maxInspectedBody, HeldBudget::mostOfLineage);
}

Verdict Exchange::refuseAsTooLarge()
{
    return refuse(Reason::RequestTooLarge, "the body is larger than MAX_INSPECTED_BODY (at most 64MiB), and this access token's model rules need to read it");
}

Verdict Exchange::refuseForMemory()
{
    if (m_heldCounted > HeldBudget::mostOfLineage)
        return refuseAsTooLarge();
    Refusal full = llmproxy::refusal(Reason::ServiceUnavailable, "too many bodies are being checked at the moment; try again");
    full.retryAfter = 1;
    return refuse(std::move(full));
}

Verdict Exchange::judgeBody()
{
    const bool rules = hasModelRules();
    if (rules && !isReadableBodyType(m_head.headers))
        return refuse(Reason::UnsupportedBody, "this access token is limited to certain models: send one Content-Type header, application/json in UTF-8 or multipart/form-data");
    if (!countDecoded())
        return refuseForMemory();
    const BodyView view = lookIntoBody(m_held, m_head.headers.value("content-type"), m_head.headers.joined("content-encoding"));
    m_model = view.model;
    if (rules) {
        if (view.fault != Reason::None)
            return refuse(view.fault, view.message);
        if (!view.hasModel)
            return refuse(Reason::ModelNotAllowed, "the body names no model, and this access token is limited to certain models");
        const bool further = std::all_of(view.furtherModels.begin(), view.furtherModels.end(), [this](const std::string &model) { return modelAllowed(model); });
        if (!modelAllowed(view.model) || !further)
            return refuse(Reason::ModelNotAllowed, "this access token may not use this model");
    }
    if (view.isJson && view.streams && !view.hasStreamOptions && static_cast<int64_t>(m_held.size()) <= maxStreamUsageBody && asksUsage()) {
        m_held = withStreamUsage(m_held);
        m_filterUsage = true;
    }
    return Verdict::Next;
}

void Exchange::onBodyFault(const Refusal &fault)
{
    if (m_concluded) {
        if (!m_answerDue)
            m_stream.abort(); // it threw while it concluded or answered: nothing else comes
        return;
    }
    if (m_call)
        m_call->cancel();
    if (m_stream.headSent()) {
        conclude(OutcomeResult::Error, m_upstreamStatus, fault.code, nullptr);
        m_stream.abort();
        return;
    }
    refuse(Refusal(fault));
}

} // namespace llmproxy
