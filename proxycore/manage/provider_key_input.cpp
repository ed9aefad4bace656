// SPDX-License-Identifier: GPL-3.0-only
#include "manage/provider_key_input.h"

#include "access/key_binding.h"
#include "audit/masking.h"
#include "config/settings.h"
#include "secrets/key_ring.h"
#include "secrets/secret_cache.h"

#include <QJsonArray>

#include <algorithm>
#include <set>

namespace llmproxy {

namespace {

// "; there are anthropic, gemini, openai"
std::string knownProviders(const ManageContext &context)
{
    std::string list;
    for (const std::string &name : context.providerNames())
        list += (list.empty() ? "; the profiles are " : ", ") + name;
    return list;
}

Outcome readKey(const ManageContext &context, std::string_view value, const std::string &field,
                ProviderKeyInput &input)
{
    if (value.empty())
        return {};
    if (looksMasked(value))
        return invalidField(field, "'" + field + "' is a masked key; give the whole key.");
    if (!isReference(value)) {
        input.key = std::make_shared<const Secret>(value);
        return {};
    }
    const std::string reference(value);
    if (auto failure = context.secrets->check(reference)) {
        failure->kind = ErrorKind::Invalid;
        failure->code = "invalid_field";
        failure->field = field;
        return failure;
    }
    input.reference = QString::fromStdString(reference);
    return {};
}

Outcome readBaseUrl(const ManageContext &context, const JsonObject &object, ProviderKeyInput &input)
{
    if (object.has("version_segment")) {
        input.hasVersionSegment = true;
        if (!object.isNull("version_segment"))
            input.versionSegment = object.boolean("version_segment", true);
    }
    if (!object.has("base_url"))
        return {};
    input.baseUrl = object.text("base_url");
    if (input.baseUrl->isEmpty())
        return {};
    const auto reading = context.readBaseUrl(input.provider.toStdString(), input.baseUrl->toStdString(), input.versionSegment);
    if (!reading) {
        const std::string field = object.fieldName("base_url");
        return invalidField(field, "'" + field + "' " + reading.error().message + ".");
    }
    input.baseUrl = QString::fromStdString(reading->url);
    input.hasVersionSegment = input.hasVersionSegment || reading->versionSegment.has_value();
    input.versionSegment = reading->versionSegment;
    input.note = QString::fromStdString(reading->note);
    return {};
}

} // namespace

Result<ProviderKeyInput> readProviderKey(const ManageContext &context, const JsonObject &object,
                                         const QString &defaultProvider)
{
    ProviderKeyInput input;
    input.path = object.fieldName("");
    input.provider = object.text("provider", defaultProvider);
    if (!context.providerKnown(input.provider.toStdString())) {
        const std::string field = object.fieldName("provider");
        return invalidField(field, "'" + field + "' names no provider profile" + knownProviders(context) + ".");
    }
    if (auto failure = readKey(context, object.secret("api_key"), object.fieldName("api_key"), input))
        return *failure;
    if (auto failure = readBaseUrl(context, object, input))
        return *failure;
    return input;
}

Result<std::vector<ProviderKeyInput>> readProviders(const ManageContext &context, const JsonObject &body,
                                                    const QString &defaultProvider)
{
    std::vector<ProviderKeyInput> inputs;
    if (!body.has("providers")) {
        if (!body.has("provider") && !body.has("api_key") && !body.has("base_url") && !body.has("version_segment"))
            return inputs;
        auto input = readProviderKey(context, body, defaultProvider);
        if (!input)
            return input.error();
        inputs.push_back(std::move(*input));
        return inputs;
    }
    std::set<QString> seen;
    for (const JsonObject &object : body.objects("providers")) {
        auto input = readProviderKey(context, object, QStringLiteral("openai"));
        if (!input)
            return input.error();
        if (!seen.insert(input->provider).second)
            return invalidField(object.fieldName("provider"), "A provider can be given once only.");
        inputs.push_back(std::move(*input));
    }
    return inputs;
}

void whenKeysAnswered(const CallPtr &call, std::vector<ProviderKeyInput> inputs, std::function<void()> then)
{
    constexpr int64_t atMostMs = 1'000;
    while (!inputs.empty() && inputs.back().reference.isEmpty())
        inputs.pop_back();
    if (inputs.empty()) {
        then();
        return;
    }
    const std::string reference = inputs.back().reference.toStdString(), field = inputs.back().path + "api_key";
    inputs.pop_back();
    call->context().secrets->whenAnswered(reference, atMostMs, [call, reference, field, inputs = std::move(inputs), then = std::move(then)] {
        const std::string_view problem = call->context().secrets->peek(reference).problem;
        if (problem.empty())
            whenKeysAnswered(call, inputs, then);
        else
            refuse(call, invalidField(field, "The value of " + reference + " " + std::string(problem) + "."));
    });
}

bool mayGoTo(const ManageContext &context, const std::string &provider, const std::string &keyUrl, const std::string &baseUrl)
{
    if (baseUrl.empty() || baseUrl == keyUrl)
        return true;
    const std::string origin = context.originOf(provider, baseUrl);
    return origin == context.originOf(provider, {}) || origin == context.originOf(provider, keyUrl);
}

KeyState stateOf(const ManageContext &context, const ProviderEntry &entry)
{
    return entry.key && !mayGoTo(context, entry.provider, entry.keyUrl, entry.baseUrl) ? KeyState::Unusable : entry.keyState;
}

Outcome refusedReference(const ManageCall &call, const std::string &provider, const std::string &baseUrl, const std::string &path)
{
    const ManageContext &context = call.context();
    const std::string origin = context.originOf(provider, baseUrl);
    const std::vector<std::string> &named = context.settings->referenceOrigins;
    if (call.request.isLocal || origin == context.originOf(provider, {}) || std::find(named.begin(), named.end(), origin) != named.end())
        return {};
    return invalidField(path + "api_key", "A reference is not sent to " + origin + ", which is not the address of '" + provider
                                              + "'. Give the key itself, or list this origin in REFERENCE_ORIGINS on the server's machine.");
}

namespace {

// A stored key stays with a base_url that it was not given for only when somebody on the machine itself says so.
Outcome refusedKept(const ManageCall &call, const QString &projectId, const ProviderKey &record, const std::string &path)
{
    const ManageContext &context = call.context();
    const std::string provider = record.provider.toStdString(), baseUrl = record.baseUrl.toStdString();
    const auto keyUrl = boundUrlOf(record, projectId, *context.keys);
    if (call.request.isLocal || (keyUrl && mayGoTo(context, provider, *keyUrl, baseUrl)))
        return {};
    const std::string origin = keyUrl ? context.originOf(provider, *keyUrl) : std::string();
    return Error{ErrorKind::Invalid, "missing_field",
                 "The stored key was given for " + (origin.empty() ? "another address" : origin) + " and is not sent to " + context.originOf(provider, baseUrl)
                     + ". Give '" + path + "api_key' again.",
                 path + "api_key"};
}

// A new key would follow a base_url that was edited in the database.
Outcome refusedPlace(const ManageContext &context, const QString &projectId, const ProviderKey &previous, const std::string &path)
{
    const std::string provider = previous.provider.toStdString(), baseUrl = previous.baseUrl.toStdString();
    const auto keyUrl = boundUrlOf(previous, projectId, *context.keys);
    if (!hasKey(previous) || mayGoTo(context, provider, keyUrl.value_or(""), baseUrl))
        return {};
    return Error{ErrorKind::Conflict, "base_url_unconfirmed",
                 "The stored base_url leads to " + context.originOf(provider, baseUrl) + ", which no key of this project was given for. Update the project with 'base_url' and 'api_key' together.",
                 path + "base_url"};
}

// What is known about an address goes with it.
void takePlace(const ProviderKeyInput &input, ProviderKey &record)
{
    const bool isNew = input.baseUrl && *input.baseUrl != record.baseUrl;
    if (isNew)
        record.baseUrl = *input.baseUrl;
    if (isNew || input.hasVersionSegment)
        record.versionSegment = input.versionSegment;
}

void takeKey(const ManageContext &context, const QString &projectId, const ProviderKeyInput &input, ProviderKey &record, int64_t nowMs)
{
    record.reference = input.reference;
    record.sealedKey.clear();
    record.masked = input.reference;
    if (input.key) {
        record.sealedKey = QString::fromStdString(context.keys->seal(
            *input.key, "project", projectId.toStdString(), input.provider.toStdString() + ".api_key"));
        record.masked = QString::fromStdString(maskSecret(input.key->reveal()));
    }
    record.keySetMs = nowMs;
}

} // namespace

Result<ProviderKey> makeProviderKey(const ManageCall &call, const QString &projectId,
                                    const ProviderKeyInput &input, const ProviderKey *previous, int64_t nowMs)
{
    const ManageContext &context = call.context();
    ProviderKey record;
    if (previous && previous->provider == input.provider)
        record = *previous;
    record.provider = input.provider;
    takePlace(input, record);
    const std::string provider = input.provider.toStdString();
    if (input.hasKey()) {
        if (Outcome refused = input.baseUrl ? Outcome() : refusedPlace(context, projectId, record, input.path))
            return *refused;
        if (Outcome refused = input.key ? Outcome() : refusedReference(call, provider, record.baseUrl.toStdString(), input.path))
            return *refused;
        takeKey(context, projectId, input, record, nowMs);
        bindKey(record, projectId, *context.keys);
    } else if (hasKey(record)) {
        if (Outcome refused = refusedKept(call, projectId, record, input.path))
            return *refused;
        if (call.request.isLocal && input.baseUrl)
            bindKey(record, projectId, *context.keys);
    } else if (context.providerNeedsKey(provider)) {
        return Error{ErrorKind::Invalid, "missing_field",
                     "The field '" + input.path + "api_key' is needed: this provider takes no call without one.",
                     input.path + "api_key"};
    }
    return record;
}

QStringList notesOf(const std::vector<ProviderKeyInput> &inputs)
{
    QStringList notes;
    for (const ProviderKeyInput &input : inputs) {
        if (!input.note.isEmpty())
            notes.append(input.note);
    }
    return notes;
}

QJsonObject withNotes(QJsonObject answer, const QStringList &notes)
{
    if (!notes.isEmpty())
        answer.insert(QStringLiteral("notes"), QJsonArray::fromStringList(notes));
    return answer;
}

} // namespace llmproxy
