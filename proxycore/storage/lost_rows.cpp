// SPDX-License-Identifier: GPL-3.0-only
#include "storage/lost_rows.h"

#include "storage/rows_to.h"

#include <algorithm>
#include <sstream>

namespace llmproxy {

namespace {

constexpr const char *lostName = "rows_lost"; // FROM TO FROM TO …

bool writeLostRows(SqlConnection &connection, const LostRows &lost)
{
    std::string text;
    for (const auto &[from, to] : lost)
        text += std::to_string(from) + " " + std::to_string(to) + " ";
    return writeMeta(connection, lostName, text);
}

int64_t numberOf(const AuditEvent &event, std::string_view key)
{
    const auto *const detail = event.find(key);
    const auto *const number = detail ? std::get_if<int64_t>(detail) : nullptr;
    return number ? *number : 0;
}

} // namespace

bool readLostRows(SqlConnection &connection, LostRows *lost)
{
    lost->clear();
    std::string text;
    if (!readMeta(connection, lostName, &text))
        return false;
    std::istringstream numbers(text);
    for (std::pair<int64_t, int64_t> one; numbers >> one.first >> one.second;)
        lost->push_back(one);
    return true;
}

bool addLostRows(SqlConnection &connection, const LostRows &more)
{
    LostRows lost;
    if (more.empty())
        return true;
    if (!readLostRows(connection, &lost))
        return false;
    lost.insert(lost.end(), more.begin(), more.end());
    return writeLostRows(connection, lost);
}

bool forgetDeclared(SqlConnection &connection, const AuditEvent &row)
{
    if (row.action != Action::SystemRecovered || row.text("reason") != lostRowsReason)
        return true;
    LostRows lost;
    if (!readLostRows(connection, &lost))
        return false;
    const auto declared = std::pair(numberOf(row, "from_seq"), numberOf(row, "to_seq"));
    return std::erase(lost, declared) == 0 || writeLostRows(connection, lost);
}

} // namespace llmproxy
