// SPDX-License-Identifier: GPL-3.0-only
// The way of a management request through front (ruling 8): address 403, credential 401, body over 1 MiB
// 413, then to the management thread and back. Thread: the connection's engine thread.
#pragma once

#include "front/http_bridge.h"
#include "front/stream.h"
#include "secrets/credential_digest.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llmproxy {

// An answer that goes on by itself on the connection's thread until it finishes, or its client leaves.
class ManagementFeed : public Deletable
{
public:
    virtual void start() = 0; // right after creation
};

struct DoorConfig
{
    std::vector<Cidr> allowedIps;
    const CredentialDigest *token = nullptr; // empty: every credential is refused
    // What the limit on failures says of another one from there: status 429, or code None.
    std::function<Refusal(const Peer &)> takeFailure;
    // Refused for address or credential, which the head still has. written, if any, is called when the event is recorded.
    std::function<void(const Peer &, const RequestHead &, int status, Reason reason, std::function<void(bool)> written)> failed;
    std::function<void(const Peer &, const RequestHead &, int status)> accepted; // for auth.success, when answered
    // The stream of /manage/events, for an admitted GET.
    std::function<std::unique_ptr<ManagementFeed>(const RequestHead &, ServerStream &, const std::string &actor)> openFeed;
    // What RunListener::path answers on the control socket.
    std::function<std::unique_ptr<ManagementFeed>(ServerStream &)> openRunListener;
    HttpBridge *bridge = nullptr;
    // Whether this method is served at this path: what nobody serves is 404 or 405, however large (ruling 8).
    std::function<bool(const std::string &method, const std::string &path)> serves;
    // The methods that are served there, "GET, POST"; empty: none.
    std::function<std::string(const std::string &path)> allow;
};

class ManagementDoor final : public RequestHandler
{
public:
    ManagementDoor(const DoorConfig &config, RequestHead &&head, ServerStream &stream);
    ~ManagementDoor() override;

    void start() override;
    void onBody(std::string_view bytes) override;
    void onBodyEnd() override;
    void onBodyFault(const Refusal &fault) override;
    void onWritable() override { sendBlocks(); }
    void onClientGone() override;
    void onShutdown() override;

private:
    bool openFeed();
    bool admit();
    void deny(int status, Reason reason, const Refusal &answer);
    void submit();
    void give(BridgeAnswer answer);
    void sendBlocks();
    void leave();
    void refuseAccepted(const Refusal &refusal);
    void noteAnswer(int status);
    std::string actor() const;

    const DoorConfig &m_config;
    RequestHead m_head;
    ServerStream &m_stream;
    std::string m_body;
    Posted<ManagementFeed> m_feed;
    std::shared_ptr<BlockPipe> m_blocks; // a long answer on its way
    bool m_done = false;
    bool m_answerDue = false; // done, and answered when its event is written
    bool m_accepted = false; // by its credential; not yet noted with the answer's status
    bool m_dropsBody = false; // too large, and for nobody
    std::shared_ptr<ManagementDoor *> m_self;
};

} // namespace llmproxy
