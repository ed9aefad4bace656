// SPDX-License-Identifier: GPL-3.0-only
#include "child_process.h"

#include "base/ascii.h"
#include "config/settings.h"
#include "output.h"

#include <QUrl>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <spawn.h>
#include <sys/wait.h>

namespace llmproxy {

namespace {

// Would make a client ask the provider itself, or send it another credential.
bool bypassesProxy(const std::string &name)
{
    static const std::set<std::string> names{"ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENAI_ORG_ID",
                                             "OPENAI_PROJECT_ID"};
    return names.count(name) > 0 || name.rfind("CLAUDE_CODE_USE_", 0) == 0;
}

// Of one that serverUrl() made.
std::string hostOf(const std::string &url)
{
    return QUrl(fromText(url)).host(QUrl::FullyEncoded).toStdString();
}

// Without these many programs do not run, or run as somebody else's.
bool isOfTheSystem(const std::string &name)
{
    static const std::set<std::string> names{
        "PATH", "HOME", "SHELL", "USER", "LOGNAME", "USERNAME", "TERM", "COLORTERM", "LANG", "LANGUAGE", "TZ", "PWD", "OLDPWD", "TMPDIR", "TMP", "TEMP", "HOSTNAME",
        "SHLVL", "_", "PS1", "IFS", "MAIL", "EDITOR", "VISUAL", "PAGER", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "SSH_CONNECTION",
        "SSH_TTY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "VIRTUAL_ENV", "CONDA_PREFIX", "NODE_PATH", "NODE_OPTIONS",
        "PYTHONPATH", "PYTHONHOME", "JAVA_HOME", "GOPATH", "GOROOT", "CARGO_HOME", "RUSTUP_HOME", "NVM_DIR", "MANPATH", "INFOPATH", "DOCKER_HOST", "KUBECONFIG"};
    static const char *const beginnings[] = {"LC_", "XDG_", "LD_", "QT_", "GTK_", "GIT_"};
    std::string upper = name;
    std::transform(upper.begin(), upper.end(), upper.begin(), asciiUpper);
    return names.count(upper) > 0 || upper == "HTTP_PROXY" || upper == "HTTPS_PROXY" || upper == "ALL_PROXY" || upper == "NO_PROXY" || upper == "FTP_PROXY"
        || std::any_of(std::begin(beginnings), std::end(beginnings), [&upper](const char *beginning) { return upper.rfind(beginning, 0) == 0; });
}

// OPENAI_API_KEY, GH_TOKEN, MY_SECRET: the last word says what it is.
bool isNamedAsSecret(const std::string &name)
{
    static const std::set<std::string> words{"KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS"};
    const size_t begin = name.rfind('_');
    return begin != std::string::npos && words.count(name.substr(begin + 1)) > 0;
}

void addNoProxy(std::map<std::string, std::string> &variables, const std::string &name, const std::string &host)
{
    std::string &value = variables[name];
    if (value != "*")
        value += (value.empty() ? "" : ",") + host;
}

// Typed at a terminal, the command has had it from there already.
bool fromTerminal(const siginfo_t &info)
{
    return info.si_code == SI_KERNEL;
}

int statusOf(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int waitForChild(pid_t child, const sigset_t &signals)
{
    int status = 0;
    while (true) {
        siginfo_t info = {};
        const int number = sigwaitinfo(&signals, &info);
        if (number > 0 && number != SIGCHLD && !fromTerminal(info))
            kill(child, number);
        if (waitpid(child, &status, WNOHANG) == child)
            return statusOf(status);
    }
}

} // namespace

bool mayWithhold(const std::string &name, bool isElsewhere)
{
    return !isOfTheSystem(name) && (!isElsewhere || isNamedAsSecret(name));
}

std::map<std::string, std::string> inheritedVariables(std::map<std::string, std::string> ours, const std::set<std::string> &withheld)
{
    std::erase_if(ours, [&](const auto &entry) { return isOwnSecretVariable(entry.first) || bypassesProxy(entry.first) || withheld.count(entry.first) > 0; });
    return ours;
}

std::vector<std::string> asTexts(const std::map<std::string, std::string> &variables)
{
    std::vector<std::string> texts;
    for (const auto &[name, value] : variables)
        texts.push_back(name + "=" + value);
    return texts;
}

std::map<std::string, std::string> childVariables(std::map<std::string, std::string> ours,
                                                  const ChildEnvironment &child)
{
    ours = inheritedVariables(std::move(ours), child.withheld);
    ours["OPENAI_API_KEY"] = child.token;
    ours["OPENAI_BASE_URL"] = child.url + "/v1";
    ours["ANTHROPIC_AUTH_TOKEN"] = child.token;
    ours["ANTHROPIC_BASE_URL"] = child.url;
    ours["GEMINI_API_KEY"] = child.token;
    ours["GOOGLE_GEMINI_BASE_URL"] = child.url + "/gemini";
    addNoProxy(ours, "NO_PROXY", hostOf(child.url));
    if (ours.count("no_proxy") > 0)
        addNoProxy(ours, "no_proxy", hostOf(child.url));
    return ours;
}

int runChild(const std::vector<std::string> &command, const std::map<std::string, std::string> &variables,
             const sigset_t &signals)
{
    std::vector<std::string> texts = asTexts(variables);
    std::vector<char *> environment, arguments;
    for (std::string &text : texts)
        environment.push_back(text.data());
    environment.push_back(nullptr);
    std::vector<std::string> words = command;
    for (std::string &word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, standard;
    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE); // the one that we ignore
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &standard);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t child = 0;
    const int error = posix_spawnp(&child, arguments[0], nullptr, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    for (std::string &text : texts)
        text.assign(text.size(), '\0');
    if (error != 0) {
        note(command[0] + " cannot be started: " + std::strerror(error));
        return error == ENOENT ? 127 : 126;
    }
    return waitForChild(child, signals);
}

} // namespace llmproxy
