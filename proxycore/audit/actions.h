// SPDX-License-Identifier: GPL-3.0-only
// Every action of the audit log, once: its name, what kind it is, what it rotates, and who may cause it. Routes, throttling,
// recovery, the report, alerts, the OpenAPI description and docs/audit-actions.md are made from this table.
// Thread: immutable.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmproxy {

enum class ActionKind : uint8_t {
    Unknown, // no action of this version
    Access,  // a data-plane request
    Change,  // committed in one transaction with its event: a start after a crash in between says that it was not applied
    Read,    // somebody looked: throttled, nobody waits for the event, not worth a signature
    Auth,    // a credential was judged
    System,  // what the server does by itself, or to keep its log
    HandOut, // answered once the event is durable, and nothing stored changes: exports, verifications, key checks
};

enum class Actor : uint8_t { Management = 1, Client = 2, Console = 4, Cli = 8, System = 16 };

enum class Action : uint8_t {
    None,
    TokenAccess,
    TokenCreate, TokenUpdate, TokenRevoke, TokenRevokeBatch, TokenRefresh, TokenDelete, TokenRead, TokenList, TokenValidate,
    ProjectCreate, ProjectUpdate, ProjectDelete, ProjectRotateKey, ProjectRead, ProjectList,
    AuthFailure, AuthSuccess,
    AuditRead, AuditExport, AuditVerify, AuditReview, AuditCleanup, AuditCheckpoint,
    UsageRead, DoctorRead, EventsRead,
    ConfigUpdate, RequestCancel, BudgetUpdate, PriceUpdate, CachePurge,
    ManagementTokenCreate, ManagementTokenRotate, ManagementTokenRevoke,
    KeyRekey, ProviderCheck,
    AlertRaise, SystemStart, SystemStop, SystemRecovered,
};

struct ActionRow
{
    Action action;
    std::string_view name;
    ActionKind kind;
    uint8_t actors;                // of Actor
    std::string_view rotates = {}; // what it replaces; empty: nothing
    std::string_view meaning = {}; // a sentence for the reference page
};

