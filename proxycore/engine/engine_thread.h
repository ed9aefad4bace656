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
#include <optional>
#include <thread>

namespace llmproxy {

class EngineThread
{
public:
    EngineThread(int number, const FrontConfig &front, const FrontHooks &sharedHooks, const DialConfig &dial,
                 const ExchangeContext &shared, const std::atomic<int> &watchers, AuditLog &audit, OutcomeMeter meter, const Secret &tokenHashKey, const SnapshotHolder &snapshots,
                 const DoorConfig &door);
    ~EngineThread();

    // Before run().
    void listenOn(int fd, bool localSocket);
    void redirectOn(int fd); // HTTP_LISTEN_ADDR
    void serveDemoOn(int fd);
    void run();
    // Any thread.
    void drain(int64_t timeoutMs);
    void cut(const std::vector<std::string> &tokenIds, Reason reason);
    void renewExpiry(const std::string &tokenId);
    // A snapshot that was replaced, with the tokens and keys that only it has, goes also where no request comes.
    void forgetOldSnapshot();
    // What runs here, and what ended after seq (UINT64_MAX: nothing of before). done runs on this thread.
    using Live = std::function<void(uint64_t seq, std::vector<LiveRequest> running, std::vector<LiveRequest> ended)>;
    void visitLive(uint64_t afterSeq, Live done);
    // The request of this id, if it runs here; end: it is ended. done runs on this thread.
    void find(const std::string &id, bool end, std::function<void(std::optional<LiveRequest>)> done);
    int64_t runningRequests() const { return m_runningCount.load(std::memory_order_relaxed); }
    void join();

private:
    void checkDrained();
    void tellRefused(const Peer &peer, const std::shared_ptr<RequestOutcome> &outcome, AuditLog::Written written);
    std::optional<LiveRequest> findHere(const std::string &id, bool end);
    std::vector<Exchange *> runningOf(const std::vector<std::string> &tokenIds) const;

    int m_number;
    Poller m_poller;
    SnapshotReader m_snapshots;
    UpstreamPool m_pool;
    AccessTokenHasher m_hasher;
    LiveLog m_live;
    OutcomeFan m_outcomes;
    std::atomic<int64_t> m_runningCount{0}; // written here, read by anybody
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
