// SPDX-License-Identifier: GPL-3.0-only
// A key or token in memory. It cannot be printed, streamed, copied by accident or compared in
// variable time; its bytes live in locked memory (mlock, MADV_DONTDUMP) and are wiped when it dies.
// Thread: immutable after construction, so shared_ptr<const Secret> may cross threads.
#pragma once

#include <memory>
#include <string_view>

namespace llmproxy {

class Secret
{
public:
    Secret() = default;
    explicit Secret(std::string_view bytes);
    ~Secret();
    Secret(Secret &&other) noexcept;
    Secret &operator=(Secret &&other) noexcept;
    Secret(const Secret &) = delete;
    Secret &operator=(const Secret &) = delete;

    Secret clone() const;
    bool isEmpty() const { return m_size == 0; }
    size_t size() const { return m_size; }
    // The one way to the bytes; the name is what reviewers search for.
    std::string_view reveal() const { return {m_bytes, m_size}; }
    // Time depends on the other's length only.
    bool equals(std::string_view other) const;

private:
    void release();
    char *m_bytes = nullptr;
    size_t m_size = 0;
};

using SharedSecret = std::shared_ptr<const Secret>;

// Overwrites memory in a way that compilers keep (OPENSSL_cleanse).
void wipe(void *bytes, size_t size);

} // namespace llmproxy
