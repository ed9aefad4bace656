// SPDX-License-Identifier: GPL-3.0-only
#include "session_doors.h"

#include "base/absolute_path.h"

#include <algorithm>
#include <filesystem>
#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

using Variables = std::map<std::string, std::string>;

std::string valueOf(const Variables &variables, const std::string &name)
{
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
}

// The paths in "unix:path=/tmp/dbus-x,guid=1;unix:dir=/tmp".
std::vector<std::string> busPaths(const std::string &address)
{
    constexpr std::string_view key = "path=";
    std::vector<std::string> paths;
    for (size_t at = 0; (at = address.find(key, at)) != std::string::npos;) {
        at += key.size();
        paths.push_back(address.substr(at, address.find_first_of(",;", at) - at));
    }
    return paths;
}

std::string userName()
{
    const passwd *const entry = getpwuid(geteuid());
    return entry ? entry->pw_name : std::to_string(geteuid());
}

std::string socketOfUrl(const std::string &url)
{
    constexpr std::string_view scheme = "unix://";
    return url.starts_with(scheme) ? url.substr(scheme.size()) : std::string();
}

void addMatches(HiddenPaths &hidden, const std::string &pattern, const std::string &what)
{
    glob_t found = {};
    if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
        for (size_t at = 0; at < found.gl_pathc; ++at) {
            struct stat about = {};
            if (lstat(found.gl_pathv[at], &about) == 0 && (about.st_uid == geteuid() || about.st_uid == 0)) // another user's is no door of ours
                hidden.addFile(found.gl_pathv[at], what);
        }
    }
    globfree(&found);
}

void keep(const std::string &path, SessionDoors &doors)
{
    const std::string real = reachablePath(path);
    if (real.empty())
        return;
    doors.kept.push_back(real);
    const std::filesystem::path named(absolutePath(path));
    const std::string link = reachablePath(named.parent_path()) + '/' + named.filename().string();
    if (link != real)
        doors.links[link] = real;
}

// By an empty one of the command's own.
void replaceFolder(const std::string &folder, const std::string &what, SessionDoors &doors, HiddenPaths &hidden)
{
    hidden.addFolder(folder, what);
    if (const std::string real = reachablePath(folder); !real.empty())
        doors.runtimeDirs.insert(real);
}

// Whoever may write to one of these has another process do what it likes: start a container with every folder in it, a unit of
// systemd, a command in the next pane.
void addServices(const Variables &environment, SessionDoors &doors, HiddenPaths &hidden)
{
    static const char *const sockets[] = {"/run/docker.sock",      "/run/containerd/containerd.sock", "/run/podman/podman.sock",           "/run/crio/crio.sock",
                                          "/run/libvirt/libvirt-sock", "/run/snapd.socket",           "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket",
                                          "/run/systemd/private",  "/run/dbus/system_bus_socket",     "/run/initctl",                      "/run/udev/control"};
    hidden.addFolder("/run/llm-proxy", "control sockets"); // of a server on a file system without sockets, and of the system service
    for (const char *const socket : sockets)
        hidden.addFile(socket, "system service");
    hidden.addFile(socketOfUrl(valueOf(environment, "DOCKER_HOST")), "container engine");
    const std::string user = std::to_string(geteuid()), home = valueOf(environment, "HOME");
    const std::string multiplexers = valueOf(environment, "TMUX_TMPDIR").empty() ? "/tmp" : valueOf(environment, "TMUX_TMPDIR");
    for (const std::string &folder : {multiplexers + "/tmux-" + user, "/tmp/zellij-" + user, "/run/screen/S-" + userName(), home.empty() ? std::string() : home + "/.screen"})
        replaceFolder(folder, "terminal multiplexer", doors, hidden); // one that the command starts keeps its own there
    for (const std::string &pattern : {"/tmp/emacs" + user, std::string("/tmp/nvim*"), std::string("/tmp/vscode-*.sock"), std::string("/tmp/kitty-*")})
        addMatches(hidden, pattern, "editor or terminal");
}

void addDisplays(const Variables &environment, SessionDoors &doors, HiddenPaths &hidden)
{
    const std::string home = valueOf(environment, "HOME");
    doors.withheld.insert({"DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XAUTHORITY", "SESSION_MANAGER", "ICEAUTHORITY", "AT_SPI_BUS_ADDRESS"});
    hidden.addFolder("/tmp/.X11-unix", "display");
    hidden.addFolder("/tmp/.ICE-unix", "display");
    hidden.addFile(valueOf(environment, "XAUTHORITY"), "display");
    hidden.addFile(home.empty() ? std::string() : home + "/.Xauthority", "display");
    if (const std::string wayland = valueOf(environment, "WAYLAND_DISPLAY"); wayland.starts_with('/'))
        hidden.addFile(wayland, "display");
}

