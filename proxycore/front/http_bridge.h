// SPDX-License-Identifier: GPL-3.0-only
// QHttpServer on the management thread, behind front: it sees only requests that front has validated,
// authenticated and bounded, through virtual sockets, and serves everything that is not proxied. Values go
// both ways. The differences between Qt 6.4 and 6.8 are in http_bridge.cpp alone.
// Thread: submit() any; the rest the management thread ("management").
#pragma once

#include "base/block_pipe.h"

#include <functional>
#include <memory>
#include <string>

namespace llmproxy {

struct BridgeCall
{
    std::string method;
    std::string target;      // path and query
    std::string body;
    std::string contentType;
    std::string actor;       // management, cli, console
    bool isLocal = false;    // the engine's own user or root: over the control socket, or in-process
    std::string requestId, clientIp, userAgent;
    // If-Match and If-None-Match as they are for what has no entity tag, but is there (RFC 9110 section 13.1).
    bool isConditionFalse = false;
    bool isUnchanged = false; // the condition was If-None-Match
};

struct BridgeAnswer
{
    int status = 200;
    std::string body;
    std::string retryAfter = {}, allow = {}; // empty: no such header
    std::string contentType = "application/json";
    std::string disposition = {};           // empty: no such header
    std::shared_ptr<BlockPipe> blocks = {}; // instead of body: as long as it takes
};

class HttpBridge
{
public:
    using Complete = std::function<void(BridgeAnswer)>;
    // Called on the management thread; complete may be called before it returns, or later from another
    // thread when the answer waits for durability.
    using Dispatch = std::function<void(const BridgeCall &, Complete)>;

    explicit HttpBridge(Dispatch dispatch);
    ~HttpBridge(); // ends the thread
    HttpBridge(const HttpBridge &) = delete;
    HttpBridge &operator=(const HttpBridge &) = delete;

    void submit(BridgeCall call, Complete complete);
    // Runs work on the management thread every intervalMs, for the engine's housekeeping.
    void every(int intervalMs, std::function<void()> work);

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace llmproxy
