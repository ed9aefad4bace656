// SPDX-License-Identifier: GPL-3.0-only
// PATCH of the settings. The order: everything is validated as a start would; the new file is on the disk beside the old one;
// the event is durable and the new file carries its seq; the event is committed, as that of any change (storage takes back what
// it cannot commit); the new file takes the old one's place; the answer. So there is no change without its event, an event
// whose change failed is followed by one that says so, and what a kill leaves is finished or removed at the next start.
#include "base/masking.h"
#include "config/saved_settings.h"
#include "manage/resources.h"
#include "manage/settings_view.h"
#include "storage/database.h"

#include <QJsonArray>
#include <QJsonDocument>

#include <algorithm>

namespace llmproxy {

namespace {

struct SettingsChange
{
    SettingTexts saved;               // all of them, as they are to be
    std::vector<std::string> changed; // names

    bool hasChanged(const std::string &name) const { return std::find(changed.begin(), changed.end(), name) != changed.end(); }
};

Outcome refusedName(const JsonObject &item, const std::string &name)
{
    const SettingDeclaration *declaration = settingNamed(name);
    if (!declaration)
        return invalidField(item.fieldName("name"), "'" + item.fieldName("name") + "' names no setting; GET /manage/settings lists them.");
    if (isSavable(*declaration))
        return {};
    return invalidField(name, name + " " + std::string(whyNotSaved(*declaration)) + " and is not saved here; give it "
                                  + (declaration->secret ? "in the environment or in .env." : "as a flag, in the environment or in .env."));
}

Result<SettingsChange> readChange(const JsonObject &body, SettingTexts saved)
{
    SettingsChange change{std::move(saved), {}};
    for (const JsonObject &item : body.objects("changes")) {
        const std::string name = item.text("name").toStdString();
        const std::string value = item.text("value").toStdString();
        if (Outcome refused = refusedName(item, name))
            return *refused;
        if (change.hasChanged(name))
            return invalidField(name, name + " is given twice.");
        if (value.find("****") != std::string::npos)
            return invalidField(name, name + ": this is a masked value; give the whole one.");
        change.changed.push_back(name);
        if (item.isNull("value") || (value.empty() && !hasMeaningEmpty(name)))
            change.saved.erase(name);
        else
            change.saved[name] = value;
    }
    return change;
}

// What was refused is not repeated: it may be a key that was put into the wrong place.
std::string withoutValue(std::string problem, const std::string &value)
{
    const size_t end = problem.find("\" is not ");
    if (problem.starts_with('"') && end != std::string::npos)
        problem.replace(0, end + 1, "a part of it");
    for (size_t at = 0; !value.empty() && (at = problem.find(value, at)) != std::string::npos; at += 2)
        problem.replace(at, value.size(), "it");
    return redactText(problem);
}

// A saved value that another source hides today is in use at the next start without that source, and must not keep everybody out
// then: what is saved is also judged by itself. Told are problems that this change makes, or leaves where it puts something.
std::vector<SettingProblem> problemsAlone(const ManageContext &context, const SettingsChange &change, const SettingTexts &before)
{
    std::vector<SettingProblem> problems = loadAlone(context, change.saved).problems;
    const std::vector<SettingProblem> known = loadAlone(context, before).problems;
    std::erase_if(problems, [&](const SettingProblem &one) {
        const auto isSame = [&](const SettingProblem &other) { return other.name == one.name && other.problem == one.problem; };
        return !change.hasChanged(one.name) && std::any_of(known.begin(), known.end(), isSame);
    });
    return problems;
}

// Of all sources together, and of what is saved by itself; those of changed settings first.
std::vector<SettingProblem> problemsOf(const ManageContext &context, const SettingsChange &change, const SettingTexts &before, const LoadedSettings &next)
{
    std::vector<SettingProblem> problems = next.problems;
    for (SettingProblem &one : problemsAlone(context, change, before)) {
        if (std::none_of(problems.begin(), problems.end(), [&](const SettingProblem &other) { return other.name == one.name; }))
            problems.push_back(std::move(one));
    }
    std::stable_partition(problems.begin(), problems.end(), [&](const SettingProblem &one) { return change.hasChanged(one.name); });
    for (SettingProblem &one : problems) {
        const auto value = change.saved.find(one.name);
        const bool isLong = value != change.saved.end() && value->second.size() > 5; // no word of the sentence
        one.problem = withoutValue(one.problem, isLong ? value->second : std::string());
    }
    return problems;
}

std::optional<std::string> savedIn(const SettingTexts &saved, const std::string &name)
{
    const auto found = saved.find(name);
    return found == saved.end() ? std::nullopt : std::optional(found->second);
}

// What only the machine's own users may change (ruling 50), as the caller is not one of them.
std::vector<SettingProblem> remoteProblems(const CallPtr &call, const SettingsChange &change, const SettingTexts &before)
{
    std::vector<SettingProblem> problems;
    for (const std::string &name : change.changed) {
        std::string why = call->request.isLocal ? std::string() : whyNotRemote(*settingNamed(name), savedIn(before, name), savedIn(change.saved, name));
        if (!why.empty())
            problems.push_back({name, {}, std::move(why)});
    }
    return problems;
}

void answerProblems(const CallPtr &call, const std::vector<SettingProblem> &problems)
{
    QJsonArray all;
    for (const SettingProblem &one : problems)
        all.append(QJsonObject{{QStringLiteral("name"), QString::fromStdString(one.name)}, {QStringLiteral("problem"), QString::fromStdString(one.problem)}});
    answer(call, 200, {{QStringLiteral("problems"), all}});
}

void checkChange(const CallPtr &call, const JsonObject &body, const SavedSettings &before)
{
    const auto change = readChange(body, before.values);
    if (!change) {
        call->complete(errorAnswer(change.error())); // somebody is typing: no event
        return;
    }
    std::vector<SettingProblem> problems = remoteProblems(call, *change, before.values);
    const std::vector<SettingProblem> wrong = problemsOf(call->context(), *change, before.values, loadAgain(call->context(), change->saved));
    problems.insert(problems.end(), wrong.begin(), wrong.end());
    problems.insert(problems.end(), before.problems.begin(), before.problems.end());
    answerProblems(call, problems);
}

// The last step, when the event is durable. Thread: storage.
ManageAnswer keepDraft(const CallPtr &call, SavedSettingsDraft &draft, const LoadedSettings &next, const ManageAnswer &good)
{
    const ManageContext &context = call->context();
    if (const Outcome failure = draft.keep()) {
        AuditEvent event = eventOf(*call, "error", 503);
        event.detail("reason", "not_saved");
        if (context.audit->config().enabled)
            context.audit->record(std::move(event), nullptr);
        return errorAnswer(*failure);
    }
    if (context.inUse.apply)
        context.inUse.apply(next.settings);
    return good;
}

std::string joined(const std::vector<std::string> &names)
{
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ",") + name;
    return text;
}

void saveChange(const CallPtr &call, const SettingsChange &change, LoadedSettings loaded)
{
    auto written = SavedSettingsDraft::write(savedSettingsPath(call->context().settings->dataDir), change.saved);
    if (!written) {
        call->state->savingSettings = false;
        refuse(call, written.error());
        return;
    }
    const auto draft = std::make_shared<std::optional<SavedSettingsDraft>>(std::move(*written));
    const auto next = std::make_shared<const LoadedSettings>(std::move(loaded));
    ManageAnswer good;
    good.body = QJsonDocument(settingsView(call->context(), *next, change.saved, call->request.isLocal)).toJson(QJsonDocument::Compact);
    const auto decide = [call, draft, names = joined(change.changed)](const Snapshot &) -> Result<Decision> {
        AuditEvent event = eventOf(*call, "success", 200);
        event.detail("changed", names);
        return Decision{{}, {std::move(event)}, [draft](int64_t seq) { return (*draft)->carry(seq); }};
    };
    call->context().database->submit(decide, [call, draft, next, good](const Outcome &failure) {
        const ManageAnswer answer = failure ? ManageAnswer{} : keepDraft(call, **draft, *next, good);
        draft->reset();
        call->state->savingSettings = false;
        if (failure)
            refuse(call, *failure);
        else
            call->complete(answer);
    });
}

Outcome changeSettings(const CallPtr &call, const JsonObject &body, const SavedSettings &before)
{
    if (!before.problems.empty())
        return Error{ErrorKind::Conflict, "saved_settings_unreadable", aboutSetting(before.problems.front().name, before.problems.front().problem) + ". Fix or remove it first.", {}};
    const auto change = readChange(body, before.values);
    if (!change)
        return change.error();
    if (const auto refused = remoteProblems(call, *change, before.values); !refused.empty())
        return Error{ErrorKind::Forbidden, "local_only", refused.front().problem, refused.front().name};
    LoadedSettings next = loadAgain(call->context(), change->saved);
    if (const auto problems = problemsOf(call->context(), *change, before.values, next); !problems.empty())
        return invalidField(problems.front().name, aboutSetting(problems.front().name, problems.front().problem) + ".");
    saveChange(call, *change, std::move(next));
    return {};
}

} // namespace

void updateSettings(const CallPtr &call)
{
    const JsonObject body = call->input.root();
    const std::string path = savedSettingsPath(call->context().settings->dataDir);
    if (body.boolean("check_only", false)) {
        checkChange(call, body, readSavedSettings(path));
        return;
    }
    if (call->state->savingSettings.exchange(true)) {
        refuse(call, {ErrorKind::Conflict, "settings_busy", "Settings are being saved already; try again.", {}});
        return;
    }
    if (const Outcome failure = changeSettings(call, body, readSavedSettings(path))) {
        call->state->savingSettings = false;
        refuse(call, *failure);
    }
}

} // namespace llmproxy
