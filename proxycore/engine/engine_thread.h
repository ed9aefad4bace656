// SPDX-License-Identifier: GPL-3.0-only
// One engine thread: its epoll set, front, exchanges and upstream pool. Built and destroyed on the main
// thread while it does not run. A connection never changes thread.
#pragma once

#include "access/snapshot.h"
#include "exchange/context.h"
#include "front/management_door.h"
#include "front/poller.h"
#include "front/server.h"
#include "upstream/call.h"

#include <atomic>
#include <memory>
#include <thread>

namespace llmproxy {

class EngineThread
{
public:
    EngineThread(int number, const FrontConfig &front, const FrontHooks &sharedHooks, const DialConfig &dial,
                 const ExchangeContext &shared, AuditLog &audit, const Secret &tokenHashKey, const SnapshotHolder &snapshots,
                 const DoorConfig &door);
    ~EngineThread();

    // Before run().
    void listenOn(int fd, bool localSocket);
    void redirectOn(int fd); // HTTP_LISTEN_ADDR
    void serveDemoOn(int fd);
    void run();
    // Any thread.
    void drain(int64_t timeoutMs);
    void cut(const std::vector<std::string> &tokenIds, const std::string &reason);
    void renewExpiry(const std::string &tokenId);
    void join();

private:
    void checkDrained();
    std::vector<Exchange *> runningOf(const std::vector<std::string> &tokenIds) const;

    int m_number;
    Poller m_poller;
    SnapshotReader m_snapshots;
    UpstreamPool m_pool;
    AuditBatch m_audit;
    AccessTokenHasher m_hasher;
    ExchangeContext m_context;
    DoorConfig m_door;
    std::unique_ptr<Server> m_server;
    std::unique_ptr<Server> m_plainServer;
    std::unique_ptr<Server> m_demoServer;
    Timer m_drainCheck;
    int64_t m_drainUntilUs = 0;
    std::thread m_thread;
};

} // namespace llmproxy
