// SPDX-License-Identifier: GPL-3.0-only
// What the tests of settings share: sources made of a few variables, and files of settings.
#pragma once

#include "config/settings.h"

#include <QFile>
#include <QTest>

#include <algorithm>
#include <map>
#include <string>
#include <sys/stat.h>

namespace llmproxy::test {

inline const std::string goodToken = "0123456789abcdef0123456789abcdef";

inline SettingSources with(std::map<std::string, std::string> environment)
{
    SettingSources sources;
    for (const auto &[name, value] : environment) {
        if (isSecretSetting(name))
            sources.secrets[name] = std::make_shared<const Secret>(value);
        else
            sources.environment[name] = value;
    }
    sources.serve = true;
    return sources;
}

inline bool complains(const LoadedSettings &loaded, const std::string &name)
{
    return std::any_of(loaded.problems.begin(), loaded.problems.end(), [&](const SettingProblem &p) { return p.name == name; });
}

inline void writeFile(const std::string &path, const char *text, mode_t mode = 0600)
{
    QFile file(QString::fromStdString(path));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
    file.close();
    chmod(path.c_str(), mode);
}

} // namespace llmproxy::test
