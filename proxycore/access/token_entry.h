// SPDX-License-Identifier: GPL-3.0-only
// A token as the snapshot holds it: 300 bytes in three pieces, for there may be a million. Thread: immutable, shared.
#pragma once

#include "access/cidr.h"
#include "access/lineage_state.h"
#include "access/records.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

using TokenHash = std::array<unsigned char, 32>;

// The fields of a record that are texts.
struct TokenTexts
{
    std::string_view id, lineage, projectId, hashAlg, masked, name, note;
};

struct TokenRules
{
    std::vector<std::string> allowedModels;
    std::vector<std::string> allowedEndpoints;
    std::vector<std::string> allowedIps;
    std::vector<Cidr> networks; // allowedIps, parsed

    // A damaged address must not become "from everywhere": it is nobody's.
    TokenRules(std::vector<std::string> models, std::vector<std::string> endpoints, std::vector<std::string> ips);
};

class TokenEntry
{
public:
    // Without rules: null.
    TokenEntry(const TokenTexts &texts, const TokenTerms &given, const TokenHash &tokenHash, std::unique_ptr<const TokenRules> rules,
               std::shared_ptr<LineageState> lineageState);

    const TokenTerms terms;
    const TokenHash hash;
    std::shared_ptr<LineageState> state;

    std::string_view id() const { return part(0); }
    std::string_view lineage() const { return part(1); }
    std::string_view projectId() const { return part(2); }
    std::string_view masked() const { return part(4); }
    std::string_view name() const { return part(5); }
    const TokenRules &rules() const;
    // As it is stored.
    Token record() const;

private:
    static constexpr size_t parts = 7; // in the order of TokenTexts
    std::string_view part(size_t at) const;

    std::string m_texts; // one behind the other
    std::array<uint32_t, parts> m_ends{};
    const std::unique_ptr<const TokenRules> m_rules;
};

using TokenPtr = std::shared_ptr<const TokenEntry>;

} // namespace llmproxy
