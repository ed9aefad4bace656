// SPDX-License-Identifier: GPL-3.0-only
// Users and groups of the system, as sentences name them and as rules on files ask for them. Thread: any.
#pragma once

#include <string>
#include <sys/types.h>

namespace llmproxy {

// "the user nobody", or "the user 4711" when it has no name.
std::string userText(uid_t user);

// The command line up to the program that runs it as this user: "runuser -u nobody --"; for a user without a name, whom runuser does
// not know, "setpriv --reuid=1000 --regid=1000 --clear-groups". group: for the latter.
std::string runAsText(uid_t user, gid_t group);

// Is this a group that nobody else is in, as systems make one for each user (umask 002)? It is the primary group of the user that
// runs us, has that user's name, lists no other member and is no other user's primary group. False where the system does not know.
bool isPrivateGroup(gid_t group);

} // namespace llmproxy
