// SPDX-License-Identifier: GPL-3.0-only
// The settings as an answer, and as they would be after a restart. Thread: management.
#pragma once

#include "manage/api.h"

#include <QJsonObject>

namespace llmproxy {

// From all sources; with these saved values instead of the file's, if there are any.
LoadedSettings loadAgain(const ManageContext &context, const std::optional<SettingTexts> &saved);
// These saved values by themselves, as a start without flags, environment and .env would find them.
LoadedSettings loadAlone(const ManageContext &context, const SettingTexts &saved);
// next: what loadAgain() gives for these saved values. isLocal: of the caller, who is told what he may change.
QJsonObject settingsView(const ManageContext &context, const LoadedSettings &next, const SettingTexts &saved, bool isLocal);

} // namespace llmproxy
