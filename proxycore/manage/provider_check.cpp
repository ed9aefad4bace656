// SPDX-License-Identifier: GPL-3.0-only
// Whether a provider takes a key, before it is saved or when somebody wonders. The asking is the engine's, on a job's
// thread; here stands whose key goes where.
#include "base/clock.h"
#include "manage/project_records.h"
#include "manage/provider_key_input.h"
#include "manage/resources.h"
#include "secrets/secret_cache.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QUrl>

#include <algorithm>

namespace llmproxy {

namespace {

constexpr int64_t waitForSourceMs = 20'000;

struct Question
{
    ProviderQuestion ask;
    std::string reference; // of the key, to be resolved on the job's thread
    std::string missing;   // why there is no key, when one is known to be missing
    QStringList notes;     // what was changed in base_url
};

// A stored key goes to the origin it was given for, or the profile's own: nobody may fetch it by naming another one.
Outcome useStored(const ManageCall &call, const ProviderKeyInput &input, const std::string &projectId, Question &question)
{
    const ManageContext &context = call.context();
    const ProjectPtr project = visibleProject(*context.snapshots->current(), projectId);
    if (!project)
        return Error{ErrorKind::NotFound, "not_found", "There is no project of this id.", "project_id"};
    const auto entry = std::find_if(project->providers.begin(), project->providers.end(), [&](const ProviderEntry &one) { return one.provider == question.ask.provider; });
    if (entry == project->providers.end()) {
        question.missing = "This project has no key of this provider; give one in api_key.";
        return {};
    }
    question.ask.baseUrl = input.baseUrl ? input.baseUrl->toStdString() : entry->baseUrl;
    if (!input.hasVersionSegment && question.ask.baseUrl == entry->baseUrl)
        question.ask.versionSegment = entry->versionSegment;
    const bool isItsPlace = mayGoTo(context, entry->provider, entry->keyUrl, question.ask.baseUrl);
    if (input.baseUrl && !isItsPlace && !call.request.isLocal)
        return invalidField("base_url", "The stored key is not sent to 'base_url', as it was not given for that address. Give the key in 'api_key', too.");
    question.ask.key = entry->key;
    if (stateOf(context, *entry) == KeyState::Unusable && !(entry->key && input.baseUrl))
        question.missing = "The stored key of this project cannot be used, or its reference does not resolve; enter it again.";
    else if (entry->keyState == KeyState::Pending)
        question.missing = "The source of this project's key has not answered yet; try again.";
    return {};
}

Result<Question> readQuestion(const ManageCall &call, const JsonObject &body)
{
    const ManageContext &context = call.context();
    auto input = readProviderKey(context, body, {});
    if (!input)
        return input.error();
    Question question;
    question.ask.provider = input->provider.toStdString();
    if (input->baseUrl)
        question.ask.baseUrl = input->baseUrl->toStdString();
    question.ask.versionSegment = input->versionSegment;
    question.ask.key = input->key;
    question.notes = notesOf({*input});
    question.reference = input->reference.toStdString();
    if (!input->hasKey() && body.has("project_id")) {
        if (Outcome failure = useStored(call, *input, body.text("project_id").toStdString(), question))
            return *failure;
    }
    if (!question.reference.empty()) {
        if (Outcome refused = refusedReference(call, question.ask.provider, question.ask.baseUrl, {}))
            return *refused;
    }
    if (!question.ask.key && question.reference.empty() && question.missing.empty() && context.providerNeedsKey(question.ask.provider))
        question.missing = "There is no key to try; give one in api_key.";
    return question;
}

ProviderVerdict judge(const ManageContext &context, Question question, const std::atomic<bool> &cancelled)
{
    if (question.missing.empty() && !question.reference.empty()) {
        const SecretCache::Peeked found = context.secrets->wait(question.reference, waitForSourceMs, cancelled);
        question.ask.key = found.value;
        if (found.state == SecretState::Pending)
            question.missing = "The source of the key's reference does not answer; try again.";
        else if (!found.value && !found.problem.empty())
            question.missing = "The value of " + question.reference + " " + std::string(found.problem) + ".";
        else if (!found.value)
            question.missing = "The key's reference does not resolve to a key; check what it names.";
    }
    if (!question.missing.empty())
        return {"key_missing", 0, question.missing, {}};
    if (!context.askProvider)
        return {"unreachable", 0, "Providers cannot be asked from here.", {}};
    return context.askProvider(question.ask, cancelled);
}

// A path can be anything, a key in the wrong place among it.
std::string originOf(const std::string &baseUrl)
{
    return QUrl(QString::fromStdString(baseUrl)).toString(QUrl::RemovePath | QUrl::RemoveQuery | QUrl::RemoveFragment | QUrl::RemoveUserInfo).toStdString();
}

// Where a key went: the profile's own address unless another one was given.
AuditEvent checkEvent(const ManageCall &call, const ProviderQuestion &asked, const ProviderVerdict &verdict)
{
    AuditEvent event = eventOf(call, verdict.reason == "ok" ? "success" : "failure", 200);
    if (verdict.reason != "ok")
        event.detail("reason", verdict.reason);
    event.detail("provider", asked.provider);
    event.detail("origin", originOf(asked.baseUrl));
    if (verdict.status > 0)
        event.detail("upstream_status", int64_t{verdict.status});
    return event;
}

void addProposal(QJsonObject &body, const ProviderVerdict &verdict)
{
    if (verdict.proposedBaseUrl.empty())
        return;
    const std::optional<bool> &version = verdict.proposedVersionSegment;
    body.insert(QStringLiteral("proposal"), QJsonObject{{QStringLiteral("base_url"), QString::fromStdString(verdict.proposedBaseUrl)},
                                                        {QStringLiteral("version_segment"), version ? QJsonValue(*version) : QJsonValue()}});
}

void answerVerdict(const CallPtr &call, const Question &question, const ProviderVerdict &verdict, int64_t tookMs)
{
    QJsonArray models;
    for (const std::string &model : verdict.models)
        models.append(QString::fromStdString(model));
    QJsonObject body = withNotes({
                       {QStringLiteral("ok"), verdict.reason == "ok"},
                       {QStringLiteral("reason"), QString::fromStdString(verdict.reason)},
                       {QStringLiteral("status"), verdict.status > 0 ? QJsonValue(verdict.status) : QJsonValue()},
                       {QStringLiteral("message"), QString::fromStdString(verdict.message)},
                       {QStringLiteral("models"), models},
                       {QStringLiteral("duration_ms"), qint64{tookMs}}}, question.notes);
    addProposal(body, verdict);
    ManageAnswer durable;
    durable.body = QJsonDocument(body).toJson(QJsonDocument::Compact);
    answerAudited(call, checkEvent(*call, question.ask, verdict), std::move(durable));
}

} // namespace

void checkProvider(const CallPtr &call)
{
    const auto question = readQuestion(*call, call->input.root());
    if (!question) {
        refuse(call, question.error());
        return;
    }
    if (const ProjectPtr project = visibleProject(*call->context().snapshots->current(), call->input.root().text("project_id").toStdString()))
        call->projectId = project->id;
    if (!call->context().audit->healthy()) { // no key leaves without its event
        refuse(call, {ErrorKind::Unavailable, "service_unavailable", "The audit log cannot be written, so no key is sent. Try again.", {}});
        return;
    }
    const bool started = call->state->checks.start([call, question = *question](const std::atomic<bool> &cancelled) {
        const int64_t beganUs = Clock::steadyUs();
        const ProviderVerdict verdict = judge(call->context(), question, cancelled);
        const int64_t tookMs = (Clock::steadyUs() - beganUs) / 1000;
        call->state->checks.afterwards([call, question, verdict, tookMs] { answerVerdict(call, question, verdict, tookMs); });
    }, [call] { breakOff(call); });
    if (!started)
        refuse(call, {ErrorKind::Conflict, "job_running", "A provider is being asked already; try again when that is done.", {}});
}

} // namespace llmproxy
