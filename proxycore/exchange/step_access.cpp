// SPDX-License-Identifier: GPL-3.0-only
// Storage, project, address, endpoint, size: what is decided by the head alone.
#include "exchange/exchange.h"

#include "base/percent.h"
#include "exchange/path_readings.h"

#include <algorithm>

namespace llmproxy {

namespace {

// Servers and frameworks that obey one of these serve another method or path than the one that a rule judged. X-Forwarded-* does
// not travel anyway.
constexpr std::string_view overrides[] = {
    "x-http-method-override", "x-http-method", "x-method-override", "x-method", "x-original-method", "x-original-http-method",
    "x-original-url", "x-original-uri", "x-original-path", "x-rewrite-url", "x-rewrite-uri", "x-rewrite-path", "x-override-url", "x-override-uri",
};

bool isOverride(std::string_view given)
{
    if (given.empty() || (given.front() != 'x' && given.front() != 'X'))
        return false;
    std::string name(given); // CGI and its heirs read "_" and "-" alike
    std::replace(name.begin(), name.end(), '_', '-');
    return std::any_of(std::begin(overrides), std::end(overrides), [&name](std::string_view one) { return equalsIgnoreCase(name, one); });
}

// Rails, Laravel, Symfony and others read "_method" in a query.
bool overridesMethod(std::string_view query)
{
    while (!query.empty()) {
        const size_t end = std::min(query.find_first_of("&;"), query.size());
        const std::string name = formDecoded(query.substr(0, end).substr(0, query.substr(0, end).find('=')));
        if (equalsIgnoreCase(name, "_method") || isOverride(name))
            return true;
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return false;
}

// Bedrock has paths of its own, and chats like OpenAI's.
bool servesApi(const ProviderProfile &profile, std::string_view api)
{
    return profile.api == api || (profile.api == "bedrock" && api == "openai");
}

} // namespace

Verdict Exchange::checkStorage()
{
    if (m_context.storageHealthy())
        return Verdict::Next;
    Refusal trouble = llmproxy::refusal(Reason::ServiceUnavailable, "storage is not available at the moment; try again");
    trouble.retryAfter = 1;
    trouble.isOurTrouble = true;
    return refuse(std::move(trouble));
}

Verdict Exchange::checkProject()
{
    m_project = m_snapshot->project(m_token->projectId());
    if (!m_project || m_project->record.deleted || !m_project->record.active)
        return refuse(Reason::ProjectInactive, "the project of this access token is not active");
    return Verdict::Next;
}

Verdict Exchange::checkAddress()
{
    if (!m_token->rules().networks.empty() && !anyContains(m_token->rules().networks, m_stream.peer().address))
        return refuse(Reason::IpNotAllowed, "this access token may not be used from this address");
    return Verdict::Next;
}

bool Exchange::hasPathRules() const
{
    return hasModelRules() || !m_token->rules().allowedEndpoints.empty() || !m_profile->allowedEndpoints.empty() || !m_profile->allowedMethods.empty();
}

Verdict Exchange::checkEndpoint()
{
    findProvider();
    if (!m_provider)
        return refuse(Reason::EndpointNotFound, "the project has no provider for this path");
    const std::vector<std::string> &mine = m_token->rules().allowedEndpoints;
    if (!mine.empty() && !allowedInEachReading(mine, m_route.rest) && !allowedInEachReading(mine, m_head.path))
        return refuse(Reason::EndpointNotAllowed, "this access token may not call this endpoint");
    if (!m_profile->allowedEndpoints.empty() && !allowedInEachReading(m_profile->allowedEndpoints, m_route.rest))
        return refuse(Reason::EndpointNotAllowed, "the provider's profile does not allow this endpoint");
    if (hasPathRules() && (overridesMethod(m_head.query) || std::any_of(m_head.headers.begin(), m_head.headers.end(), [](const Header &header) { return isOverride(header.name); })))
        return refuse(Reason::EndpointNotAllowed, "headers and parameters that override the method or the path are not allowed: this access token is limited to certain endpoints, methods or models");
    if (!m_profile->allowedMethods.empty() && !anyGlobMatches(m_profile->allowedMethods, m_head.method)) {
        Refusal no = llmproxy::refusal(Reason::MethodNotAllowed, "the provider's profile does not allow this method");
        for (const std::string &method : m_profile->allowedMethods)
            no.allow += (no.allow.empty() ? "" : ", ") + method;
        return refuse(std::move(no));
    }
    return Verdict::Next;
}

// The first of the project's providers that serves the path.
void Exchange::findProvider()
{
    const auto &providers = m_project->providers;
    for (const ProviderEntry &entry : providers) {
        const auto profile = m_context.profiles->find(entry.provider);
        if (profile == m_context.profiles->end())
            continue;
        const bool isOnly = providers.size() == 1 && m_head.path.starts_with("/v1/");
        if (m_route.provider.empty() ? isOnly || servesApi(profile->second, m_route.api) : entry.provider == m_route.provider) {
            m_provider = &entry;
            m_profile = &profile->second;
            return;
        }
    }
    if (m_route.provider == "openai") { // Azure's own paths begin with that word, too
        m_route = {{}, "azure", m_head.path};
        findProvider();
    }
}

Verdict Exchange::checkSize()
{
    if (m_head.contentLength > m_context.config.maxRequestSize)
        return refuse(Reason::RequestTooLarge, "the declared body is larger than MAX_REQUEST_SIZE");
    return Verdict::Next;
}

} // namespace llmproxy
