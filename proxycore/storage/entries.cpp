// SPDX-License-Identifier: GPL-3.0-only
#include "storage/entries.h"

#include "base/log.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <algorithm>

namespace llmproxy {

namespace {

std::vector<std::string> texts(const QStringList &list)
{
    std::vector<std::string> result;
    for (const QString &text : list)
        result.push_back(text.toStdString());
    return result;
}

std::vector<std::string> texts(std::string_view json)
{
    if (json.size() <= 2) // []
        return {};
    std::vector<std::string> result;
    const QJsonArray array = QJsonDocument::fromJson(QByteArray(json.data(), static_cast<qsizetype>(json.size()))).array();
    for (const QJsonValue &item : array)
        result.push_back(item.toString().toStdString());
    return result;
}

std::unique_ptr<const TokenRules> rulesOf(std::vector<std::string> models, std::vector<std::string> endpoints, std::vector<std::string> ips)
{
    if (models.empty() && endpoints.empty() && ips.empty())
        return nullptr;
    return std::make_unique<const TokenRules>(std::move(models), std::move(endpoints), std::move(ips));
}

ProviderEntry makeProvider(const ProviderKey &record, const std::string &projectId, const KeyRing &keys,
                           ReferenceResolver &references)
{
    ProviderEntry entry{record.provider.toStdString(), record.baseUrl.toStdString(), nullptr, false};
    if (!record.reference.isEmpty()) {
        if (auto resolved = references.resolve(record.reference.toStdString()))
            entry.key = *resolved;
        entry.keyUnusable = !entry.key;
    } else if (!record.sealedKey.isEmpty()) {
        auto opened = keys.unseal(record.sealedKey.toStdString(), "project", projectId, entry.provider + ".api_key");
        if (opened)
            entry.key = std::make_shared<const Secret>(std::move(*opened));
        entry.keyUnusable = !entry.key;
    }
    if (entry.keyUnusable)
        logWarn("provider_key_unusable", {{"project_id", projectId}, {"provider", entry.provider}});
    return entry;
}

} // namespace

ProjectPtr makeProjectEntry(const Project &project, const KeyRing &keys, ReferenceResolver &references)
{
    auto entry = std::make_shared<ProjectEntry>();
    entry->record = project;
    entry->id = project.id.toStdString();
    entry->allowedModels = texts(project.allowedModels);
    for (const ProviderKey &key : project.providers)
        entry->providers.push_back(makeProvider(key, entry->id, keys, references));
    return entry;
}

TokenPtr makeTokenEntry(const Token &token, std::shared_ptr<LineageState> state)
{
    TokenHash hash{};
    if (token.hash.size() != static_cast<qsizetype>(hash.size()))
        return nullptr;
    std::copy(token.hash.begin(), token.hash.end(), hash.begin());
    const std::string id = token.id.toStdString(), lineage = token.lineage.toStdString(), projectId = token.projectId.toStdString(),
                      hashAlg = token.hashAlg.toStdString(), masked = token.masked.toStdString(), name = token.name.toStdString(),
                      note = token.note.toStdString();
    return std::make_shared<const TokenEntry>(TokenTexts{id, lineage, projectId, hashAlg, masked, name, note}, token, hash,
                                              rulesOf(texts(token.allowedModels), texts(token.allowedEndpoints), texts(token.allowedIps)),
                                              std::move(state));
}

std::shared_ptr<TokenEntry> makeTokenEntry(const TokenRow &row)
{
    TokenHash hash{};
    if (row.hash.size() != hash.size())
        return nullptr;
    std::copy(row.hash.begin(), row.hash.end(), hash.begin());
    return std::make_shared<TokenEntry>(row.texts, row.terms, hash,
                                        rulesOf(texts(row.allowedModels), texts(row.allowedEndpoints), texts(row.allowedIps)), nullptr);
}

std::vector<ReferenceValue> changedReferences(const Snapshot &snapshot, ReferenceResolver &references)
{
    std::vector<ReferenceValue> changed;
    const std::vector<ProjectPtr> projects = snapshot.projects();
    for (const ProjectPtr &project : projects) {
        for (size_t at = 0; at < project->providers.size(); ++at) {
            const std::string reference = project->record.providers[at].reference.toStdString();
            if (reference.empty())
                continue;
            const SharedSecret &old = project->providers[at].key;
            auto resolved = references.resolve(reference);
            const SharedSecret now = resolved ? *resolved : nullptr;
            const bool same = old && now ? old == now || old->equals(now->reveal()) : !old && !now;
            if (!same)
                changed.push_back({project->id, project->providers[at].provider, reference, now});
        }
    }
    return changed;
}

ProjectPtr withReferenceValue(const Snapshot &snapshot, const ReferenceValue &value)
{
    const ProjectPtr project = snapshot.project(value.projectId);
    if (!project)
        return nullptr;
    for (size_t at = 0; at < project->providers.size(); ++at) {
        if (project->providers[at].provider != value.provider
            || project->record.providers[at].reference.toStdString() != value.reference)
            continue;
        auto next = std::make_shared<ProjectEntry>(*project);
        next->providers[at].key = value.key;
        next->providers[at].keyUnusable = !value.key;
        return next;
    }
    return nullptr;
}

} // namespace llmproxy
