// SPDX-License-Identifier: GPL-3.0-only
#include "front/management_door.h"

#include "front/head_rules.h"
#include "front/routes.h"
#include "front/run_listener.h"

#include <utility>

namespace llmproxy {

namespace {

constexpr size_t maxManagementBody = 1 << 20;

} // namespace

ManagementDoor::ManagementDoor(const DoorConfig &config, RequestHead &&head, ServerStream &stream)
    : m_config(config), m_head(std::move(head)), m_stream(stream), m_feed(stream.poller()), m_self(std::make_shared<ManagementDoor *>(this))
{
}

ManagementDoor::~ManagementDoor()
{
    *m_self = nullptr;
    if (m_blocks)
        m_blocks->close();
    m_head.headers.wipe("authorization"); // of a call that was refused before its credential was looked at
    wipe(m_body.data(), m_body.size()); // provider keys come in here
}

void ManagementDoor::start()
{
    if (!isOpenPath(m_head.path) && !m_stream.peer().localSocket && !admit())
        return;
    if (!isUsualMethod(m_head.method)) { // QHttpServer would say nothing at all
        Refusal no = refusal(Reason::MethodNotAllowed, "this method is not served here");
        no.allow = m_config.allow(m_head.path);
        refuseAccepted(no.allow.empty() ? refusal(Reason::EndpointNotFound, "there is no such resource") : no);
        return;
    }
    if (openFeed())
        return;
    if (m_head.contentLength > static_cast<int64_t>(maxManagementBody)) {
        if (!m_config.serves(m_head.method, m_head.path)) {
            m_dropsBody = true;
            submit();
            return;
        }
        refuseAccepted(refusal(Reason::RequestTooLarge, "a management request is at most 1 MiB"));
        return;
    }
    if (m_head.expectContinue)
        m_stream.sendContinue();
}

// What answers by itself, until one of the two sides ends it.
bool ManagementDoor::openFeed()
{
    if (m_head.method != "GET" || !m_head.query.empty() || m_head.hasBody())
        return false;
    const bool isRunListener = m_stream.peer().localSocket && m_head.path == RunListener::path && m_config.openRunListener;
    if (!isRunListener && m_head.path != "/manage/events")
        return false;
    m_done = true;
    noteAnswer(200);
    m_feed = isRunListener ? m_config.openRunListener(m_stream) : m_config.openFeed(m_head, m_stream, actor());
    m_feed->start(); // may find that the client has left, and let go of it
    return true;
}

bool ManagementDoor::admit()
{
    const Peer &peer = m_stream.peer();
    if (peer.untrustedForward) {
        deny(403, Reason::UntrustedForward, refusal(Reason::IpNotAllowed, "the request carries X-Forwarded-For, Forwarded or X-Real-IP, but its sender is not in TRUSTED_PROXIES, or the client's address cannot be read from the header that CLIENT_ADDRESS_HEADER names"));
        return false;
    }
    if (peer.isForwarded && peer.address.isLoopback()) { // whoever is there, it is another machine's or another program's loopback
        deny(403, Reason::IpNotAllowed, refusal(Reason::IpNotAllowed, "management is not allowed for a loopback address that a proxy forwards; call it directly"));
        return false;
    }
    if (!anyContains(m_config.allowedIps, peer.address)) {
        deny(403, Reason::IpNotAllowed, refusal(Reason::IpNotAllowed, "management is not allowed from this address; see MANAGEMENT_ALLOWED_IPS"));
        return false;
    }
    const std::string_view value = m_head.headers.value("authorization");
    const bool bearer = value.size() > 7 && equalsIgnoreCase(value.substr(0, 7), "bearer ");
    if (!bearer) {
        deny(401, Reason::MissingToken, refusal(Reason::MissingToken, "send the management token as Authorization: Bearer"));
        return false;
    }
    const bool isValid = m_config.token->matches(trimmed(value.substr(7)));
    if (!isValid)
        deny(401, Reason::InvalidToken, refusal(Reason::InvalidToken, "this management token is not valid"));
    m_head.headers.wipe("authorization");
    if (!isValid)
        return false;
    m_accepted = true;
    return true;
}

void ManagementDoor::deny(int status, Reason reason, const Refusal &answer)
{
    m_done = true;
    const Refusal tooMany = m_config.takeFailure(m_stream.peer());
    if (tooMany.code != Reason::None) {
        m_config.failed(m_stream.peer(), m_head, tooMany.status, reason, nullptr);
        m_stream.refuse(tooMany);
        return;
    }
    m_answerDue = true;
    m_config.failed(m_stream.peer(), m_head, status, reason, [poller = &m_stream.poller(), self = m_self, answer](bool) {
        poller->post([self, answer] {
            ManagementDoor *const door = *self;
            if (!door)
                return;
            door->m_answerDue = false;
            runFor(&door->m_stream.breakable(), [&] { door->m_stream.refuse(answer); });
        });
    });
}

void ManagementDoor::onBody(std::string_view bytes)
{
    if (m_done || m_dropsBody)
        return;
    if (m_body.size() + bytes.size() > maxManagementBody) {
        refuseAccepted(refusal(Reason::RequestTooLarge, "a management request is at most 1 MiB"));
        return;
    }
    if (m_body.size() + bytes.size() > m_body.capacity()) { // append() would free the bytes as they are
        std::string larger;
        larger.reserve(std::max({2 * m_body.capacity(), m_body.size() + bytes.size(), static_cast<size_t>(std::max<int64_t>(m_head.contentLength, 0))}));
        larger.append(m_body);
        wipe(m_body.data(), m_body.size());
        m_body.swap(larger);
    }
    m_body.append(bytes);
}

void ManagementDoor::onBodyEnd()
{
    if (!m_done && !m_dropsBody)
        submit();
}

void ManagementDoor::submit()
{
    BridgeCall call;
    call.method = m_head.method;
    call.target = m_head.target;
    call.body = std::move(m_body);
    call.contentType = m_head.headers.value("content-type");
    call.actor = actor();
    call.isLocal = m_stream.peer().localSocket; // its user id was checked at accept
    call.requestId = m_head.requestId;
    call.clientIp = m_stream.peer().text;
    call.userAgent = m_head.headers.value("user-agent");
    const std::string *const match = m_head.headers.find("if-match");
    const std::string *const noneMatch = m_head.headers.find("if-none-match");
    call.isUnchanged = !match && noneMatch && *noneMatch == "*";
    call.isConditionFalse = call.isUnchanged || (match && *match != "*");
    m_config.bridge->submit(std::move(call), [poller = &m_stream.poller(), self = m_self](BridgeAnswer answer) {
        poller->post([self, answer = std::move(answer)] {
            if (ManagementDoor *const door = *self)
                runFor(&door->m_stream.breakable(), [&] { door->give(answer); });
            else if (answer.blocks)
                answer.blocks->close();
        });
    });
}

void ManagementDoor::give(BridgeAnswer answer)
{
    if (m_done) {
        if (answer.blocks)
            answer.blocks->close();
        return;
    }
    m_done = true;
    noteAnswer(answer.status);
    ResponseHead head;
    head.status = answer.status;
    head.headers.add("Content-Type", answer.contentType);
    head.headers.add("Cache-Control", "no-store");
    head.headers.add("X-Content-Type-Options", "nosniff");
    if (!answer.retryAfter.empty())
        head.headers.add("Retry-After", answer.retryAfter);
    if (!answer.allow.empty())
        head.headers.add("Allow", answer.allow);
    if (!answer.disposition.empty())
        head.headers.add("Content-Disposition", answer.disposition);
    if (!answer.blocks) {
        if (answer.status == 304)
            m_stream.sendHead(head, std::nullopt);
        else
            m_stream.sendHead(head, static_cast<int64_t>(answer.body.size()));
        m_stream.sendBody(answer.body);
        m_stream.finish();
        return;
    }
    m_blocks = std::move(answer.blocks);
    m_blocks->onReady([poller = &m_stream.poller(), self = m_self] {
        poller->post([self] {
            if (ManagementDoor *const door = *self)
                runFor(&door->m_stream.breakable(), [door] { door->sendBlocks(); });
        });
    });
    m_stream.sendHead(head, std::nullopt);
    m_stream.flush();
    sendBlocks();
}

// As much as the client takes; a client that leaves ends what makes them.
void ManagementDoor::sendBlocks()
{
    if (!m_blocks)
        return;
    std::string block;
    while (m_stream.backlog() < highWaterBytes) {
        switch (m_blocks->read(block)) {
        case BlockPipe::State::Block:
            m_stream.sendBody(block);
            m_stream.flush();
            if (!m_blocks) // the client left
                return;
            break;
        case BlockPipe::State::Nothing:
            return;
        case BlockPipe::State::Whole:
            m_stream.finish(); // this is gone at the end of the turn
            return;
        case BlockPipe::State::Broken:
            m_stream.abort();
            return;
        }
    }
}

void ManagementDoor::onBodyFault(const Refusal &fault)
{
    if (!m_done)
        refuseAccepted(fault);
    else if (!m_answerDue)
        m_stream.abort(); // it threw while it answered: nothing else comes
}

std::string ManagementDoor::actor() const
{
    if (!m_stream.peer().localSocket)
        return "management";
    return m_head.headers.value("x-llm-proxy-actor") == "console" ? "console" : "cli";
}

void ManagementDoor::leave()
{
    m_done = true;
    m_feed.reset(); // it may have written what found the client gone
    if (m_blocks)
        m_blocks->close();
    m_blocks.reset();
}

void ManagementDoor::onClientGone()
{
    leave();
    noteAnswer(499); // as in the data plane: nginx's number for a client that left
}

void ManagementDoor::onShutdown()
{
    leave();
    noteAnswer(503);
}

void ManagementDoor::refuseAccepted(const Refusal &refusal)
{
    m_done = true;
    noteAnswer(refusal.status);
    m_stream.refuse(refusal);
}

void ManagementDoor::noteAnswer(int status)
{
    if (std::exchange(m_accepted, false))
        m_config.accepted(m_stream.peer(), m_head, status);
}

} // namespace llmproxy