void keepDisplays(const Variables &environment, const std::string &runtimeDir, SessionDoors &doors)
{
    const std::string wayland = valueOf(environment, "WAYLAND_DISPLAY");
    if (!wayland.empty())
        keep(wayland.starts_with('/') ? wayland : runtimeDir + "/" + wayland, doors);
    keep(valueOf(environment, "XAUTHORITY"), doors);
    doors.withheld.insert("AT_SPI_BUS_ADDRESS");
    doors.devices = {"/dev/dri", "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-modeset", "/dev/nvidia-uvm"};
}

void addAgent(const Variables &environment, const DoorOptions &options, SessionDoors &doors, HiddenPaths &hidden)
{
    const std::string socket = valueOf(environment, "SSH_AUTH_SOCK");
    doors.withheld.insert({"SSH_AGENT_PID", "GPG_AGENT_INFO"});
    if (options.allowSshAgent) {
        keep(socket, doors);
        return;
    }
    doors.withheld.insert("SSH_AUTH_SOCK");
    hidden.addFile(socket, "SSH agent");
}

} // namespace

namespace {

// The command works inside it, as in /tmp given as XDG_RUNTIME_DIR: it stays, without its sockets.
void hideSockets(const std::string &folder, HiddenPaths &hidden)
{
    constexpr int deepest = 2;
    std::error_code error;
    using Iterator = std::filesystem::recursive_directory_iterator;
    for (Iterator at(folder, std::filesystem::directory_options::skip_permission_denied, error); !error && at != Iterator(); at.increment(error)) {
        if (at.depth() >= deepest)
            at.disable_recursion_pending();
        std::error_code none;
        if (at->is_socket(none))
            hidden.addFile(at->path().string(), "session");
    }
}

// WSL's sockets lie elsewhere, and the runtime directory has links to them.
void hideLinked(const SessionDoors &doors, HiddenPaths &hidden)
{
    for (const std::string &folder : doors.runtimeDirs) {
        std::error_code error;
        for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
            std::error_code none;
            const std::string real = entry.is_symlink(none) && entry.is_socket(none) ? reachablePath(entry.path().string()) : std::string();
            if (!real.empty() && std::find(doors.kept.begin(), doors.kept.end(), real) == doors.kept.end())
                hidden.addFile(real, "session");
        }
    }
}

// Those of other sessions of this user, whose addresses stand in no variable here.
void addOtherSessions(const Variables &environment, bool allowsAgent, HiddenPaths &hidden)
{
    const std::string home = valueOf(environment, "HOME");
    addMatches(hidden, "/tmp/dbus-*", "session bus");
    if (!home.empty())
        addMatches(hidden, home + "/.dbus/session-bus/*", "session bus");
    if (allowsAgent)
        return;
    addMatches(hidden, "/tmp/ssh-*/agent.*", "SSH agent");
    if (!home.empty())
        addMatches(hidden, home + "/.gnupg/S.*", "GPG agent");
}

void addRuntimeDir(const std::string &folder, SessionDoors &doors, HiddenPaths &hidden)
{
    const std::string real = reachablePath(folder), here = reachablePath(".");
    if (real.empty())
        return;
    if (here == real || here.starts_with(real + "/")) {
        hideSockets(real, hidden);
        return;
    }
    hidden.addFolder(real, "runtime directory");
    doors.runtimeDirs.insert(real);
}

} // namespace

SessionDoors sessionDoors(const Variables &environment, const DoorOptions &options, HiddenPaths &hidden)
{
    SessionDoors doors;
    doors.withheld = {"DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_ADDRESS", "GNOME_KEYRING_CONTROL", "TMUX", "TMUX_PANE", "STY", "ZELLIJ", "NVIM", "NVIM_LISTEN_ADDRESS",
                      "EMACS_SERVER_FILE", "KITTY_LISTEN_ON", "VSCODE_IPC_HOOK_CLI", "DOCKER_HOST", "CONTAINER_HOST"};
    if (socketOfUrl(valueOf(environment, "DOCKER_HOST")).empty())
        doors.withheld.erase("DOCKER_HOST"); // a machine elsewhere
    const std::string given = valueOf(environment, "XDG_RUNTIME_DIR");
    addRuntimeDir("/run/user/" + std::to_string(geteuid()), doors, hidden);
    addRuntimeDir(given, doors, hidden);
    for (const std::string &path : busPaths(valueOf(environment, "DBUS_SESSION_BUS_ADDRESS")))
        hidden.addFile(path, "session bus");
    addOtherSessions(environment, options.allowSshAgent, hidden);
    addServices(environment, doors, hidden);
    if (options.allowDisplay)
        keepDisplays(environment, given, doors);
    else
        addDisplays(environment, doors, hidden);
    addAgent(environment, options, doors, hidden);
    hideLinked(doors, hidden);
    return doors;
}

} // namespace llmproxy
