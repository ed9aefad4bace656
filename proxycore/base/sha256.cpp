// SPDX-License-Identifier: GPL-3.0-only
#include "base/sha256.h"

#include <cstdlib>

namespace llmproxy {

Sha256Hex::Sha256Hex()
    : m_algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free)
    , m_context(EVP_MD_CTX_new(), EVP_MD_CTX_free)
{
    if (!m_algorithm || !m_context)
        std::abort(); // no SHA-256: nothing in this program can work
}

std::string Sha256Hex::hash(std::string_view bytes)
{
    begin();
    add(bytes);
    return end();
}

void Sha256Hex::begin()
{
    if (EVP_DigestInit_ex2(m_context.get(), m_algorithm.get(), nullptr) != 1)
        std::abort(); // an unhashed line must never be written
}

void Sha256Hex::add(std::string_view bytes)
{
    if (EVP_DigestUpdate(m_context.get(), bytes.data(), bytes.size()) != 1)
        std::abort();
}

std::string Sha256Hex::end()
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(m_context.get(), digest, &size) != 1)
        std::abort();
    static constexpr char hex[] = "0123456789abcdef";
    std::string out(2 * size, '0');
    for (unsigned at = 0; at < size; ++at) {
        out[2 * at] = hex[digest[at] >> 4];
        out[2 * at + 1] = hex[digest[at] & 15];
    }
    return out;
}

} // namespace llmproxy
