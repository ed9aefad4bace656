// SPDX-License-Identifier: GPL-3.0-only
// A file system that is mounted at two places, as with a bind mount or a btrfs volume beside its subvolumes, shows the same files twice.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct MountedPlace
{
    std::string device; // "254:0"
    std::string root;   // of the file system, what is mounted: "/" or "/home"
    std::string point;  // where
};

// /proc/self/mountinfo (proc_pid_mountinfo(5)).
std::vector<MountedPlace> parseMounts(std::string_view text);
std::vector<MountedPlace> mountsHere();
// The other paths of what lies at path, which is absolute and without links. Whether they are covered by further mounts is not looked at.
std::vector<std::string> aliasesOf(const std::string &path, const std::vector<MountedPlace> &mounts);

} // namespace llmproxy