namespace actions {

inline constexpr uint8_t client = static_cast<uint8_t>(Actor::Client);
inline constexpr uint8_t system = static_cast<uint8_t>(Actor::System);
inline constexpr uint8_t management = static_cast<uint8_t>(Actor::Management);
inline constexpr uint8_t person = management | static_cast<uint8_t>(Actor::Console) | static_cast<uint8_t>(Actor::Cli);

inline constexpr ActionRow table[] = {
    {Action::None, "", ActionKind::Unknown, 0},
    {Action::TokenAccess, "token.access", ActionKind::Access, client, "", "A data-plane request ended or was refused; an event with count stands for that many refused requests."},
    {Action::TokenCreate, "token.create", ActionKind::Change, person, "", "An access token was issued."},
    {Action::TokenUpdate, "token.update", ActionKind::Change, person, "", "Name, note, limits or expiry of an access token changed."},
    {Action::TokenRevoke, "token.revoke", ActionKind::Change, person, "", "An access token and its lineage were revoked."},
    {Action::TokenRevokeBatch, "token.revoke_batch", ActionKind::Change, person, "", "All access tokens of a project were revoked."},
    {Action::TokenRefresh, "token.refresh", ActionKind::Change, person, "", "A successor of an access token was issued."},
    {Action::TokenDelete, "token.delete", ActionKind::Change, person | system, "", "A revoked or expired access token was removed."},
    {Action::TokenRead, "token.read", ActionKind::Read, person, "", "An access token's record was shown."},
    {Action::TokenList, "token.list", ActionKind::Read, person, "", "Access tokens were listed."},
    {Action::TokenValidate, "token.validate", ActionKind::Auth, person, "", "An access token was checked."},
    {Action::ProjectCreate, "project.create", ActionKind::Change, person, "", "A project was created."},
    {Action::ProjectUpdate, "project.update", ActionKind::Change, person | system, "", "A project changed."},
    {Action::ProjectDelete, "project.delete", ActionKind::Change, person, "", "A project was hidden and its provider keys removed."},
    {Action::ProjectRotateKey, "project.rotate_key", ActionKind::Change, person, "provider key", "A provider key was replaced."},
    {Action::ProjectRead, "project.read", ActionKind::Read, person, "", "A project was shown."},
    {Action::ProjectList, "project.list", ActionKind::Read, person, "", "Projects were listed."},
    {Action::AuthFailure, "auth.failure", ActionKind::Auth, management | client, "", "A management call was refused for its credential or address; an event with count stands for that many refused requests of the action named in of."},
    {Action::AuthSuccess, "auth.success", ActionKind::Auth, management, "", "The first accepted management call per address and hour."},
    {Action::AuditRead, "audit.read", ActionKind::Read, person, "", "Audit events were read."},
    {Action::AuditExport, "audit.export", ActionKind::HandOut, person, "", "Audit events or a report left the server."},
    {Action::AuditVerify, "audit.verify", ActionKind::HandOut, person, "", "The audit log was verified."},
    {Action::AuditReview, "audit.review", ActionKind::HandOut, person, "", "A person reviewed the audit log."},
    {Action::AuditCleanup, "audit.cleanup", ActionKind::System, person | system, "", "Old audit rows were removed."},
    {Action::AuditCheckpoint, "audit.checkpoint", ActionKind::System, system, "", "The chain up to here was signed."},
    {Action::UsageRead, "usage.read", ActionKind::Read, person, "", "Usage was read."},
    {Action::DoctorRead, "doctor.read", ActionKind::Read, person, "", "The security checks were read."},
    {Action::EventsRead, "events.read", ActionKind::Read, person, "", "Running requests were watched."},
    {Action::ConfigUpdate, "config.update", ActionKind::Change, person, "", "Settings were saved."},
    {Action::RequestCancel, "request.cancel", ActionKind::Change, person, "", "A running request was ended by a person."},
    {Action::BudgetUpdate, "budget.update", ActionKind::Change, person, "", "A budget changed."},
    {Action::PriceUpdate, "price.update", ActionKind::Change, person, "", "Prices changed."},
    {Action::CachePurge, "cache.purge", ActionKind::Change, person, "", "The response cache was emptied."},
    {Action::ManagementTokenCreate, "management_token.create", ActionKind::Change, person, "", "A management token was created."},
    {Action::ManagementTokenRotate, "management_token.rotate", ActionKind::Change, person, "management token", "A management token was replaced."},
    {Action::ManagementTokenRevoke, "management_token.revoke", ActionKind::Change, person, "", "A management token was revoked."},
    {Action::KeyRekey, "key.rekey", ActionKind::Change, person, "encryption key", "The encryption key was replaced."},
    {Action::ProviderCheck, "provider.check", ActionKind::HandOut, person, "", "A provider key was sent to its provider to see whether it is accepted."},
    {Action::AlertRaise, "alert.raise", ActionKind::System, system, "", "An alert rule was met."},
    {Action::SystemStart, "system.start", ActionKind::System, system, "", "The server started."},
    {Action::SystemStop, "system.stop", ActionKind::System, system, "", "The server stopped."},
    {Action::SystemRecovered, "system.recovered", ActionKind::System, system, "", "The log was repaired after a crash. With result failure: the log or the database was changed from outside; reason says how."},
};

inline constexpr size_t count = std::size(table);

constexpr bool isInOrder()
{
    for (size_t at = 0; at < count; ++at) {
        if (static_cast<size_t>(table[at].action) != at)
            return false;
    }
    return static_cast<size_t>(Action::SystemRecovered) + 1 == count;
}
static_assert(isInOrder(), "the table is indexed by Action");

} // namespace actions

constexpr const ActionRow &rowOf(Action action)
{
    return actions::table[static_cast<size_t>(action)];
}
constexpr std::string_view nameOf(Action action)
{
    return rowOf(action).name;
}
// None: no action of this name.
constexpr Action actionNamed(std::string_view name)
{
    const auto found = std::find_if(std::begin(actions::table), std::end(actions::table), [name](const ActionRow &row) { return row.name == name; });
    return found == std::end(actions::table) ? Action::None : found->action;
}
// actor: as it stands in an event. False for one that does not exist.
bool mayCause(std::string_view actor, Action action);
std::string_view nameOf(ActionKind kind);

// docs/audit-actions.md.
std::string actionsMarkdown();

// The action of an event: one of the table or, in a log of another version, a name that this one does not know.
class EventAction
{
public:
    EventAction() = default;
    EventAction(Action action) : m_action(action) {}
    static EventAction named(std::string_view name);

    std::string_view name() const { return m_action == Action::None ? std::string_view(m_unknown) : nameOf(m_action); }
    Action action() const { return m_action; }
    ActionKind kind() const { return rowOf(m_action).kind; }
    bool isEmpty() const { return m_action == Action::None && m_unknown.empty(); }
    bool operator==(const EventAction &) const = default;
    bool operator==(Action action) const { return m_action == action && m_unknown.empty(); }

private:
    Action m_action = Action::None;
    std::string m_unknown;
};

} // namespace llmproxy
