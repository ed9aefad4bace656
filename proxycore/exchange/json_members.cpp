// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/json_members.h"

#include "base/ascii.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <string>

namespace llmproxy {

namespace {

constexpr size_t deepest = 1024;

// The bytes of a string that do not stand for themselves, or end it.
constexpr std::array<bool, 256> specialBytes = [] {
    std::array<bool, 256> special{};
    for (size_t c = 0; c < 0x20; ++c)
        special[c] = true;
    special['"'] = special['\\'] = true;
    return special;
}();

// A key or text as far as it is kept.
struct Kept
{
    std::string text;
    bool isCut = false;

    void clear()
    {
        text.clear();
        isCut = false;
    }
    void append(std::string_view more)
    {
        const size_t room = JsonItem::mostKept - text.size();
        isCut = isCut || more.size() > room;
        text.append(more.substr(0, room));
    }
    void appendCodePoint(uint32_t code)
    {
        const auto low = [code](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
        if (code < 0x80)
            append(std::string{static_cast<char>(code)});
        else if (code < 0x800)
            append(std::string{static_cast<char>(0xc0 | code >> 6), low(0)});
        else if (code < 0x10000)
            append(std::string{static_cast<char>(0xe0 | code >> 12), low(6), low(0)});
        else
            append(std::string{static_cast<char>(0xf0 | code >> 18), low(12), low(6), low(0)});
    }
};

class MembersReader
{
public:
    MembersReader(std::string_view text, const JsonItemFound &found) : m_text(text), m_found(found) {}

    JsonText read()
    {
        skipBlanks();
        const bool isObject = peek() == '{';
        if (!readValue())
            return JsonText::Broken;
        while (m_depth > 0) {
            if (!readOn())
                return JsonText::Broken;
        }
        skipBlanks();
        return m_at < m_text.size() ? JsonText::Broken : isObject ? JsonText::Object : JsonText::Other;
    }

private:
    char peek() const { return m_at < m_text.size() ? m_text[m_at] : '\0'; }
    bool take(char c)
    {
        if (peek() != c || m_at >= m_text.size())
            return false;
        ++m_at;
        return true;
    }
    void skipBlanks()
    {
        while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\n' || m_text[m_at] == '\r' || m_text[m_at] == '\t'))
            ++m_at;
    }
    // Of the container that is open: its end, or the next member or element.
    bool readOn()
    {
        const bool isObject = m_isObject[m_depth - 1];
        skipBlanks();
        if (take(isObject ? '}' : ']')) {
            --m_depth;
            m_isFresh = false;
            return true;
        }
        if (!m_isFresh && !take(','))
            return false;
        m_isFresh = false;
        skipBlanks();
        return (!isObject || readKey()) && readValue();
    }
    bool readKey()
    {
        const bool kept = m_depth == 1;
        if (kept)
            m_key.clear();
        if (!take('"') || !readString(kept ? &m_key : nullptr))
            return false;
        skipBlanks();
        if (!take(':'))
            return false;
        skipBlanks();
        return true;
    }
    bool readValue()
    {
        switch (peek()) {
        case '{': return open(JsonKind::Object);
        case '[': return open(JsonKind::Array);
        case '"': return readText();
        case 't': return readWord("true", JsonKind::True);
        case 'f': return readWord("false", JsonKind::False);
        case 'n': return readWord("null", JsonKind::Null);
        default: return readNumber();
        }
    }
    bool open(JsonKind kind)
    {
        const bool looksInside = isTold() && tell(kind, {});
        if (m_depth == deepest)
            return false;
        if (m_depth == 1)
            m_looksInside = looksInside && kind == JsonKind::Array;
        ++m_at;
        m_isObject[m_depth++] = kind == JsonKind::Object;
        m_isFresh = true;
        return true;
    }
    bool isMember() const { return m_depth == 1 && m_isObject[0]; }
    bool isElement() const { return m_depth == 2 && m_isObject[0] && m_looksInside; }
    bool isTold() const { return m_depth <= 2 && (isMember() || isElement()); }
    bool tell(JsonKind kind, const Kept &text)
    {
        return m_found({m_key.text, kind, text.text, isElement(), m_key.isCut || text.isCut});
    }
    bool readText()
    {
        ++m_at;
        if (!isTold())
            return readString(nullptr);
        Kept text;
        if (!readString(&text))
            return false;
        tell(JsonKind::String, text);
        return true;
    }
    bool readWord(std::string_view word, JsonKind kind)
    {
        if (m_text.substr(m_at, word.size()) != word)
            return false;
        m_at += word.size();
        if (isTold())
            tell(kind, {});
        return true;
    }
    bool readDigits()
    {
        const size_t before = m_at;
        while (isAsciiDigit(peek()))
            ++m_at;
        return m_at > before;
    }
    bool readNumber()
    {
        take('-');
        if (!take('0') && !readDigits())
            return false;
        if (take('.') && !readDigits())
            return false;
        if (take('e') || take('E')) {
            if (!take('+'))
                take('-');
            if (!readDigits())
                return false;
        }
        if (isTold())
            tell(JsonKind::Number, {});
        return true;
    }
    // From behind its opening quote to behind its closing one.
    bool readString(Kept *into)
    {
        while (m_at < m_text.size()) {
            const size_t from = m_at;
            while (m_at < m_text.size() && !specialBytes[static_cast<unsigned char>(m_text[m_at])])
                ++m_at;
            if (into)
                into->append(m_text.substr(from, m_at - from));
            if (take('"'))
                return true;
            if (!take('\\') || !readEscape(into))
                return false; // a control character, or the end
        }
        return false;
    }
    bool readEscape(Kept *into)
    {
        static constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        if (take('u'))
            return readCodePoint(into);
        const size_t which = letters.find(peek());
        if (m_at >= m_text.size() || which == std::string_view::npos)
            return false;
        ++m_at;
        if (into)
            into->append(meant.substr(which, 1));
        return true;
    }
    bool readHex(uint32_t *unit)
    {
        *unit = 0;
        for (const char c : m_text.substr(m_at, 4)) {
            if (!isAsciiHexDigit(c))
                return false;
            *unit = *unit << 4 | static_cast<uint32_t>(isAsciiDigit(c) ? c - '0' : asciiLower(c) - 'a' + 10);
        }
        const bool whole = m_text.size() - m_at >= 4;
        m_at += whole ? 4 : 0;
        return whole;
    }
    // RFC 8259 section 7: beyond the first plane two units stand for one character; half of such a pair is read in many ways.
    bool readCodePoint(Kept *into)
    {
        uint32_t code = 0, low = 0;
        if (!readHex(&code) || (code >= 0xdc00 && code < 0xe000))
            return false;
        if (code >= 0xd800 && code < 0xdc00) {
            if (!take('\\') || !take('u') || !readHex(&low) || low < 0xdc00 || low >= 0xe000)
                return false;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        if (into)
            into->appendCodePoint(code);
        return true;
    }

    std::string_view m_text;
    const JsonItemFound &m_found;
    size_t m_at = 0;
    size_t m_depth = 0;                // open objects and lists
    std::bitset<deepest> m_isObject;
    bool m_isFresh = false;            // nothing of the innermost was read yet
    bool m_looksInside = false;        // elements of the member's list are told
    Kept m_key;
};

} // namespace

JsonText readJsonMembers(std::string_view text, const JsonItemFound &found)
{
    if (!simdjson::validate_utf8(text.data(), text.size()))
        return JsonText::Broken;
    return MembersReader(text, found).read();
}

} // namespace llmproxy
