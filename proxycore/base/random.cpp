// SPDX-License-Identifier: GPL-3.0-only
#include "base/random.h"

#include <cstdlib>
#include <cstring>
#include <sys/random.h>

namespace llmproxy {

void randomBytes(void *buffer, size_t size)
{
    auto *out = static_cast<unsigned char *>(buffer);
    while (size > 0) {
        const ssize_t got = getrandom(out, size, 0);
        if (got < 0)
            std::abort();
        out += got;
        size -= static_cast<size_t>(got);
    }
}

std::string randomBase62(size_t count)
{
    static constexpr char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string text;
    text.reserve(count);
    while (text.size() < count) {
        unsigned char bytes[64];
        randomBytes(bytes, sizeof bytes);
        for (const unsigned char byte : bytes) {
            // 248 = 4 * 62: larger values would favour the alphabet's beginning.
            if (byte < 248 && text.size() < count)
                text += alphabet[byte % 62];
        }
    }
    return text;
}

std::string randomUuid()
{
    // Ids are no secrets: a thread draws 256 at once, for a system call each costs 2 % of a request.
    struct Stock
    {
        unsigned char bytes[4096];
        size_t used = sizeof bytes;
    };
    thread_local Stock stock;
    if (stock.used == sizeof stock.bytes) {
        randomBytes(stock.bytes, sizeof stock.bytes);
        stock.used = 0;
    }
    unsigned char b[16];
    std::memcpy(b, stock.bytes + stock.used, sizeof b);
    stock.used += sizeof b;
    b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
    b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(36, '-');
    size_t at = 0;
    for (const unsigned char byte : b) {
        if (at == 8 || at == 13 || at == 18 || at == 23)
            ++at;
        text[at++] = digits[byte >> 4];
        text[at++] = digits[byte & 15];
    }
    return text;
}

} // namespace llmproxy
