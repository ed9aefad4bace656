// SPDX-License-Identifier: GPL-3.0-only
// Removes the oldest audit rows, up to a seq that a signed checkpoint names, a thousand at a time between the writer's other
// work; then what the dictionary and its blocks hold of them. Used on the storage thread.
#pragma once

#include "storage/sql_connection.h"

#include <cstdint>
#include <functional>

namespace llmproxy {

class Retention
{
public:
    using Done = std::function<void(bool ok, int64_t rows)>;

    // The rows up to this seq. One at a time; a second one takes the place of what is left of the first.
    void begin(int64_t toSeq, Done done);
    bool isActive() const { return m_toSeq > 0; }
    // One transaction of its own. Says when values of the dictionary are gone, so that nobody counts on them.
    bool step(SqlConnection &connection, bool *termsGone);
    // The storage failed, or ends.
    void abandon();

private:
    enum class Part { Rows, Blocks, Terms };
    bool removeRows(SqlConnection &connection);
    bool removeBlocks(SqlConnection &connection);
    bool removeTerms(SqlConnection &connection, bool *termsGone);
    void end(bool ok);

    int64_t m_toSeq = 0;
    int64_t m_rows = 0;
    int64_t m_term = 0; // the last one that was looked at
    Part m_part = Part::Rows;
    Done m_done;
};

} // namespace llmproxy
