// SPDX-License-Identifier: GPL-3.0-only
// What is answered without a provider and without QHttpServer: files for ACME (RFC 8555 section 8.3), and the way from the
// plain listener to https. Thread: the connection's engine thread.
#pragma once

#include "front/stream.h"

#include <string>

namespace llmproxy {

inline constexpr std::string_view acmePrefix = "/.well-known/acme-challenge/";

// Answers at once, whatever the body.
class ImmediateHandler : public RequestHandler
{
public:
    explicit ImmediateHandler(ServerStream &stream) : m_stream(stream) {}
    void onBody(std::string_view) override {}
    void onBodyEnd() override {}
    void onBodyFault(const Refusal &fault) override { m_stream.refuse(fault); }
    void onWritable() override {}
    void onClientGone() override {}
    void onShutdown() override {}

protected:
    void answer(ResponseHead head, std::string_view body);
    ServerStream &m_stream;
};

// $ACME_WEBROOT/.well-known/acme-challenge/TOKEN, as certbot's webroot plugin writes it.
class AcmeHandler final : public ImmediateHandler
{
public:
    AcmeHandler(std::string webroot, RequestHead &&head, ServerStream &stream);
    void start() override;

private:
    std::string m_webroot;
    RequestHead m_head;
};

// 308 to the same place under https.
class RedirectHandler final : public ImmediateHandler
{
public:
    RedirectHandler(uint16_t httpsPort, RequestHead &&head, ServerStream &stream);
    void start() override;

private:
    uint16_t m_port;
    RequestHead m_head;
};

} // namespace llmproxy
