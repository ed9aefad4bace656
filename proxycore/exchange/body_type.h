// SPDX-License-Identifier: GPL-3.0-only
// Whether a body that rules look into is of a kind that we and every provider read alike. Thread: any.
#pragma once

#include "front/http_types.h"

namespace llmproxy {

// True for exactly one Content-Type header that names JSON (application/json, UTF-8) or multipart/form-data.
bool isReadableBodyType(const Headers &headers);

} // namespace llmproxy
