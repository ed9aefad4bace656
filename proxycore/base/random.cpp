// SPDX-License-Identifier: GPL-3.0-only
#include "base/random.h"

#include <cstdio>
#include <cstdlib>
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
    unsigned char b[16];
    randomBytes(b, sizeof b);
    b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
    b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
    char text[37];
    std::snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                  b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                  b[14], b[15]);
    return text;
}

} // namespace llmproxy
