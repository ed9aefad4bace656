// SPDX-License-Identifier: GPL-3.0-only
// SHA-256 in lower-case hex. Thread: one per object.
#pragma once

#include <memory>
#include <openssl/evp.h>
#include <string>
#include <string_view>

namespace llmproxy {

// Keeps its algorithm and context: OpenSSL's SHA256() looks its algorithm up by name each time,
// which takes as long as hashing a line.
class Sha256Hex
{
public:
    Sha256Hex();
    std::string hash(std::string_view bytes);
    // The same in parts: begin(), add() as often as needed, end().
    void begin();
    void add(std::string_view bytes);
    std::string end();

private:
    std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> m_algorithm;
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> m_context;
};

} // namespace llmproxy
