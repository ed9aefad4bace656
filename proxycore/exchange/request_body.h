// SPDX-License-Identifier: GPL-3.0-only
// Looks into a held request body the way a provider will: model, and whether it streams. The original
// bytes are forwarded; what cannot be read is a fault, never a guess. Thread: any.
#pragma once

#include "base/reason.h"

#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct BodyView
{
    Reason fault = Reason::None; // a code of the contract; None: read
    std::string message;
    bool isJson = false;
    bool hasModel = false;
    std::string model;
    std::vector<std::string> furtherModels; // of a top-level "models", which some providers fall back to
    bool streams = false;
    bool hasStreamOptions = false;
};

// A form field or query parameter of this name, decoded or not, is the model to some reader.
bool isReadAsModel(std::string_view name);

// contentEncoding: identity, gzip, deflate and zstd are looked through, under a cap.
BodyView lookIntoBody(std::string_view body, std::string_view contentType, std::string_view contentEncoding);

} // namespace llmproxy
