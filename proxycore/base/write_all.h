// SPDX-License-Identifier: GPL-3.0-only
// Thread: any.
#pragma once

#include <string_view>

namespace llmproxy {

// All of it, however often that takes. False: errno says why; a part may be written.
bool writeAll(int descriptor, std::string_view bytes);

} // namespace llmproxy
