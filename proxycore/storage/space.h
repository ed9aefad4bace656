// SPDX-License-Identifier: GPL-3.0-only
// Gives disk space back: pages that a removal left free, a few at a time between the writer's other work, and a write-ahead log that
// grew, when nobody writes. Used on the storage thread.
#pragma once

#include "storage/sql_connection.h"

#include <chrono>
#include <cstdint>

namespace llmproxy {

class Space
{
public:
    explicit Space(const std::string &path) : m_log(path + "-wal") {}

    // Each second: is there so much that it is worth it? busy: something was written since the last time.
    void look(SqlConnection &connection, bool busy);
    bool isActive() const { return m_isActive; }
    // Transactions of its own, of 32 pages each, for some 10 ms.
    void step(SqlConnection &connection);

private:
    static void takeLogIn(SqlConnection &connection, bool shortens);

    const std::string m_log;
    int m_idleSeconds = 0;
    bool m_isActive = false, m_canShrink = true;
};

// Once, of a database that was made without: rewrites it, so that it can shrink. False: it could not be (a full disk); it stays as it is.
bool makeShrinkable(SqlConnection &connection);

} // namespace llmproxy
