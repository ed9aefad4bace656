// SPDX-License-Identifier: GPL-3.0-only
#include "command_line.h"
#include "output.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

void printItems(const QJsonArray &items)
{
    std::vector<TextRow> rows;
    for (const QJsonValue &value : items) {
        const QJsonObject item = value.toObject();
        rows.push_back({cell(item, "state"), cell(item, "title"), cell(item, "evidence")});
        if (const std::string fix = cell(item, "fix"); fix != "-")
            rows.push_back({"", "", "fix: " + fix});
    }
    printTable({"STATE", "CHECK", "FOUND"}, rows);
}

int runDoctor(const CommandLine &line, const Target &target)
{
    OpenClient opened;
    if (const int code = openToRead(line.options, target, opened, Access::Checks))
        return code;
    const ApiAnswer answer = opened.client->call("GET", "/manage/doctor");
    if (!answer.ok())
        return complain(answer);
    const QJsonObject summary = answer.body.value(QLatin1String("summary")).toObject();
    if (target.json) {
        printJson(answer.body);
    } else {
        printItems(answer.body.value(QLatin1String("items")).toArray());
        note(cell(summary, "pass") + " pass, " + cell(summary, "warn") + " warn, " + cell(summary, "fail") + " fail");
    }
    return opened.isEmpty || summary.value(QLatin1String("fail")).toInteger() > 0 ? ExitFailed : ExitOk;
}

} // namespace

void addDoctorCommand(CommandLine &line)
{
    auto target = std::make_shared<Target>();
    CLI::App *doctor = line.app.add_subcommand(
        "doctor", "Check the installation: pass, warn or fail, each with its fix; exit code 1 when one fails");
    addTarget(doctor, *target);
    doctor->callback([&line, target] { line.chosen = [&line, target] { return runDoctor(line, *target); }; });
}

} // namespace llmproxy
