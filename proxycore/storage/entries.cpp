// SPDX-License-Identifier: GPL-3.0-only
#include "storage/entries.h"

#include "access/key_binding.h"
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

// True: something changed.
bool peekInto(ProviderEntry &entry, const std::string &reference, SecretCache &secrets)
{
    if (!entry.isBound)
        return false; // nobody knows where it may go
    const SecretCache::Peeked now = secrets.peek(reference);
    const KeyState state = now.value ? KeyState::Ready : now.state == SecretState::Pending ? KeyState::Pending : KeyState::Unusable;
    if (state == entry.keyState && entry.key == now.value)
        return false;
    entry.key = now.value;
    entry.keyState = state;
    return true;
}

SharedSecret openedKey(const ProviderKey &record, const QString &projectId, const KeyRing &keys)
{
    auto opened = keys.unseal(record.sealedKey.toStdString(), "project", projectId.toStdString(), record.provider.toStdString() + ".api_key");
    return opened ? std::make_shared<const Secret>(std::move(*opened)) : nullptr;
}

ProviderEntry makeProvider(const ProviderKey &record, const QString &projectId, const KeyRing &keys, SecretCache &secrets)
{
    ProviderEntry entry{record.provider.toStdString(), record.baseUrl.toStdString(), nullptr, KeyState::None};
    entry.versionSegment = record.versionSegment;
    const auto url = boundUrlOf(record, projectId, keys);
    entry.isBound = url.has_value();
    entry.keyUrl = url.value_or("");
    if (hasKey(record) && !entry.isBound) {
        entry.keyState = KeyState::Unusable;
    } else if (!record.reference.isEmpty()) {
        peekInto(entry, record.reference.toStdString(), secrets);
    } else if (!record.sealedKey.isEmpty()) {
        entry.key = openedKey(record, projectId, keys);
        entry.keyState = entry.key ? KeyState::Ready : KeyState::Unusable;
    }
    if (entry.keyState == KeyState::Unusable)
        logWarn("provider_key_unusable", {{"project_id", projectId.toStdString()}, {"provider", entry.provider}});
    return entry;
}

} // namespace

ProjectPtr makeProjectEntry(const Project &project, const KeyRing &keys, SecretCache &secrets)
{
    auto entry = std::make_shared<ProjectEntry>();
    entry->record = project;
    entry->id = project.id.toStdString();
    entry->allowedModels = texts(project.allowedModels);
    for (const ProviderKey &key : project.providers)
        entry->providers.push_back(makeProvider(key, project.id, keys, secrets));
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

std::set<std::string> referencesOf(const Snapshot &snapshot)
{
    std::set<std::string> references;
    for (const ProjectPtr &project : snapshot.projects()) {
        for (const ProviderKey &key : project->record.providers) {
            if (!project->record.deleted && !key.reference.isEmpty())
                references.insert(key.reference.toStdString());
        }
    }
    return references;
}

bool updateReferences(Snapshot &snapshot, const std::set<std::string> &references, SecretCache &secrets)
{
    bool changed = false;
    for (const ProjectPtr &project : snapshot.projects()) {
        std::shared_ptr<ProjectEntry> next;
        for (size_t at = 0; at < project->providers.size(); ++at) {
            const std::string reference = project->record.providers[at].reference.toStdString();
            if (reference.empty() || !references.contains(reference))
                continue;
            ProviderEntry entry = project->providers[at];
            if (!peekInto(entry, reference, secrets))
                continue;
            if (!next)
                next = std::make_shared<ProjectEntry>(*project);
            next->providers[at] = std::move(entry);
        }
        if (next) {
            snapshot.putProject(std::move(next));
            changed = true;
        }
    }
    return changed;
}

} // namespace llmproxy
