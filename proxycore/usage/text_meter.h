// SPDX-License-Identifier: GPL-3.0-only
// How many bytes of a JSON body are text, roughly: a kilobyte without a blank, a quotation mark or a letter beyond ASCII is base64 of an
// image or a file, whose size says nothing about its tokens. Thread: its request's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmproxy {

class TextMeter
{
public:
    void feed(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const std::string_view part = bytes.substr(0, window - m_inWindow);
            m_hasText = m_hasText || isText(part);
            m_inWindow += part.size();
            bytes.remove_prefix(part.size());
            if (m_inWindow == window) {
                m_text += m_hasText ? static_cast<int64_t>(window) : 0;
                m_inWindow = 0;
                m_hasText = false;
            }
        }
    }
    int64_t bytes() const { return m_text + static_cast<int64_t>(m_inWindow); }

private:
    static constexpr size_t window = 1024;
    static bool isText(std::string_view part)
    {
        return part.find(' ') != std::string_view::npos || part.find('"') != std::string_view::npos
               || std::any_of(part.begin(), part.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    }

    int64_t m_text = 0; // of whole windows
    size_t m_inWindow = 0;
    bool m_hasText = false;
};

} // namespace llmproxy
