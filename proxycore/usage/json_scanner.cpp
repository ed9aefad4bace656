// SPDX-License-Identifier: GPL-3.0-only
#include "usage/json_scanner.h"

#include <algorithm>
#include <cstring>

namespace llmproxy {

namespace {

constexpr size_t maxCapture = 4096;
constexpr size_t maxKey = 64;

// How many bytes from at on can only be the inside of a number or word; looked at one by one they took a twentieth of a request.
size_t scalarRun(std::string_view bytes, size_t at)
{
    const auto isInside = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+'; };
    size_t end = at;
    while (end < bytes.size() && isInside(bytes[end]))
        ++end;
    return end - at;
}

} // namespace

JsonScanner::JsonScanner(std::span<const std::string_view> keys, int maxDepth, Found found)
    : m_keys(keys), m_maxDepth(maxDepth), m_found(std::move(found))
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

void JsonScanner::keep(std::string_view bytes)
{
    const size_t room = maxCapture - std::min(m_capture.size(), maxCapture);
    m_overflow = m_overflow || bytes.size() > room;
    m_capture.append(bytes.data(), std::min(bytes.size(), room));
}

// Inside a string, the long way of every request: on to what can end it. Returns where to go on.
size_t JsonScanner::feedString(std::string_view bytes, size_t at, size_t *quote)
{
    size_t end = at;
    if (m_escaped) {
        m_escaped = false;
        ++end;
    }
    end = std::min(end, bytes.size());
    // Two searches of the whole rest run 30 bytes at a time; a loop over both characters runs one.
    // The quote is searched once, not again behind each backslash before it.
    if (*quote < end || *quote == std::string_view::npos)
        *quote = std::min(bytes.find('"', end), bytes.size());
    const size_t most = *quote;
    const auto *backslash = static_cast<const char *>(memchr(bytes.data() + end, '\\', most - end));
    end = backslash ? static_cast<size_t>(backslash - bytes.data()) : most;
    const bool ends = end < bytes.size() && bytes[end] == '"';
    m_escaped = end < bytes.size() && !ends;
    const size_t behind = std::min(end + 1, bytes.size());
    if (m_captureDepth > 0)
        keep(bytes.substr(at, behind - at));
    else if (m_capturing)
        keep(bytes.substr(at, (ends ? end : behind) - at));
    else if (m_stringIsKey)
        m_key.append(bytes.substr(at, (ends ? end : behind) - at).substr(0, maxKey - std::min(m_key.size(), maxKey)));
    if (ends)
        onStringEnd();
    return behind;
}

void JsonScanner::onScalar(std::string_view bytes)
{
    if (!m_capturing && m_captureDepth == 0) {
        if (m_keyExpected || !wanted())
            return;
        beginCapture();
        m_capturing = true;
    }
    keep(bytes);
}

void JsonScanner::feed(std::string_view bytes)
{
    size_t quote = std::string_view::npos;
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (m_inString) {
            i = feedString(bytes, i, &quote) - 1;
            continue;
        }
        const char c = bytes[i];
        if (m_capturing && m_captureDepth == 0 && (c == ',' || c == '}' || c == ']' || c <= ' '))
            endCapture(); // a number or word ended
        if (const size_t run = scalarRun(bytes, i); run > 0) {
            onScalar(bytes.substr(i, run));
            i += run - 1;
            continue;
        }
        if (m_captureDepth > 0) {
            keep(bytes.substr(i, 1));
        } else if (m_capturing) {
            keep(bytes.substr(i, 1));
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
        default:
            break;
        }
    }
}

} // namespace llmproxy
