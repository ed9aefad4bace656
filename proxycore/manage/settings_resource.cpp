// SPDX-License-Identifier: GPL-3.0-only
#include "base/masking.h"
#include "config/saved_settings.h"
#include "manage/resources.h"
#include "manage/settings_view.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

const std::string *find(const SettingTexts &texts, const std::string &name)
{
    const auto found = texts.find(name);
    return found == texts.end() ? nullptr : &found->second;
}

// Defaults that are made at the start.
std::string madeDefault(const std::string &name, const Settings &settings)
{
    if (name == "DATA_DIR")
        return settings.dataDir;
    if (name == "DATABASE_PATH")
        return settings.databasePath;
    if (name == "AUDIT_LOG_FILE")
        return settings.auditLogFile;
    return name == "ENGINE_THREADS" && settings.engineThreads > 0 ? std::to_string(settings.engineThreads) : std::string();
}

// As text, given or not.
std::string effective(const SettingDeclaration &one, const SettingTexts &given, const Settings &settings)
{
    if (const std::string *text = find(given, one.name))
        return *text;
    return one.defaultText.empty() ? madeDefault(one.name, settings) : one.defaultText;
}

bool isDifferent(const SettingDeclaration &one, const ManageContext &context, const LoadedSettings &next)
{
    if (one.secret || !one.needsRestart)
        return false;
    const bool wasGiven = find(context.inUse.given, one.name), isGiven = find(next.given, one.name);
    if (wasGiven != isGiven && countsAsSet(one.name))
        return true;
    return (wasGiven || isGiven) && effective(one, context.inUse.given, *context.settings) != effective(one, next.given, next.settings);
}

// A proxy's address may have a password in it.
QJsonValue shown(const std::string &value)
{
    return QString::fromStdString(redactText(value));
}

QJsonValue textOrNull(const std::string &value)
{
    return value.empty() ? QJsonValue() : shown(value);
}

QJsonArray choicesView(const SettingDeclaration &one)
{
    QJsonArray choices;
    for (const std::string &choice : choicesOf(one))
        choices.append(QString::fromStdString(choice));
    return choices;
}

QJsonObject settingView(const SettingDeclaration &one, const ManageContext &context, const LoadedSettings &next, const std::string *saved, bool isLocal)
{
    // What takes effect at once is in use already.
    const SettingTexts &given = one.needsRestart ? context.inUse.given : next.given;
    const std::string *origin = find(one.needsRestart ? context.inUse.origin : next.origin, one.name);
    const std::string from = origin ? *origin : "default";
    const bool isEmptyOnPurpose = find(given, one.name) && hasMeaningEmpty(one.name);
    const RemoteChange mayChange = !isSavable(one) ? RemoteChange::No : isLocal ? RemoteChange::Yes : one.remote;
    const std::string value = one.secret ? std::string() : effective(one, given, *context.settings);
    return {{QStringLiteral("name"), QString::fromStdString(one.name)},
            {QStringLiteral("value"), isEmptyOnPurpose ? shown(value) : textOrNull(value)},
            {QStringLiteral("default"), textOrNull(one.defaultText)},
            {QStringLiteral("accepts"), QString::fromStdString(one.accepts)},
            {QStringLiteral("choices"), choicesView(one)},
            {QStringLiteral("meaning"), QString::fromStdString(one.meaning)},
            {QStringLiteral("group"), QString::fromStdString(one.group)},
            {QStringLiteral("secret"), one.secret},
            {QStringLiteral("origin"), QString::fromStdString(from)},
            {QStringLiteral("saved"), saved && isSavable(one) ? shown(*saved) : QJsonValue()},
            {QStringLiteral("why_not_saved"), textOrNull(std::string(whyNotSaved(one)))},
            {QStringLiteral("may_change"), QLatin1String(nameOf(mayChange).data())},
            {QStringLiteral("needs_restart"), one.needsRestart},
            {QStringLiteral("is_set"), from != "default"}};
}

} // namespace

LoadedSettings loadAgain(const ManageContext &context, const std::optional<SettingTexts> &saved)
{
    if (context.inUse.load)
        return context.inUse.load(saved);
    SettingSources sources;
    sources.flags["DATA_DIR"] = context.settings->dataDir;
    sources.saved = saved;
    return loadSettings(sources);
}

LoadedSettings loadAlone(const ManageContext &context, const SettingTexts &saved)
{
    return context.inUse.loadAlone ? context.inUse.loadAlone(saved) : loadAlone(SettingSources(), context.settings->dataDir, saved);
}

QJsonObject settingsView(const ManageContext &context, const LoadedSettings &next, const SettingTexts &saved, bool isLocal)
{
    QJsonArray items;
    bool restart = false;
    for (const SettingDeclaration &one : settingDeclarations()) {
        restart = restart || isDifferent(one, context, next);
        items.append(settingView(one, context, next, find(saved, one.name), isLocal));
    }
    return {{QStringLiteral("items"), items}, {QStringLiteral("restart_needed"), restart}};
}

void readSettings(const CallPtr &call)
{
    const ManageContext &context = call->context();
    const SavedSettings saved = readSavedSettings(savedSettingsPath(context.settings->dataDir));
    answer(call, 200, settingsView(context, loadAgain(context, saved.values), saved.values, call->request.isLocal));
}

} // namespace llmproxy
