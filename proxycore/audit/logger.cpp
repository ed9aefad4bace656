// SPDX-License-Identifier: GPL-3.0-only
#include "audit/logger.h"

#include "audit/masking.h"

#include <future>
#include <utility>

namespace llmproxy::audit {

Event &Event::withProjectId(std::string id)
{
    m_event.projectId = std::move(id);
    return *this;
}

Event &Event::withRequestId(std::string id)
{
    m_event.requestId = std::move(id);
    return *this;
}

Event &Event::withClientIp(std::string address)
{
    m_event.clientIp = std::move(address);
    return *this;
}

Event &Event::withHttpMethod(std::string method)
{
    m_event.detail("http_method", std::move(method));
    return *this;
}

Event &Event::withEndpoint(std::string path)
{
    m_event.detail("endpoint", recordedPath(path));
    return *this;
}

Event &Event::withTokenId(std::string_view token)
{
    m_event.ownText("token_id", maskSecret(token));
    return *this;
}

Event &Event::withDetail(std::string_view key, std::string value)
{
    m_event.detail(internedKey(key), std::move(value));
    return *this;
}

Event &Event::withDetail(std::string_view key, int64_t value)
{
    m_event.detail(internedKey(key), value);
    return *this;
}

Event &Event::withDetail(std::string_view key, bool value)
{
    m_event.detail(internedKey(key), value);
    return *this;
}

Logger::~Logger()
{
    close();
}

Outcome Logger::log(const Event &event)
{
    if (!m_log)
        return Error{ErrorKind::Unavailable, "audit_closed", "The audit logger is closed.", {}};
    std::promise<bool> written;
    m_log->record(event.event(), [&written](bool ok) { written.set_value(ok); });
    if (written.get_future().get())
        return {};
    return Error{ErrorKind::Unavailable, "audit_unavailable", "The audit event cannot be written at the moment; it is kept and written first when that is possible again.", {}};
}

void Logger::close()
{
    m_log.reset();
}

Result<std::unique_ptr<Logger>> newLogger(const LoggerConfig &config)
{
    if (config.enableDatabase && !config.databaseStore)
        return Error{ErrorKind::Invalid, "audit_config", "enableDatabase needs a databaseStore.", "databaseStore"};
    if (config.filePath.empty() && !config.enableDatabase)
        return Error{ErrorKind::Invalid, "audit_config", "Neither filePath nor enableDatabase is set: there is nowhere to write to.", "filePath"};
    std::unique_ptr<Logger> logger(new Logger);
    AuditConfig settings;
    settings.file = config.filePath;
    settings.createDir = config.createDir;
    settings.storeInDb = config.enableDatabase;
    logger->m_log = std::make_unique<AuditLog>(settings);
    if (Outcome failure = logger->m_log->start(config.enableDatabase ? config.databaseStore : nullptr))
        return *failure;
    return logger;
}

} // namespace llmproxy::audit
