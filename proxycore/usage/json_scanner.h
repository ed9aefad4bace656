// SPDX-License-Identifier: GPL-3.0-only
// Looks for a few members while JSON streams by, without keeping the document: strings, numbers and small
// objects at the outer levels. Bytes are neither copied nor changed; only a wanted value is kept (at most
// 4 KiB). Documents may follow each other (NDJSON). Thread: its request's.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace llmproxy {

class JsonScanner
{
public:
    // maxDepth: 1 = members of the outermost object only, 2 = also of its member objects. raw is the value
    // as written: a string without quotes (escapes untouched), a number, or an object with braces.
    using Found = std::function<void(std::string_view key, std::string_view raw, int depth)>;
    // keys must outlive it: a constant.
    JsonScanner(std::span<const std::string_view> keys, int maxDepth, Found found);

    void feed(std::string_view bytes);
    void reset(); // a new document begins

private:
    size_t feedString(std::string_view bytes, size_t at, size_t *quote);
    void keep(std::string_view bytes);
    void onScalar(std::string_view bytes);
    void onStringEnd();
    void beginCapture();
    void endCapture();
    bool wanted() const;

    std::span<const std::string_view> m_keys;
    int m_maxDepth;
    Found m_found;
    std::string m_key;      // last member name at a level that counts
    std::string m_capture;
    uint64_t m_objects = 0; // bit n: the container at depth n+1 is an object
    int m_depth = 0;
    int m_captureDepth = 0; // > 0: an object is being kept, until this depth closes
    bool m_inString = false, m_escaped = false;
    bool m_keyExpected = false; // the next string is a member name
    bool m_stringIsKey = false;
    bool m_capturing = false;   // a scalar is being kept
    bool m_overflow = false;
};

} // namespace llmproxy
