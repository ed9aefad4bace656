// SPDX-License-Identifier: GPL-3.0-only
#include "manage/field_makers.h"

namespace llmproxy::declared {

void addUsageSchemas(std::vector<Schema> &)
{
}

} // namespace llmproxy::declared
