// SPDX-License-Identifier: GPL-3.0-only
#include "config/env_register.h"

#include "base/absolute_path.h"
#include "base/owned_file.h"
#include "base/write_all.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t mostEnvFiles = 32;
constexpr size_t largestRegister = 256 << 10; // bytes: 32 paths of PATH_MAX fit

std::string readRegister(const std::string &path)
{
    std::string text, ignored;
    const int file = openOwned(path, O_RDONLY | O_NONBLOCK, 0, &ignored);
    struct stat about{};
    if (file >= 0 && fstat(file, &about) == 0)
        text.resize(std::min(static_cast<size_t>(about.st_size), largestRegister));
    size_t size = 0;
    for (ssize_t got = 0; size < text.size() && (got = read(file, text.data() + size, text.size() - size)) > 0;)
        size += static_cast<size_t>(got);
    if (file >= 0)
        close(file);
    text.resize(size);
    return text;
}

void replaceRegister(const std::string &path, const std::string &text)
{
    const std::string draft = path + ".new";
    std::string ignored;
    const int file = openOwned(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600, &ignored);
    if (file < 0)
        return;
    const bool isWritten = fchmod(file, 0600) == 0 && writeAll(file, text) && fsync(file) == 0;
    close(file);
    if (!isWritten || rename(draft.c_str(), path.c_str()) != 0)
        unlink(draft.c_str());
}

} // namespace

std::string envRegisterPath(const std::string &dataDir)
{
    return dataDir + "/env-files";
}

void rememberEnvFile(const std::string &dataDir, const std::string &envFile)
{
    if (envFile.empty() || envFile.find('\n') != std::string::npos)
        return;
    const std::string path = absoluteBytes(envFile);
    std::vector<std::string> files = rememberedEnvFiles(dataDir);
    if (path.find('\n') != std::string::npos || (!files.empty() && files.back() == path))
        return;
    std::erase(files, path);
    files.push_back(path);
    std::string text;
    for (size_t i = files.size() - std::min(files.size(), mostEnvFiles); i < files.size(); ++i)
        text += files[i] + '\n';
    replaceRegister(envRegisterPath(dataDir), text);
}

std::vector<std::string> rememberedEnvFiles(const std::string &dataDir)
{
    const std::string text = readRegister(envRegisterPath(dataDir));
    std::vector<std::string> files;
    for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        std::string path = text.substr(at, end - at);
        if (path.starts_with('/') && path.find('\0') == std::string::npos && std::find(files.begin(), files.end(), path) == files.end())
            files.push_back(std::move(path));
    }
    if (files.size() > mostEnvFiles)
        files.erase(files.begin(), files.end() - mostEnvFiles);
    return files;
}

} // namespace llmproxy
