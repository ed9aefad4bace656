// SPDX-License-Identifier: GPL-3.0-only
#include "isolation.h"

#include "access/cidr.h"
#include "child_process.h"
#include "config/hidden_by_run.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "management_client.h"
#include "output.h"

#include <CLI/CLI.hpp>
#include <QJsonArray>
#include <QUrl>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace llmproxy {

namespace {

bool isOfThisMachine(const std::string &url)
{
    const QString host = QUrl(fromText(url)).host();
    const auto address = IpAddress::parse(host.toStdString());
    return address ? address->isLoopback() : host == QLatin1String("localhost") || host.endsWith(QLatin1String(".localhost"));
}

// Of the server that is used: it knows its own paths, and in which folder they are meant. Those of another machine mean nothing here.
std::vector<OwnPlace> placesOfServer(ManagementClient &client, const std::string &url)
{
    std::vector<OwnPlace> places;
    if (!isOfThisMachine(url))
        return places;
    constexpr qsizetype mostPlaces = 1000;
    const ApiAnswer answer = client.call("GET", "/manage/files");
    const QJsonArray items = answer.body.value(QLatin1String("items")).toArray();
    for (qsizetype i = 0; i < std::min(items.size(), mostPlaces); ++i) {
        const QJsonObject item = items.at(i).toObject();
        const std::string kind = cell(item, "kind"), path = cell(item, "path");
        using Kind = OwnPlace::Kind;
        if (path.starts_with('/'))
            places.push_back({path, kind == "folder" ? Kind::Folder : kind == "file" ? Kind::File : Kind::Files, cell(item, "what")});
    }
    return places;
}

std::string cut(std::string text)
{
    constexpr size_t longest = 200;
    return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

std::string shownSession(const DoorOptions &doors)
{
    return std::string(", the session bus") + (doors.allowDisplay ? "" : ", displays (--allow-display)") + (doors.allowSshAgent ? "" : ", the SSH agent (--allow-ssh-agent)") + " and other processes";
}

} // namespace

std::vector<OwnPlace> Isolation::placesHere(const Settings &settings, const std::map<std::string, std::string> &environment)
{
    std::vector<OwnPlace> places = ownPlaces(settings);
    places.push_back({usualDataDir(environment), OwnPlace::Kind::Folder, "data directory"});
    places.push_back({controlSocketOf(settings.dataDir).path, OwnPlace::Kind::File, "control socket"});
    return places;
}

void addIsolationOptions(CLI::App *command, IsolationOptions &options)
{
    CLI::Option *const required = command->add_flag("--require-isolation", options.isRequired, "Do not start the command when it cannot be isolated");
    command->add_flag("--no-isolation", options.isOff, "Start the command as any other: it can read keys and use the control socket")->excludes(required);
    command->add_option("--read-only", options.readOnly, "Folder that the command cannot write, may be repeated")->type_name("DIR")->type_size(1)->allow_extra_args(false);
    command->add_option("--hide", options.hide, "File or folder that the command does not see, may be repeated")->type_name("PATH")->type_size(1)->allow_extra_args(false);
    command->add_flag("--allow-display", options.doors.allowDisplay, "The command may open windows, and with them read others and the clipboard");
    command->add_flag("--allow-ssh-agent", options.doors.allowSshAgent, "The command may use the SSH agent, as git push does");
}

int Isolation::goOnWithout(const IsolationOptions &options, const IsolationPlan &plan, const std::string &why)
{
    if (options.isRequired)
        return complain(ExitFailed, "the command was not started, because it cannot be isolated: " + why);
    m_event = cut("off: " + why);
    note("isolation: off, " + why + ". " + openWithout(plan.hidden));
    return ExitOk;
}

int Isolation::open(const IsolationOptions &options, ManagementClient &client, const std::string &url, const std::vector<OwnPlace> &here, const std::map<std::string, std::string> &environment, std::set<std::string> &withheld)
{
    std::vector<OwnPlace> places = placesOfServer(client, url);
    places.insert(places.end(), here.begin(), here.end());
    std::string problem;
    IsolationPlan plan = planIsolation(options, environment, places, &problem);
    if (options.isOff)
        return goOnWithout(options, plan, "as --no-isolation says");
    if (problem.empty())
        problem = folderAmongStandard();
    if (!problem.empty())
        return complain(ExitUsage, problem);
    closeInheritedExceptPipes();
    // A socket or a rotated log can go between the look and its mount, which bubblewrap takes for an error: looked at anew.
    constexpr int mostLooks = 5;
    Sandbox::Obstacle obstacle;
    for (int look = 1; !(m_sandbox = Sandbox::open(plan, asTexts(inheritedVariables(environment, withheld)), &obstacle)); ++look) {
        plan.hidden.removeMade();
        if (obstacle.isOfThisMachine)
            return goOnWithout(options, plan, obstacle.why);
        if (look == mostLooks || obstacle.why.find(std::strerror(ENOENT)) == std::string::npos)
            return complain(ExitFailed, "the command was not started, because its isolation failed: " + obstacle.why + ". --no-isolation starts it without");
        plan = planIsolation(options, environment, places, &problem);
    }
    plan.hidden.removeMade();
    m_watch = std::make_unique<HiddenWatch>(plan.hidden, m_sandbox->process(), plan.workingDirectory + "/.env");
    withheld.insert(plan.doors.withheld.begin(), plan.doors.withheld.end());
    std::string openings = m_sandbox->openings();
    for (const std::string &path : plan.hidden.withOtherNames())
        openings += (openings.empty() ? "" : "; ") + std::string("other names (hard links) of ") + path;
    const std::string open = openings.empty() ? std::string() : "; open: " + openings;
    m_event = cut("on" + open);
    note("isolation: on; the command does not see " + plan.hidden.summary() + shownSession(options.doors) + open);
    if (isClosedToRootsCommand(plan.workingDirectory))
        note("the command cannot write in the working directory, which belongs to another user: in there, root has no capabilities. Start run as that user, or with --no-isolation");
    return ExitOk;
}

std::string Isolation::forEvent() const
{
    return m_event;
}

int Isolation::run(const std::vector<std::string> &command, std::map<std::string, std::string> variables, const sigset_t &signals)
{
    if (!m_sandbox) {
        closeAllBut(m_inherited);
        return runChild(command, variables, signals);
    }
    variables[insideRunVariable] = "1";
    const int code = m_sandbox->run(command, asTexts(variables), signals);
    if (m_watch->hasNewEnvFile())
        note("a .env with secrets of LLM Proxy appeared in the working directory while the command ran; look at it before a server is started there");
    m_watch.reset();
    return code;
}

} // namespace llmproxy
