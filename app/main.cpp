// SPDX-License-Identifier: GPL-3.0-only
#include "command_line.h"
#include "console.h"
#include "output.h"
#include "process.h"
#include "sandbox_inside.h"
#include "serve.h"

#include <QCoreApplication>

#include <cstdio>

using namespace llmproxy;

int main(int argc, char **argv)
{
    if (isInsideCall(argc, argv))
        return runInside(argv);
    protectMemory();
    CommandLine line;
    const int parsed = line.parse(argc, argv);
    if (parsed != ExitOk || line.finished)
        return parsed;
    if (!line.options.serve && !line.chosen)
        return openConsole(line.options, argv[0]);

    const QCoreApplication application(argc, argv);
    const int code = line.options.serve ? serve(line.options) : line.chosen();
    if (code == ExitUsage)
        note(line.options.serve ? "see llm-proxy --help settings" : "see " + line.name + " --help, and llm-proxy --help settings");
    if (std::fflush(stdout) != 0 && code == ExitOk)
        return complain(ExitFailed, "the output could not be written");
    return code;
}
