// SPDX-License-Identifier: GPL-3.0-only
#include "config/secret_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr off_t largestSecretFile = 64 << 10;

std::string distrustOf(const struct stat &about, const std::string &path)
{
    if (!S_ISREG(about.st_mode))
        return "is not a regular file";
    if (about.st_mode & S_IWOTH || (about.st_mode & S_IWGRP && about.st_uid != 0))
        return "can be written by others, so it is not read; run: chmod go-w '" + path + "'";
    if (about.st_size > largestSecretFile)
        return "is larger than 64 KiB";
    return about.st_size == 0 ? "is empty" : "";
}

SecretFile readOpened(int fd, const std::string &path)
{
    struct stat about{};
    if (fstat(fd, &about) != 0)
        return {nullptr, std::string("cannot be read: ") + std::strerror(errno)};
    if (std::string distrust = distrustOf(about, path); !distrust.empty())
        return {nullptr, std::move(distrust)};
    std::string text(static_cast<size_t>(about.st_size), '\0');
    size_t size = 0;
    ssize_t got = 0;
    while (size < text.size() && (got = read(fd, text.data() + size, text.size() - size)) > 0)
        size += static_cast<size_t>(got);
    SecretFile file;
    if (got < 0)
        file.problem = std::string("cannot be read: ") + std::strerror(errno);
    else
        file.text = std::make_shared<const Secret>(std::string_view(text).substr(0, size));
    wipe(text.data(), text.size());
    return file;
}

} // namespace

SecretFile readSecretFile(const std::string &path)
{
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO is refused, not waited for
    if (fd < 0)
        return {nullptr, std::string("cannot be read: ") + std::strerror(errno)};
    SecretFile file = readOpened(fd, path);
    close(fd);
    return file;
}

std::string fileSettingOf(std::string_view secretSetting)
{
    return std::string(secretSetting) + "_FILE";
}

} // namespace llmproxy
