// SPDX-License-Identifier: GPL-3.0-only
#include "engine/restored_database.h"

#include <map>
#include <set>

namespace llmproxy {

namespace {

class Again
{
public:
    explicit Again(const Snapshot &now) : m_now(now) {}

    void add(const AuditEvent &event)
    {
        const bool deactivates = event.action == Action::ProjectUpdate && event.find("is_active") && !std::get<bool>(*event.find("is_active"));
        if (event.action == Action::TokenRevoke)
            revokeLineage(event);
        else if (event.action == Action::TokenRevokeBatch)
            revokeProject(event);
        else if (event.action == Action::TokenDelete)
            m_removed.insert(std::string(event.text("token_uuid")));
        else if (event.action == Action::ProjectDelete || deactivates)
            closeProject(event, event.action == Action::ProjectDelete);
        else
            ++m_lost[std::string(event.action.name())];
    }

    Decision decision(int64_t fromSeq, int64_t toSeq)
    {
        Decision decision;
        for (const auto &[id, project] : m_projects)
            decision.changes.emplace_back(PutProject{project});
        for (const auto &[id, token] : m_tokens) {
            if (!m_removed.contains(id))
                decision.changes.emplace_back(PutToken{token});
        }
        for (const std::string &id : m_removed) {
            if (m_now.tokenById(id))
                decision.changes.emplace_back(RemoveToken{QString::fromStdString(id)});
        }
        AuditEvent event(Action::SystemRecovered, "system", "failure");
        event.detail("reason", "database_restored").detail("from_seq", fromSeq).detail("to_seq", toSeq);
        event.detail("revoked_count", static_cast<int64_t>(m_tokens.size())).detail("deactivated_count", static_cast<int64_t>(m_projects.size()));
        std::string lost;
        for (const auto &[action, count] : m_lost)
            lost += (lost.empty() ? "" : ",") + action + ":" + std::to_string(count);
        event.detail("lost", std::move(lost));
        decision.events.push_back(std::move(event));
        return decision;
    }

private:
    void revoke(const TokenPtr &token, int64_t atMs)
    {
        if (token->terms.revokedMs != 0)
            return;
        Token record = token->record();
        record.revokedMs = atMs;
        m_tokens.try_emplace(std::string(token->id()), std::move(record));
    }
    void revokeLineage(const AuditEvent &event)
    {
        if (const TokenPtr named = m_now.tokenById(std::string(event.text("token_uuid")))) {
            for (const TokenPtr &token : m_now.lineage(named->lineage()))
                revoke(token, event.timestampMs);
        }
    }
    void revokeProject(const AuditEvent &event)
    {
        m_now.eachToken([&](const TokenPtr &token) {
            if (token->projectId() == event.projectId)
                revoke(token, event.timestampMs);
        });
    }
    void closeProject(const AuditEvent &event, bool deletes)
    {
        const ProjectPtr project = m_now.project(event.projectId);
        if (!project)
            return;
        Project &record = m_projects.try_emplace(event.projectId, project->record).first->second;
        record.active = false;
        record.deactivatedMs = record.updatedMs = event.timestampMs;
        record.deleted = record.deleted || deletes;
        for (ProviderKey &key : record.providers) {
            if (!deletes)
                continue;
            key.sealedKey.clear();
            key.reference.clear();
            key.masked.clear();
            key.keySetMs = 0;
        }
    }

    const Snapshot &m_now;
    std::map<std::string, Token> m_tokens;
    std::map<std::string, Project> m_projects;
    std::set<std::string> m_removed;
    std::map<std::string, int64_t> m_lost;
};

} // namespace

Decision takeRightsAgain(const Snapshot &now, const std::vector<AuditEvent> &unknown)
{
    Again again(now);
    for (const AuditEvent &event : unknown)
        again.add(event);
    return again.decision(unknown.front().seq, unknown.back().seq);
}

} // namespace llmproxy
