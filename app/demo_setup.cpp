// SPDX-License-Identifier: GPL-3.0-only
#include "demo_setup.h"

#include "base/random.h"
#include "end_guard.h"
#include "engine/engine.h"
#include "engine/listen_plan.h"
#include "management_client.h"
#include "output.h"
#include "settings_source.h"

#include <QDir>

#include <cstdio>
#include <cstdlib>

namespace llmproxy {

namespace {

const char projectId[] = "proj-demo";

void removeFolder(const std::string &path)
{
    QDir(fromText(path)).removeRecursively();
}

bool isDefault(const LoadedSettings &loaded, const char *name)
{
    const auto origin = loaded.origin.find(name);
    return origin == loaded.origin.end() || origin->second == "default";
}

} // namespace

Demo::Demo() = default;

Demo::~Demo()
{
    if (!m_temporary.empty()) {
        removeFolder(m_temporary);
        m_guard->release();
    }
    wipe(m_managementToken.data(), m_managementToken.size());
}

void Demo::prepare(SettingSources &sources)
{
    if (m_managementToken.empty())
        m_managementToken = randomBase62(43);
    sources.secrets["MANAGEMENT_TOKEN"] = std::make_shared<const Secret>(m_managementToken);
}

bool Demo::settle(SettingSources &sources, LoadedSettings &loaded)
{
    const bool wantsFolder = isDefault(loaded, "DATA_DIR"), wantsPort = isDefault(loaded, "LISTEN_ADDR") && isPortTaken(loaded.settings.listen);
    if (m_temporary.empty() && !makeFolder())
        return false;
    if (wantsFolder)
        sources.flags["DATA_DIR"] = m_temporary;
    if (wantsPort)
        sources.flags["LISTEN_ADDR"] = listenText(onFreePorts(loaded.settings.listen));
    if ((wantsFolder || wantsPort) && !loadOrComplain(sources, loaded))
        return false;
    m_dataDir = loaded.settings.dataDir;
    return true;
}

bool Demo::makeFolder()
{
    m_guard = std::make_unique<EndGuard>(removeFolder);
    std::string folder = QDir::tempPath().toStdString() + "/llm-proxy-demo-XXXXXX";
    if (!mkdtemp(folder.data())) {
        note("no temporary folder can be made in " + QDir::tempPath().toStdString());
        return false;
    }
    m_temporary = folder;
    m_guard->protect(folder);
    return true;
}

bool Demo::fill(Engine &engine) const
{
    const auto client = clientOfEngine(engine);
    ApiAnswer project = client->call("GET", std::string("/manage/projects/") + projectId);
    if (project.status == 404)
        project = client->call("POST", "/manage/projects",
                               QJsonObject{{QLatin1String("id"), QLatin1String(projectId)},
                                           {QLatin1String("name"), QLatin1String("Demo")},
                                           {QLatin1String("environment"), QLatin1String("test")},
                                           {QLatin1String("provider"), QLatin1String("demo")}});
    if (!project.ok())
        return complain(project) == ExitOk;
    const ApiAnswer token = client->call("POST", "/manage/tokens",
                                         QJsonObject{{QLatin1String("project_id"), QLatin1String(projectId)},
                                                     {QLatin1String("name"), QLatin1String("Demo")}});
    if (!token.ok())
        return complain(token) == ExitOk;
    const std::string url = localUrl(engine.listening(), false);
    const std::string access = cell(token.body, "token");
    std::fprintf(stderr,
                 "DEMO_DATA_DIR=%s\nDEMO_MANAGEMENT_TOKEN=%s\nDEMO_TOKEN=%s\nDEMO_URL=%s\n\n"
                 "Try it:\n  curl -N %s/v1/chat/completions -H 'Authorization: Bearer %s' \\\n"
                 "    -H 'Content-Type: application/json' \\\n"
                 "    -d '{\"model\":\"demo\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n",
                 m_dataDir.c_str(), m_managementToken.c_str(), access.c_str(), url.c_str(), url.c_str(),
                 access.c_str());
    std::fflush(stderr);
    return true;
}

} // namespace llmproxy
