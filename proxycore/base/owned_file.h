// SPDX-License-Identifier: GPL-3.0-only
// Opens the files that this program writes, and those it reads back as its own: logs, lock, key, database, saved settings.
// What lies there must be a regular file of ours or root's that others cannot write. A symbolic link is followed only when the link
// and every folder on the way to it belong to us or root alone: nobody else can have placed it. Where it leads, each folder must be
// ours or root's and closed to other users; its group may write it, as in a path without links (a volume of Kubernetes with fsGroup).
// A folder is ours alone when nobody else may write it, when it is sticky, or when only a private group may that we alone are in
// (base/accounts.h): systems with umask 002 make folders like that. In any other group's folder a link may be anybody's of that group
// who can rename ours, so it is refused, and a file is used with the group's members trusted. Files that an operator names to be read
// (certificates, keys, file: references) are not opened here. Thread: any.
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

// The same for an output that need not be a file: a FIFO is opened too, read and written, so that neither its opening nor a reader
// that comes late or leaves is waited for. What is written to it waits when it is full.
int openOwnedOutput(const std::string &path, int flags, mode_t mode, std::string *problem);

// Where the links of a path lead by that rule when that is a name below /dev or /proc, which stand for what the process was started
// with ("/dev/stdout"); else the path itself.
std::string deviceBehind(const std::string &path);

// What a folder is, its links followed by the same rule. False: problem and errno as above; ENOENT: it does not exist.
bool lookAtOwnedFolder(const std::string &path, struct stat *info, std::string *problem);

// The last whole line of an open file, without its end; empty: there is none within the last 64 KiB.
std::string lastWholeLine(int descriptor, off_t size);

} // namespace llmproxy
