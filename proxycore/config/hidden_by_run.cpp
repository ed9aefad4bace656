// SPDX-License-Identifier: GPL-3.0-only
#include "config/hidden_by_run.h"

#include <cstdlib>
#include <unistd.h>

namespace llmproxy {

namespace {

bool exists(const std::string &path)
{
    return access(path.c_str(), F_OK) == 0;
}

} // namespace

std::string whyHiddenByRun(const std::string &dataDir)
{
    const char *const inside = std::getenv(insideRunVariable);
    const bool isMarked = exists(dataDir + '/' + hiddenMark);
    if (!isMarked && (!inside || exists(dataDir))) // one that would be made anew: the usual one is hidden
        return {};
    return "The data directory " + dataDir + " is hidden by run: this command was started by llm-proxy run, which keeps keys, tokens and logs from it. Run it in a terminal outside.";
}

bool isHiddenText(std::string_view text)
{
    return text == hiddenText;
}

} // namespace llmproxy
