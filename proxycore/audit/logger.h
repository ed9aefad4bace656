// SPDX-License-Identifier: GPL-3.0-only
// The audit log for other programs' use: a logger that writes one chained event at a time and says whether it is written.
//
//     auto logger = audit::newLogger({.filePath = "./data/audit.log", .createDir = true});
//     if (!logger)
//         fail(logger.error().message);
//     auto event = audit::newEvent(audit::ActionTokenCreate, audit::ActorManagement, audit::ResultSuccess)
//                      .withProjectId("proj-123").withTokenId("tok-1234567890abcdef").withDetail("duration_minutes", 60);
//     if (const auto failure = (*logger)->log(event))
//         complain(failure->message);
//
// Thread: a logger any; events are values.
#pragma once

#include "audit/audit_log.h"

#include <memory>
#include <string>
#include <string_view>

namespace llmproxy::audit {

inline constexpr Action ActionTokenCreate = Action::TokenCreate, ActionTokenRead = Action::TokenRead, ActionTokenUpdate = Action::TokenUpdate,
                        ActionTokenRevoke = Action::TokenRevoke, ActionTokenDelete = Action::TokenDelete, ActionTokenValidate = Action::TokenValidate,
                        ActionTokenAccess = Action::TokenAccess, ActionProjectCreate = Action::ProjectCreate, ActionProjectRead = Action::ProjectRead,
                        ActionProjectUpdate = Action::ProjectUpdate, ActionProjectDelete = Action::ProjectDelete, ActionAuthFailure = Action::AuthFailure,
                        ActionAuthSuccess = Action::AuthSuccess;
inline constexpr std::string_view ActorManagement = "management", ActorClient = "client", ActorConsole = "console", ActorCli = "cli",
                                  ActorSystem = "system";
inline constexpr std::string_view ResultSuccess = "success", ResultFailure = "failure", ResultDenied = "denied", ResultError = "error";

class Event
{
public:
    Event(Action action, std::string_view actor, std::string_view result) : m_event(action, actor, result) {}

    Event &withProjectId(std::string id);
    Event &withRequestId(std::string id);
    Event &withClientIp(std::string address);
    Event &withHttpMethod(std::string method);
    Event &withEndpoint(std::string path);
    // Only its masked form is kept.
    Event &withTokenId(std::string_view token);
    // Texts: credentials in them are masked.
    Event &withDetail(std::string_view key, std::string value);
    Event &withDetail(std::string_view key, const char *value) { return withDetail(key, std::string(value)); }
    Event &withDetail(std::string_view key, int64_t value);
    Event &withDetail(std::string_view key, int value) { return withDetail(key, int64_t{value}); }
    Event &withDetail(std::string_view key, bool value);

    const AuditEvent &event() const { return m_event; }

private:
    AuditEvent m_event;
};

inline Event newEvent(Action action, std::string_view actor, std::string_view result)
{
    return {action, actor, result};
}

struct LoggerConfig
{
    std::string filePath;                 // empty: no file
    bool createDir = false;               // missing folders are made, 0700
    AuditTable *databaseStore = nullptr;  // an opened storage Database; must live longer than the logger
    bool enableDatabase = false;
};

class Logger
{
public:
    ~Logger(); // close()
    Logger(const Logger &) = delete;
    Logger &operator=(const Logger &) = delete;

    // Returns when the event is written, fsynced where its actor is a person, and its row committed; an error otherwise.
    Outcome log(const Event &event);
    void close();

private:
    friend Result<std::unique_ptr<Logger>> newLogger(const LoggerConfig &config);
    Logger() = default;
    std::unique_ptr<AuditLog> m_log;
};

// Error: neither file nor database, a folder that is missing, a file that cannot be opened.
Result<std::unique_ptr<Logger>> newLogger(const LoggerConfig &config);

} // namespace llmproxy::audit
