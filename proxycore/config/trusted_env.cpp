// SPDX-License-Identifier: GPL-3.0-only
#include "config/trusted_env.h"

#include "base/absolute_path.h"
#include "base/owned_file.h"
#include "config/settings.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr off_t largestEnvFile = 1 << 20; // bytes

// On the file that is open.
std::string distrustOfOpened(const struct stat &about, const std::string &path)
{
    if (about.st_uid != geteuid())
        return "belongs to another user, so it was not read";
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "can be written by others, so it was not read; run: chmod 600 '" + path + "'";
    return about.st_size > largestEnvFile ? "is larger than 1 MiB and was not read" : "";
}

// What is wrong, as above; empty: text is what the file holds, to be wiped.
std::string readTrusted(const std::string &path, std::string &text)
{
    std::string problem;
    const int file = openOwned(path, O_RDONLY | O_NONBLOCK, 0, &problem);
    if (file < 0)
        return errno == ENOENT ? "does not exist" : "was not read: " + problem;
    struct stat about{};
    problem = fstat(file, &about) == 0 ? distrustOfOpened(about, path) : "cannot be read";
    if (problem.empty())
        text.resize(static_cast<size_t>(about.st_size));
    size_t size = 0;
    for (ssize_t got = 0; size < text.size() && (got = read(file, text.data() + size, text.size() - size)) > 0;)
        size += static_cast<size_t>(got);
    close(file);
    text.resize(size);
    return problem;
}

} // namespace

EnvFile readTrustedEnv(const std::string &path, std::string *problem)
{
    std::string text;
    *problem = readTrusted(path, text);
    if (!problem->empty())
        return {};
    EnvFile file = parseSharedEnvFile(text, isSettingName);
    wipe(text.data(), text.size());
    if (!file.problems.empty())
        *problem = "was not used: " + file.problems.front();
    return file;
}

const std::string *valueIn(const EnvFile &file, std::string_view name)
{
    const auto last = std::find_if(file.values.rbegin(), file.values.rend(), [name](const EnvValue &one) { return one.name == name; });
    return last == file.values.rend() || last->value.empty() ? nullptr : &last->value;
}

std::string pathNamedIn(const std::string &envFile, const std::string &named)
{
    return named.starts_with('/') ? named : absoluteBytes(envFile + "/../" + named);
}

} // namespace llmproxy
