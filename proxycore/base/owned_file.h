// SPDX-License-Identifier: GPL-3.0-only
// Opens the files that this program writes, and those it reads back as its own: logs, lock, key, database, saved settings.
// What lies there must be a regular file of ours or root's that others cannot write. A symbolic link is followed only when the link
// and every folder on the way belong to us or root alone: nobody else can have placed it. Files that an operator names to be
// read (certificates, keys, file: references) are not opened here. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>

namespace llmproxy {

// Like open(2), O_CLOEXEC added; O_TRUNC takes effect after the checks, and a created file has this mode whatever the umask says.
// -1: problem says why ("it belongs to the user nobody"), and errno is what open(2) says, or EPERM when the file is refused.
// A refused file is unchanged.
int openOwned(const std::string &path, int flags, mode_t mode, std::string *problem);

// What a folder is, its links followed by the same rule. False: problem and errno as above; ENOENT: it does not exist.
bool lookAtOwnedFolder(const std::string &path, struct stat *info, std::string *problem);

// "the user nobody", or "the user 4711" when it has no name.
std::string userText(uid_t user);

// The last whole line of an open file, without its end; empty: there is none within the last 64 KiB.
std::string lastWholeLine(int descriptor, off_t size);

} // namespace llmproxy
