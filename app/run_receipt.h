// SPDX-License-Identifier: GPL-3.0-only
// What `llm-proxy run` says at its end: requests, tokens by part, and what was refused and why. Thread: main.
#pragma once

#include <QJsonObject>

#include <string>
#include <vector>

namespace llmproxy {

class ManagementClient;

// Lines for stderr. revoked: the token as the revocation answered it.
std::vector<std::string> runReceipt(ManagementClient &client, const QJsonObject &revoked);

} // namespace llmproxy
