// SPDX-License-Identifier: GPL-3.0-only
// Sends short texts out of this machine's reach: to syslog (journald reads it), to a file on another mount, to a webhook over
// HTTPS. Each target has its own thread and queue: a slow one delays nobody, and what it does not take is tried again with
// longer and longer pauses. Thread: any.
#pragma once

#include "config/settings.h"
#include "upstream/dialler.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llmproxy {

struct OutboxConfig
{
    std::vector<OutsideTarget> targets;
    DialConfig dial; // as towards providers
    unsigned fileMode = 0600;
    // Signs a webhook's body; empty: it is sent without X-LLM-Proxy-Key-Id and X-LLM-Proxy-Signature.
    std::function<std::string(std::string_view body)> sign;
    std::string keyId;
};

class Outbox
{
public:
    explicit Outbox(OutboxConfig config);
    ~Outbox(); // tries what is waiting once more, for two seconds at most
    Outbox(const Outbox &) = delete;
    Outbox &operator=(const Outbox &) = delete;

    // One line of JSON. Never waits.
    void send(const std::string &text);

    struct Status
    {
        std::string target; // a URL without its path: that may be a secret
        int64_t delivered = 0, waiting = 0, lost = 0;
        int64_t lastMs = 0;  // of the last delivery; 0: none
        std::string problem; // of the last attempt; empty: it was good
    };
    std::vector<Status> status() const;

private:
    class Lane;
    const std::unique_ptr<const OutboxConfig> m_config; // before the lanes: they use it
    std::vector<std::unique_ptr<Lane>> m_lanes;
};

} // namespace llmproxy
