// SPDX-License-Identifier: GPL-3.0-only
// One process owns a data directory at a time: flock on llm-proxy.lock, which names the owner. Thread: any.
#pragma once

#include "base/result.h"

#include <string>

namespace llmproxy {

class DataLock
{
public:
    ~DataLock() { release(); }
    // Error names the pid that holds it.
    Outcome acquire(const std::string &dataDir);
    void release();

private:
    int m_fd = -1;
};

} // namespace llmproxy
