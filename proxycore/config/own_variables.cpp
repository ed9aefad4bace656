// SPDX-License-Identifier: GPL-3.0-only
// Which environment variables are this program's: those of the declared settings, and those below, which are read for us by a
// library, by systemd or by a source of secrets.
#include "config/settings.h"

#include "base/ascii.h"

#include <algorithm>

namespace llmproxy {

namespace {

struct OtherVariable
{
    std::string_view name; // ending in '_': all that begin with it
    bool isSecret;         // kept from commands, too; agents use the AWS variables themselves
};

constexpr OtherVariable otherVariables[] = {
    {"LLM_PROXY_", false},
    {"CREDENTIALS_DIRECTORY", false}, // systemd's
    {"VAULT_", true}, // the sources of references sign in with them
    {"AWS_", false},
};

bool isNamed(const OtherVariable &other, std::string_view name)
{
    return other.name.back() == '_' ? name.starts_with(other.name) : name == other.name;
}

// MANAGEMENT_TOKEN, and MANAGEMENT_TOKEN_FILE or _OLD beside it.
bool isSecretOf(const SettingDeclaration &setting, std::string_view name)
{
    return setting.secret && name.starts_with(setting.name) && (name.size() == setting.name.size() || name[setting.name.size()] == '_');
}

} // namespace

bool isOwnVariable(std::string_view name)
{
    const std::vector<SettingDeclaration> &settings = settingDeclarations();
    return std::any_of(std::begin(otherVariables), std::end(otherVariables), [name](const OtherVariable &other) { return isNamed(other, name); })
           || std::any_of(settings.begin(), settings.end(), [name](const SettingDeclaration &setting) {
                  return equalsIgnoreCase(setting.name, name) || isSecretOf(setting, name); // https_proxy is read, too
              });
}

bool isOwnSecretVariable(std::string_view name)
{
    const std::vector<SettingDeclaration> &settings = settingDeclarations();
    return std::any_of(std::begin(otherVariables), std::end(otherVariables), [name](const OtherVariable &other) { return other.isSecret && isNamed(other, name); })
           || std::any_of(settings.begin(), settings.end(), [name](const SettingDeclaration &setting) { return isSecretOf(setting, name); });
}

} // namespace llmproxy
