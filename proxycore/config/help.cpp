// SPDX-License-Identifier: GPL-3.0-only
#include "config/help.h"

#include "base/ascii.h"
#include "config/settings.h"

#include <QStringList>

#include <algorithm>

namespace llmproxy {

std::string flagOf(const SettingDeclaration &declaration)
{
    if (declaration.secret)
        return {};
    std::string flag = "--";
    for (const char c : declaration.name)
        flag += c == '_' ? '-' : asciiLower(c);
    return flag;
}

std::vector<std::string> choicesOf(const SettingDeclaration &declaration)
{
    if (declaration.accepts == "boolean")
        return {"true", "false"};
    if (declaration.accepts.find(" or ") == std::string::npos)
        return {};
    QString words = QString::fromStdString(declaration.accepts);
    words.replace(QLatin1String(" or "), QLatin1String(", "));
    std::vector<std::string> choices;
    for (const QString &word : words.split(QLatin1String(", "))) {
        const bool isOne = std::all_of(word.begin(), word.end(), [](QChar c) { return c.isLetterOrNumber() || c == u'.'; });
        if (!isOne || word.isEmpty())
            return {};
        choices.push_back(word.toStdString());
    }
    return choices;
}

std::string settingsHelp()
{
    size_t width = 0;
    for (const SettingDeclaration &one : settingDeclarations())
        width = std::max(width, one.name.size());
    std::string out;
    for (const SettingDeclaration &one : settingDeclarations()) {
        out += "  " + one.name + std::string(width + 2 - one.name.size(), ' ') + one.meaning;
        out += " (" + one.accepts + (one.defaultText.empty() ? "" : "; default " + one.defaultText) + ")\n";
    }
    return out;
}

std::string settingsReferenceMarkdown()
{
    std::string out = "# Settings\n\n"
                      "Made from the declarations in [settings_table.cpp](../proxycore/config/settings_table.cpp). Order of sources: flag,\n"
                      "environment, `.env`, saved (`$DATA_DIR/settings.env`, written by `PATCH /manage/settings`), default. All problems are reported at once, with exit code 2, before anything starts.\n"
                      "Secrets have no flag.\n\n"
                      "The column remote says what a caller of `PATCH /manage/settings` may change that is not local, that is, neither root nor the\n"
                      "server's own user on the same machine: yes; lower or raise (only in that direction); – (not at all).\n\n"
                      "| variable | flag | accepts | default | remote | meaning |\n|---|---|---|---|---|---|\n";
    for (const SettingDeclaration &one : settingDeclarations()) {
        const std::string flag = flagOf(one);
        out += "| `" + one.name + "` | " + (flag.empty() ? "–" : "`" + flag + "`") + " | " + one.accepts + " | "
               + (one.defaultText.empty() ? "–" : "`" + one.defaultText + "`") + " | "
               + (one.remote == RemoteChange::No ? "–" : std::string(nameOf(one.remote))) + " | " + one.meaning + " |\n";
    }
    return out;
}

std::string envExample()
{
    std::string out = "# SPDX-License-Identifier: GPL-3.0-only\n"
                      "# All settings with their defaults; made from their declarations. Copy to .env (chmod 600) and uncomment what\n"
                      "# you change. llm-proxy setup writes one for you. Never commit .env.\n";
    for (const SettingDeclaration &one : settingDeclarations()) {
        out += "\n# " + one.meaning + " (" + one.accepts + (one.secret ? "; secret" : "") + ")\n";
        out += "#" + one.name + "=" + one.defaultText + "\n";
    }
    return out;
}

} // namespace llmproxy
