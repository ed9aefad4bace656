// SPDX-License-Identifier: GPL-3.0-only
// What has to be on the disk. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

// All of it, however often that takes. False: errno says why; a part may be written.
bool writeAll(int descriptor, std::string_view bytes);
// The names in a folder, after a file was made or renamed there. False: errno says why.
bool syncFolder(const std::string &folder);

} // namespace llmproxy
