// SPDX-License-Identifier: GPL-3.0-only
// What --demo brings along: a temporary data directory, its own management token, a project and a fresh
// access token. Secrets are printed to stderr only. Owned by serve(). Thread: main.
#pragma once

#include "config/settings.h"

#include <memory>
#include <string>

namespace llmproxy {

class EndGuard;
class Engine;

class Demo
{
public:
    Demo();
    ~Demo(); // removes the temporary folder; when this process is killed, its guard does
    Demo(const Demo &) = delete;
    Demo &operator=(const Demo &) = delete;

    // Its own management token, whatever the environment says; the same one and folder at each start of the engine.
    void prepare(SettingSources &sources);
    // A temporary DATA_DIR when none was given, and a free port when none was given and the usual one is taken; loads the settings
    // again. False after a sentence.
    bool settle(SettingSources &sources, LoadedSettings &loaded);
    // Temporary, after settle(): for whatever must not stay, like the console's own settings.
    const std::string &folder() const { return m_temporary; }
    // Project and token; prints them. False after a sentence.
    bool fill(Engine &engine) const;

private:
    bool makeFolder();

    std::string m_managementToken;
    std::string m_dataDir;
    std::string m_temporary;
    std::unique_ptr<EndGuard> m_guard; // of m_temporary
};

} // namespace llmproxy
