// SPDX-License-Identifier: GPL-3.0-only
// Which blocks of the audit table hold what is asked for, one kind of question each. Used on the connection's thread.
#pragma once

#include "audit/query.h"
#include "storage/sql_connection.h"

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace llmproxy {

// Blocks in the order of the page, one kind of condition each.
class Blocks
{
public:
    explicit Blocks(bool oldestFirst) : m_oldestFirst(oldestFirst) {}
    virtual ~Blocks() = default;

    // The next one that has it, from this one on in the page's order; nullopt: no more. False: storage failed.
    bool from(int64_t block, std::optional<int64_t> *next)
    {
        const bool known = m_asked && (!m_last || (m_oldestFirst ? *m_last >= block : *m_last <= block));
        if (!known) {
            m_asked = true;
            if (!seek(block, &m_last))
                return false;
        }
        *next = m_last;
        return true;
    }

    // Which events of the block that from() gave may have it; others are taken out of rows. Bit n is seq % auditBlock == n.
    using Rows = std::bitset<256>;
    virtual void restrict(int64_t, Rows &) const {}

protected:
    virtual bool seek(int64_t block, std::optional<int64_t> *next) = 0;
    const bool m_oldestFirst;

private:
    bool m_asked = false;
    std::optional<int64_t> m_last;
};

// With an event of any of these dictionary entries.
std::unique_ptr<Blocks> blocksOfTerms(SqlConnection &connection, bool oldestFirst, const std::vector<int64_t> &terms);
// With an event in the query's time; the query must live as long.
std::unique_ptr<Blocks> blocksOfTime(SqlConnection &connection, const AuditQuery &filters);

} // namespace llmproxy
