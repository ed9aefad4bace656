// SPDX-License-Identifier: GPL-3.0-only
// Keeps hidden what is replaced while the command of `llm-proxy run` runs. A file is hidden by a mount on it, and the kernel takes that
// away when somebody outside renames another file over it or makes it anew: an editor that saves .env, a log that is rotated, a
// database's -wal. Each is hidden again as soon as inotify says so, some milliseconds later; what lies in a hidden folder needs none of
// this. Where that fails the command is ended. Thread: main creates and destroys it, its own watches.
#pragma once

#include "hidden_paths.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace llmproxy {

class HiddenWatch
{
public:
    // bubblewrap: its process, whose child is the first one inside. envFile: .env of the working directory, which is hidden too when it
    // appears and sets a secret of ours.
    HiddenWatch(const HiddenPaths &hidden, pid_t bubblewrap, std::string envFile);
    ~HiddenWatch();
    bool hasNewEnvFile() const { return m_hasNewEnvFile; } // envFile appeared; thread: any
    HiddenWatch(const HiddenWatch &) = delete;
    HiddenWatch &operator=(const HiddenWatch &) = delete;

private:
    void addFolder(const std::string &folder);
    void watch();
    void look(int watched, const std::string &name, uint32_t event);
    bool isRemade(const std::string &path) const;
    bool isToHide(const std::string &path, uint32_t event) const;
    void lookAtAll();
    void mustHide(const std::string &path);
    bool hideAgain(const std::string &path) const;

    const std::vector<std::string> m_files, m_remade, m_folders; // m_remade: beginnings of names
    const std::string m_envFile;
    std::string m_markedFolder; // a hidden folder, which is put in place of another
    const pid_t m_bubblewrap;
    std::map<int, std::string> m_watched;
    bool m_isEnded = false; // the command, by us
    std::atomic<bool> m_hasNewEnvFile = false;
    int m_inotify = -1, m_stop = -1;
    std::thread m_thread;
};

} // namespace llmproxy
