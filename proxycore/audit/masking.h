// SPDX-License-Identifier: GPL-3.0-only
// The one masking rule. It stands in base, because the application log obeys it too.
#pragma once

#include "base/masking.h"
