// SPDX-License-Identifier: GPL-3.0-only
// Configuration: .env files, provider profiles and values of any content end in settings or problems, never otherwise.
#include "fuzz.h"

#include "config/env_file.h"
#include "config/settings_table.h"
#include "upstream/profile.h"

using namespace llmproxy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const std::string_view text = textOf(data, size);
    const EnvFile files[] = {parseEnvFile(text), parseSharedEnvFile(text, [](std::string_view name) { return name.size() < 3; })};
    for (const EnvFile &file : files) {
        for (const EnvValue &one : file.values)
            FUZZ_CHECK(!one.name.empty() && one.name.find_first_of("= \n") == std::string::npos && one.line > 0);
    }
    Profiles profiles;
    if (!addProfiles(text, &profiles)) {
        for (const auto &[name, profile] : profiles)
            FUZZ_CHECK(!name.empty() && profile.name == name);
    }
    Settings settings;
    const std::vector<SettingRow> &rows = settingRows();
    if (size > 1)
        rows[data[0] % rows.size()].store(std::string(text.substr(1)), settings);
    return 0;
}
