// SPDX-License-Identifier: GPL-3.0-only
// The one declaration list of all settings, with how each is read into Settings. Thread: immutable.
#pragma once

#include "config/settings.h"

#include <functional>

namespace llmproxy {

struct SettingRow : SettingDeclaration
{
    // Stores the value; what is wrong with it, or empty.
    std::function<std::string(const std::string &value, Settings &settings)> store;
};

const std::vector<SettingRow> &settingRows();

} // namespace llmproxy
