// SPDX-License-Identifier: GPL-3.0-only
#include "hidden_watch.h"

#include "base/threads.h"
#include "config/hidden_by_run.h"
#include "isolation_plan.h"
#include "mount_inside.h"
#include "output.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr uint32_t replacing = IN_CREATE | IN_MOVED_TO;
constexpr uint32_t filled = IN_CLOSE_WRITE | IN_MOVED_TO; // what a file has in it can be looked at

std::string folderAround(const std::string &path)
{
    return std::filesystem::path(path).parent_path().string();
}

// bubblewrap has one child.
pid_t childOf(pid_t process)
{
    const std::string number = std::to_string(process);
    std::ifstream children("/proc/" + number + "/task/" + number + "/children");
    pid_t child = -1;
    children >> child;
    return child;
}

bool contains(const std::vector<std::string> &paths, const std::string &path)
{
    return std::find(paths.begin(), paths.end(), path) != paths.end();
}

} // namespace

HiddenWatch::HiddenWatch(const HiddenPaths &hidden, pid_t bubblewrap, std::string envFile)
    : m_files(hidden.files()), m_remade(hidden.remade()), m_folders(hidden.folders()), m_envFile(std::move(envFile)), m_bubblewrap(bubblewrap),
      m_inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), m_stop(eventfd(0, EFD_CLOEXEC))
{
    for (const std::vector<std::string> &paths : {m_files, m_remade, m_folders}) {
        for (const std::string &path : paths)
            addFolder(folderAround(path));
    }
    if (!m_envFile.empty() && !hidden.covers(m_envFile))
        addFolder(folderAround(m_envFile));
    for (const std::string &folder : hidden.markedFolders())
        m_markedFolder = m_markedFolder.empty() ? folder : m_markedFolder;
    tryThread(m_thread, "hidden-files", [this] { watch(); });
}

HiddenWatch::~HiddenWatch()
{
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_stop, &one, sizeof one);
    if (m_thread.joinable())
        m_thread.join();
    close(m_inotify);
    close(m_stop);
}

void HiddenWatch::addFolder(const std::string &folder)
{
    const int watched = inotify_add_watch(m_inotify, folder.c_str(), replacing | filled | IN_ONLYDIR);
    if (watched >= 0)
        m_watched[watched] = folder;
}

bool HiddenWatch::isRemade(const std::string &path) const
{
    return std::any_of(m_remade.begin(), m_remade.end(), [&path](const std::string &beginning) { return path.starts_with(beginning); });
}

bool HiddenWatch::isToHide(const std::string &path, uint32_t event) const
{
    if (isRemade(path) || contains(m_files, path) || contains(m_folders, path))
        return (event & replacing) != 0;
    std::string dataDir; // the command may write a .env of its own
    return path == m_envFile && (event & filled) != 0 && isEnvFileOfOurs(path, &dataDir);
}

bool HiddenWatch::hideAgain(const std::string &path) const
{
    const bool isFolder = std::filesystem::is_directory(path);
    const std::string mark = m_markedFolder.empty() ? "/dev/null" : m_markedFolder + '/' + hiddenMark;
    return mountInside(childOf(m_bubblewrap), isFolder ? m_markedFolder : mark, path);
}

void HiddenWatch::look(int watched, const std::string &name, uint32_t event)
{
    const auto folder = m_watched.find(watched);
    if (folder == m_watched.end())
        return;
    const std::string path = (folder->second == "/" ? std::string() : folder->second) + '/' + name;
    if (!isToHide(path, event))
        return;
    if (contains(m_files, path) && !isRemade(path))
        note(path + " was replaced while the command runs; it is hidden again, but the command may have read it before: replace the secrets in it");
    mustHide(path);
    m_hasNewEnvFile = m_hasNewEnvFile || (path == m_envFile && !contains(m_files, path));
}

// Events were lost. What is hidden once more loses nothing.
void HiddenWatch::lookAtAll()
{
    for (const auto &[watched, folder] : m_watched) {
        std::error_code error;
        for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
            if (isToHide(entry.path().string(), replacing | filled))
                mustHide(entry.path().string());
        }
    }
}

void HiddenWatch::mustHide(const std::string &path)
{
    if (m_isEnded || hideAgain(path) || access(path.c_str(), F_OK) != 0) // gone already, as a temporary file
        return;
    note(path + " was replaced, and could not be hidden from the command again; the command is ended");
    m_isEnded = true;
    kill(m_bubblewrap, SIGKILL);
}

void HiddenWatch::watch()
{
    alignas(inotify_event) char block[sizeof(inotify_event) + NAME_MAX + 1];
    pollfd waited[] = {{m_inotify, POLLIN, 0}, {m_stop, POLLIN, 0}};
    while ((poll(waited, 2, -1) >= 0 || errno == EINTR) && waited[1].revents == 0) {
        const ssize_t got = read(m_inotify, block, sizeof block);
        for (ssize_t at = 0; at < got;) {
            const auto *const event = reinterpret_cast<const inotify_event *>(block + at);
            if ((event->mask & IN_Q_OVERFLOW) != 0)
                lookAtAll();
            else if (event->len > 0)
                look(event->wd, event->name, event->mask);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
    }
}

} // namespace llmproxy
