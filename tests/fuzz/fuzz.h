// SPDX-License-Identifier: GPL-3.0-only
// What the fuzz targets share. Each target states a property; breaking it ends the run with the input that did.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define FUZZ_CHECK(condition)                                                                                              \
    do {                                                                                                                   \
        if (!(condition)) {                                                                                                \
            std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                                   \
            std::abort();                                                                                                  \
        }                                                                                                                  \
    } while (false)

inline std::string_view textOf(const uint8_t *data, size_t size)
{
    return {reinterpret_cast<const char *>(data), size};
}
