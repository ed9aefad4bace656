// SPDX-License-Identifier: GPL-3.0-only
// The form of .env: # comments, optional export, single and double quotes. Messages name lines, never values: they may be secrets.
// Thread: any.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct EnvValue
{
    std::string name, value;
    int line = 0; // from 1
};

// Values may be secrets, and are wiped with it.
struct EnvFile
{
    EnvFile() = default;
    ~EnvFile();
    EnvFile(EnvFile &&) = default;
    EnvFile &operator=(EnvFile &&) = delete;
    std::vector<EnvValue> values;
    std::vector<std::string> problems; // "line 3: …": the file is not used
    std::vector<std::string> warnings; // "line 3: …": it is, without that line
};

// A file of ours alone (settings.env): each line is NAME=value, or a problem.
EnvFile parseEnvFile(std::string_view text);

// A file that other programs use too (.env): values of our names only, and the rest may be anything, values of several lines among
// it. What stands inside another program's quoted value is not ours. A quotation mark that is never closed ends with its line, with a
// warning; when a name of ours could be meant to be inside it, that is a problem.
using IsOurName = std::function<bool(std::string_view name)>;
EnvFile parseSharedEnvFile(std::string_view text, const IsOurName &isOurs);

} // namespace llmproxy
