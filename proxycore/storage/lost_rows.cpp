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

} // namespace

std::optional<std::pair<int64_t, int64_t>> declaredIn(const AuditEvent &event)
{
    if (event.action != Action::SystemRecovered || event.text("reason") != lostRowsReason)
        return {};
    return std::pair(event.number("from_seq").value_or(0), event.number("to_seq").value_or(0));
}

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
    const auto declared = declaredIn(row);
    if (!declared)
        return true;
    LostRows lost;
    if (!readLostRows(connection, &lost))
        return false;
    return std::erase(lost, *declared) == 0 || writeLostRows(connection, lost);
}

} // namespace llmproxy
