// SPDX-License-Identifier: GPL-3.0-only
#include "access/token_entry.h"

#include <utility>

namespace llmproxy {

namespace {

QString qt(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QStringList qt(const std::vector<std::string> &texts)
{
    QStringList list;
    for (const std::string &text : texts)
        list.append(qt(text));
    return list;
}

} // namespace

TokenRules::TokenRules(std::vector<std::string> models, std::vector<std::string> endpoints, std::vector<std::string> ips)
    : allowedModels(std::move(models)), allowedEndpoints(std::move(endpoints)), allowedIps(std::move(ips))
{
    for (const std::string &text : allowedIps)
        networks.push_back(Cidr::parse(text).value_or(Cidr{})); // the unspecified address
}

TokenEntry::TokenEntry(const TokenTexts &texts, const TokenTerms &given, const TokenHash &tokenHash, std::unique_ptr<const TokenRules> rules,
                       std::shared_ptr<LineageState> lineageState)
    : terms(given), hash(tokenHash), state(std::move(lineageState)), m_rules(std::move(rules))
{
    const std::string_view all[parts] = {texts.id, texts.lineage, texts.projectId, texts.hashAlg, texts.masked, texts.name, texts.note};
    size_t size = 0;
    for (const std::string_view text : all)
        size += text.size();
    m_texts.reserve(size);
    for (size_t at = 0; at < parts; ++at) {
        m_texts += all[at];
        m_ends[at] = static_cast<uint32_t>(m_texts.size());
    }
}

std::string_view TokenEntry::part(size_t at) const
{
    const size_t begin = at == 0 ? 0 : m_ends[at - 1];
    return std::string_view(m_texts).substr(begin, m_ends[at] - begin);
}

const TokenRules &TokenEntry::rules() const
{
    static const TokenRules none({}, {}, {});
    return m_rules ? *m_rules : none;
}

Token TokenEntry::record() const
{
    Token record;
    static_cast<TokenTerms &>(record) = terms;
    QString *const texts[parts] = {&record.id, &record.lineage, &record.projectId, &record.hashAlg, &record.masked, &record.name, &record.note};
    for (size_t at = 0; at < parts; ++at)
        *texts[at] = qt(part(at));
    record.hash = QByteArray(reinterpret_cast<const char *>(hash.data()), static_cast<qsizetype>(hash.size()));
    record.allowedModels = qt(rules().allowedModels);
    record.allowedEndpoints = qt(rules().allowedEndpoints);
    record.allowedIps = qt(rules().allowedIps);
    return record;
}

} // namespace llmproxy
