// SPDX-License-Identifier: GPL-3.0-only
// Doctor's checks of credentials: management token, provider keys, access tokens.
#include "base/clock.h"
#include "config/settings.h"
#include "manage/doctor_checks.h"
#include "manage/provider_key_input.h"

#include <QCryptographicHash>

#include <algorithm>
#include <map>
#include <set>

namespace llmproxy {

namespace {

constexpr int64_t noticeMs = 30 * dayMs; // keys are worth a notice from 30 days on

DoctorItem item(const char *id, const char *title)
{
    DoctorItem made;
    made.id = id;
    made.title = title;
    return made;
}

void set(DoctorItem &made, DoctorState state, std::string evidence, const char *fix)
{
    made.state = state;
    made.evidence = std::move(evidence);
    made.fix = fix;
}

DoctorState ageState(int64_t ageMs, int64_t mostMs)
{
    if (mostMs > 0 && ageMs > mostMs)
        return DoctorState::Fail;
    return ageMs >= noticeMs ? DoctorState::Warn : DoctorState::Pass;
}

std::string days(int64_t ms)
{
    return std::to_string(ms / dayMs) + " days";
}

std::string joined(const std::set<std::string> &names)
{
    constexpr size_t most = 10;
    std::string text;
    size_t shown = 0;
    for (const std::string &name : names) {
        if (shown++ == most)
            return text + " and " + std::to_string(names.size() - most) + " more";
        text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

template<typename Visit>
void eachLiveToken(const ManageContext &context, Visit visit)
{
    const int64_t nowMs = Clock::wallMs();
    context.snapshots->current()->eachToken([&](const TokenPtr &token) {
        if (token->terms.liveAt(nowMs))
            visit(*token, nowMs);
    });
}

} // namespace

DoctorItem checkManagementTokenStrength(const ManageContext &context)
{
    DoctorItem made = item("management_token_strength", "Management token strength");
    const ManagementTokenForm &token = context.managementToken;
    if (token.isStored)
        made.evidence = "Only its hash is stored; it had at least 32 characters when it was set.";
    else if (token.size == 0)
        made.evidence = "There is none: management over HTTP is closed.";
    else if (token.size < 32 || token.differentCharacters < 10)
        set(made, DoctorState::Fail, "It is short or repeats few characters.",
            "Make a new one with: openssl rand -base64 32");
    else
        made.evidence = std::to_string(token.size) + " characters.";
    return made;
}

DoctorItem checkManagementTokenAge(const ManageContext &context)
{
    DoctorItem made = item("management_token_age", "Management token age");
    if (context.managementTokenSinceMs == 0) {
        made.evidence = "There is no management token.";
        return made;
    }
    const int64_t ageMs = Clock::wallMs() - context.managementTokenSinceMs;
    const DoctorState state = ageState(ageMs, context.settings->managementTokenMaxAgeMs);
    set(made, state, days(ageMs) + " since it was first used here.",
        state == DoctorState::Pass ? "" : "Replace MANAGEMENT_TOKEN and restart.");
    return made;
}

DoctorItem checkProviderKeyAge(const ManageContext &context)
{
    DoctorItem made = item("provider_key_age", "Provider key age");
    const int64_t nowMs = Clock::wallMs();
    std::set<std::string> old, tooOld;
    for (const ProjectPtr &project : context.snapshots->current()->projects()) {
        for (const ProviderKey &key : project->record.providers) {
            if (project->record.deleted || key.keySetMs == 0)
                continue;
            const DoctorState state = ageState(nowMs - key.keySetMs, context.settings->providerKeyMaxAgeMs);
            if (state != DoctorState::Pass)
                (state == DoctorState::Fail ? tooOld : old).insert(project->id);
        }
    }
    if (!tooOld.empty())
        set(made, DoctorState::Fail, "Older than PROVIDER_KEY_MAX_AGE: " + joined(tooOld),
            "Make new keys at the provider and give them with rotate-key.");
    else if (!old.empty())
        set(made, DoctorState::Warn, "30 days and older: " + joined(old),
            "Rotate them every 30 to 90 days with rotate-key.");
    else
        made.evidence = "No key is 30 days old.";
    return made;
}

DoctorItem checkProviderKeysOpen(const ManageContext &context)
{
    DoctorItem made = item("provider_key_usable", "Provider keys can be used");
    std::set<std::string> closed, pending;
    for (const ProjectPtr &project : context.snapshots->current()->projects()) {
        for (const ProviderEntry &entry : project->providers) {
            if (!project->record.deleted && stateOf(context, entry) == KeyState::Unusable)
                closed.insert(project->id);
            if (!project->record.deleted && entry.keyState == KeyState::Pending)
                pending.insert(project->id);
        }
    }
    if (closed.empty() && pending.empty())
        made.evidence = "Each stored key opens, and each reference resolves.";
    else if (closed.empty())
        set(made, DoctorState::Warn, "Waiting for the key's source: " + joined(pending), "Check that the source of the reference is mounted and answers.");
    else
        set(made, DoctorState::Fail, "Needs its key again: " + joined(closed), "Give the key anew with rotate-key, or fix its reference.");
    return made;
}

DoctorItem checkSharedProviderKeys(const ManageContext &context)
{
    DoctorItem made = item("provider_key_shared", "Provider keys of different environments");
    struct Use { std::set<QString> environments; std::set<std::string> projects; };
    std::map<QByteArray, Use> uses; // by SHA-256: the key itself is not copied
    for (const ProjectPtr &project : context.snapshots->current()->projects()) {
        for (const ProviderEntry &entry : project->providers) {
            if (project->record.deleted || !entry.key)
                continue;
            const std::string_view key = entry.key->reveal();
            QCryptographicHash hash(QCryptographicHash::Sha256);
            hash.addData(QByteArrayView(key.data(), static_cast<qsizetype>(key.size())));
            Use &use = uses[hash.result()];
            use.environments.insert(project->record.environment);
            use.projects.insert(project->id);
        }
    }
    std::set<std::string> sharing;
    for (const auto &[hash, use] : uses) {
        if (use.environments.size() > 1)
            sharing.insert(use.projects.begin(), use.projects.end());
    }
    if (sharing.empty())
        made.evidence = "No key is shared by projects of different environments.";
    else
        set(made, DoctorState::Fail, "Projects of different environments share a key: " + joined(sharing),
            "Use a key of its own for development, test and production.");
    return made;
}

DoctorItem checkTokenLifetimes(const ManageContext &context)
{
    DoctorItem made = item("token_lifetime", "Token lifetimes");
    int64_t tooLong = 0;
    eachLiveToken(context, [&](const TokenEntry &token, int64_t) {
        tooLong += token.terms.expiresMs - token.terms.createdMs > noticeMs;
    });
    if (tooLong > 0 || context.settings->tokenMaxLifetimeMs > noticeMs)
        set(made, DoctorState::Warn,
            std::to_string(tooLong) + " live tokens of more than 30 days; TOKEN_MAX_LIFETIME is "
                + days(context.settings->tokenMaxLifetimeMs) + ".",
            "Keep TOKEN_MAX_LIFETIME at 30d or less and refresh tokens.");
    else
        made.evidence = "No live token is valid for more than 30 days.";
    return made;
}

DoctorItem checkTokenLimits(const ManageContext &context)
{
    DoctorItem made = item("token_limits", "Tokens without limits");
    std::set<std::string> unlimited;
    eachLiveToken(context, [&](const TokenEntry &token, int64_t) {
        if (token.terms.rateLimit == 0 && token.terms.maxRequests == 0 && token.terms.maxConcurrent == 0)
            unlimited.insert(std::string(token.id()));
    });
    if (unlimited.empty())
        made.evidence = "Every live token has a rate, request or concurrency limit.";
    else
        set(made, DoctorState::Warn, "Without any limit: " + joined(unlimited),
            "Set rate_limit, max_requests or max_concurrent.");
    return made;
}

DoctorItem checkUnusedTokens(const ManageContext &context)
{
    DoctorItem made = item("token_unused", "Unused tokens");
    std::set<std::string> unused;
    eachLiveToken(context, [&](const TokenEntry &token, int64_t nowMs) {
        const int64_t lastMs = token.state ? token.state->lastUsedMs.load(std::memory_order_relaxed) : 0;
        if (nowMs - std::max(lastMs, token.terms.createdMs) > 7 * dayMs)
            unused.insert(std::string(token.id()));
    });
    if (unused.empty())
        made.evidence = "Every live token was made or used within 7 days.";
    else
        set(made, DoctorState::Warn, "Live, but not used for 7 days: " + joined(unused), "Revoke what nobody needs.");
    return made;
}

DoctorItem checkExpiredTokens(const ManageContext &context)
{
    DoctorItem made = item("token_expired", "Expired tokens");
    constexpr size_t most = 10; // of a million
    std::set<std::string> some;
    int64_t number = 0;
    const int64_t nowMs = Clock::wallMs();
    context.snapshots->current()->eachToken([&](const TokenPtr &token) {
        if (token->terms.expiresMs == 0 || token->terms.expiresMs + 7 * dayMs >= nowMs)
            return;
        ++number;
        if (some.size() < most)
            some.insert(std::string(token->id()));
    });
    if (number == 0)
        made.evidence = "No token that expired more than 7 days ago is still listed.";
    else
        set(made, DoctorState::Warn, std::to_string(number) + (number == 1 ? " token" : " tokens") + " expired more than 7 days ago and still listed, such as " + joined(some) + ".",
            "Remove those that are no longer needed: llm-proxy token revoke --purge ID.");
    return made;
}

} // namespace llmproxy
