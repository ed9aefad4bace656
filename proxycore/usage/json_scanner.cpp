// SPDX-License-Identifier: GPL-3.0-only
#include "usage/json_scanner.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr size_t maxCapture = 4096;
constexpr size_t maxKey = 64;

} // namespace

JsonScanner::JsonScanner(std::vector<std::string> keys, int maxDepth, Found found)
    : m_keys(std::move(keys)), m_maxDepth(maxDepth), m_found(std::move(found))
{
}

void JsonScanner::reset()
{
    m_key.clear();
    m_capture.clear();
    m_objects = 0;
    m_depth = m_captureDepth = 0;
    m_inString = m_escaped = m_keyExpected = m_stringIsKey = m_capturing = m_overflow = false;
}

bool JsonScanner::wanted() const
{
    if (m_depth < 1 || m_depth > m_maxDepth)
        return false;
    const uint64_t levels = (uint64_t{1} << m_depth) - 1;
    return (m_objects & levels) == levels // not inside an array
           && std::find(m_keys.begin(), m_keys.end(), m_key) != m_keys.end();
}

void JsonScanner::beginCapture()
{
    m_capture.clear();
    m_overflow = false;
}

void JsonScanner::endCapture()
{
    if (!m_overflow)
        m_found(m_key, m_capture, m_depth);
    m_capture.clear();
    m_capturing = false;
}

void JsonScanner::onStringEnd()
{
    m_inString = false;
    if (m_stringIsKey) {
        m_stringIsKey = m_keyExpected = false;
    } else if (m_capturing && m_captureDepth == 0) {
        endCapture();
    }
}

void JsonScanner::feed(std::string_view bytes)
{
    for (size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        const bool keep = m_captureDepth > 0 || m_capturing;
        if (m_inString) {
            if (!keep && !m_stringIsKey && !m_escaped && c != '"' && c != '\\') {
                // The long way of every request: text. Jump to what can end it.
                const size_t next = bytes.find_first_of("\"\\", i);
                if (next == std::string_view::npos)
                    return;
                i = next - 1;
                continue;
            }
            const bool ends = c == '"' && !m_escaped;
            if (m_captureDepth > 0 || (m_capturing && !ends)) {
                if (m_capture.size() < maxCapture)
                    m_capture += c;
                else
                    m_overflow = true;
            } else if (m_stringIsKey && !ends && m_key.size() < maxKey) {
                m_key += c;
            }
            m_escaped = c == '\\' && !m_escaped;
            if (ends)
                onStringEnd();
            continue;
        }
        if (m_capturing && m_captureDepth == 0 && (c == ',' || c == '}' || c == ']' || c <= ' '))
            endCapture(); // a number or word ended
        if (m_captureDepth > 0) {
            if (m_capture.size() < maxCapture)
                m_capture += c;
            else
                m_overflow = true;
        } else if (m_capturing) {
            if (m_capture.size() < maxCapture)
                m_capture += c;
            continue;
        }
        switch (c) {
        case '"':
            m_inString = true;
            m_escaped = false;
            if (m_captureDepth > 0)
                break;
            m_stringIsKey = m_keyExpected;
            if (m_stringIsKey) {
                m_key.clear();
            } else if (wanted()) {
                beginCapture();
                m_capturing = true;
            }
            break;
        case '{':
        case '[':
            if (c == '{' && m_captureDepth == 0 && wanted()) {
                beginCapture();
                m_capture += c;
                m_captureDepth = m_depth + 1;
            }
            ++m_depth;
            if (m_depth < 63) {
                const uint64_t bit = uint64_t{1} << (m_depth - 1);
                m_objects = c == '{' ? m_objects | bit : m_objects & ~bit;
            }
            m_keyExpected = c == '{' && m_captureDepth == 0;
            break;
        case '}':
        case ']':
            if (m_depth > 0)
                --m_depth;
            if (m_captureDepth > 0 && m_depth < m_captureDepth) {
                m_captureDepth = 0;
                endCapture();
            }
            if (m_depth == 0)
                reset();
            break;
        case ',':
            m_keyExpected = m_captureDepth == 0 && m_depth > 0 && m_depth < 63 && ((m_objects >> (m_depth - 1)) & 1) != 0;
            break;
        case ':':
        case ' ':
        case '\n':
        case '\r':
        case '\t':
            break;
        default:
            if (m_captureDepth == 0 && wanted() && !m_keyExpected) {
                beginCapture();
                m_capture += c;
                m_capturing = true;
            }
            break;
        }
    }
}

} // namespace llmproxy
