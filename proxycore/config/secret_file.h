// SPDX-License-Identifier: GPL-3.0-only
// A secret setting from a file that another setting names: MANAGEMENT_TOKEN_FILE for MANAGEMENT_TOKEN. Thread: any; the file is read
// at each call.
#pragma once

#include "secrets/secret.h"

#include <string>
#include <string_view>

namespace llmproxy {

struct SecretFile
{
    SharedSecret text;   // as it stands in the file; null when there is a problem
    std::string problem; // as the end of a sentence; never a part of the text
};

// A regular file of at most 64 KiB that only its owner can write. Links are followed: Kubernetes and Docker place them.
SecretFile readSecretFile(const std::string &path);

// MANAGEMENT_TOKEN_FILE for MANAGEMENT_TOKEN.
std::string fileSettingOf(std::string_view secretSetting);

} // namespace llmproxy
