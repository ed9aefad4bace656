// SPDX-License-Identifier: GPL-3.0-only
// redactText: free text, read once from left to right. At each place where a word may begin the rules
// below are tried; what they take is masked and not looked at again.
#include "base/ascii.h"
#include "base/key_formats.h"
#include "base/masking.h"
#include "base/percent.h"

#include <algorithm>
#include <array>

namespace llmproxy {

namespace {

// Names of headers whose value is a credential wherever they stand; other names need "=" or quotes.
constexpr std::array<std::string_view, 6> headerNames{"x-api-key", "api-key", "x-goog-api-key", "authorization",
                                                      "proxy-authorization", "x-auth-token"};
constexpr std::array<std::string_view, 4> schemes{"bearer", "basic", "token", "digest"};

// A longer "name" may hide a credential itself: an access token is 42.
constexpr size_t longestName = 40;

bool isKeyCharacter(char c)
{
    return isAsciiAlnum(c) || c == '_' || c == '-';
}

// What ends a value in headers, queries, JSON and prose.
bool endsValue(char c)
{
    return static_cast<unsigned char>(c) <= ' ' || std::string_view("\"'`,;&<>()[]{}\\").find(c) != std::string_view::npos;
}

size_t skip(std::string_view text, size_t at, bool (*wanted)(char))
{
    while (at < text.size() && wanted(text[at]))
        ++at;
    return at;
}

size_t valueEnd(std::string_view text, size_t at)
{
    return skip(text, at, [](char c) { return !endsValue(c); });
}

// request_id, trace-id, traceparent: what is looked for in logs.
bool namesId(std::string_view name)
{
    const std::string text = lowerCased(name);
    return text.ends_with("id") || text.starts_with("trace");
}

bool isScheme(std::string_view word)
{
    const std::string name = lowerCased(word);
    return std::find(schemes.begin(), schemes.end(), name) != schemes.end();
}

enum class Place { Text, UserAgent };

class Redactor
{
public:
    Redactor(std::string_view text, Place place)
        : m_text(text), m_place(place), m_mayAssign(std::any_of(text.begin(), text.end(), [](char c) { return c == '=' || c == ':' || c == '"' || c == '\''; }))
    {
    }

    std::string run()
    {
        while (m_at < m_text.size()) {
            const bool wordBegins = isAsciiAlnum(m_text[m_at]) && (m_at == 0 || !isAsciiAlnum(m_text[m_at - 1]));
            if (!(wordBegins ? bearerWord() || namedValue() || keyWord() : gluedToken() || queryValue() || userInfo() || mailAddress()))
                ++m_at;
        }
        if (m_copied == 0)
            return std::string(m_text);
        m_out += m_text.substr(m_copied);
        return std::move(m_out);
    }

private:
    // Replaces [from, to) and goes on behind it.
    void replace(size_t from, size_t to, const std::string &with)
    {
        m_out += m_text.substr(m_copied, from - m_copied);
        m_out += with;
        m_copied = m_at = to;
    }

    // What stands behind "Bearer " is masked as if it did: four characters stay at each end.
    bool maskBearer(size_t from)
    {
        const size_t to = valueEnd(m_text, from);
        if (to == from)
            return false;
        constexpr std::string_view scheme = "Bearer ";
        replace(from, to, maskSecret(std::string(scheme) + std::string(m_text.substr(from, to - from))).substr(scheme.size()));
        return true;
    }

    bool bearerWord()
    {
        constexpr size_t length = 6;
        if (asciiLower(m_text[m_at]) != 'b' || lowerCased(m_text.substr(m_at, length)) != "bearer")
            return false;
        const size_t from = skip(m_text, m_at + length, [](char c) { return c == ' ' || c == '\t'; });
        return from > m_at + length && maskBearer(from);
    }

    bool namedValue()
    {
        // Sub-words of a-b_c were tried with the whole name already; the dashes of --token=x are no name.
        size_t begin = m_at;
        while (begin > 0 && (m_text[begin - 1] == '-' || m_text[begin - 1] == '_'))
            --begin;
        if (begin > 0 && isAsciiAlnum(m_text[begin - 1]))
            return false;
        if (!m_mayAssign)
            return false;
        const size_t nameEnd = skip(m_text, m_at, isKeyCharacter);
        size_t at = nameEnd;
        if (at >= m_text.size() || std::string_view("=:\"'").find(m_text[at]) == std::string_view::npos)
            return false;
        if (nameEnd - m_at > longestName)
            return false;
        const std::string name = lowerCased(m_text.substr(m_at, nameEnd - m_at));
        const bool header = std::find(headerNames.begin(), headerNames.end(), name) != headerNames.end();
        if (!header && !namesCredential(name))
            return false;
        const auto blank = [](char c) { return c == ' ' || c == '\t'; };
        const bool quotedName = m_text[at] == '"' || m_text[at] == '\'';
        at = skip(m_text, at + (quotedName ? 1 : 0), blank);
        if (at >= m_text.size() || (m_text[at] != '=' && m_text[at] != ':'))
            return false;
        const bool assigned = m_text[at] == '=';
        at = skip(m_text, at + 1, blank);
        // "key: value" of prose is none, and that of a header is.
        if (!assigned && !header && !quotedName && !looksRandom(m_text.substr(at, skip(m_text, at, isAsciiAlnum) - at)))
            return false;
        if (at < m_text.size() && (m_text[at] == '"' || m_text[at] == '\''))
            ++at;
        const bool wasNameMasked = maskName(m_at, nameEnd);
        return maskValue(at) || wasNameMasked;
    }

    // A name may be a credential itself: "?sk-…=1".
    bool maskName(size_t from, size_t to)
    {
        const std::string_view name = m_text.substr(from, to - from);
        const std::string masked = redactText(name);
        if (masked == name)
            return false;
        replace(from, to, masked);
        return true;
    }

    bool maskValue(size_t from)
    {
        size_t to = valueEnd(m_text, from);
        if (to == from)
            return false;
        if (to < m_text.size() && m_text[to] == ' ' && isScheme(m_text.substr(from, to - from))) {
            const bool isBearer = asciiLower(m_text[from]) == 'b' && to - from == 6;
            from = skip(m_text, to, [](char c) { return c == ' '; });
            if (isBearer)
                return maskBearer(from);
            to = valueEnd(m_text, from);
            if (to == from)
                return false;
        }
        replace(from, to, maskSecret(m_text.substr(from, to - from)));
        return true;
    }

    // What stands in front of an address that nobody needs to know: scheme://user:password@host.
    bool userInfo()
    {
        if (m_text[m_at] != ':' || !m_text.substr(m_at).starts_with("://"))
            return false;
        const size_t from = m_at + 3;
        const size_t end = std::min(m_text.find_first_of("/?# \t\"'", from), m_text.size());
        const size_t at = m_text.substr(0, end).rfind('@');
        if (at == m_text.npos || at <= from)
            return false;
        replace(from, at, "********");
        return true;
    }

    // local@domain.tld, also with %40. A name without a dot behind the @ is a version of a model.
    bool mailAddress()
    {
        const bool isCoded = m_text[m_at] == '%' && m_text.substr(m_at).starts_with("%40");
        if (m_text[m_at] != '@' && !isCoded)
            return false;
        const auto isLocal = [](char c) { return isAsciiAlnum(c) || std::string_view("._+-%!#$&*=?^{|}~").find(c) != std::string_view::npos; };
        size_t from = m_at;
        while (from > m_copied && isLocal(m_text[from - 1]))
            --from;
        const size_t begin = m_at + (isCoded ? 3 : 1);
        size_t to = skip(m_text, begin, [](char c) { return isAsciiAlnum(c) || c == '-' || c == '.'; });
        while (to > begin && !isAsciiAlnum(m_text[to - 1]))
            --to;
        const std::string_view domain = m_text.substr(begin, to - begin);
        const size_t dot = domain.rfind('.');
        if (from == m_at || dot == domain.npos || dot == 0 || domain.size() - dot < 3
            || !std::all_of(domain.begin() + static_cast<ptrdiff_t>(dot) + 1, domain.end(), [](char c) { return asciiLower(c) >= 'a' && asciiLower(c) <= 'z'; }))
            return false;
        replace(from, to, "********");
        return true;
    }

    // An access token of ours is one wherever it stands, also behind a letter; "risk-…" and the like are words.
    bool gluedToken()
    {
        constexpr std::string_view begin = "tok-";
        constexpr size_t length = 38; // characters behind it
        if (m_text[m_at] != 't' || m_text.substr(m_at, begin.size()) != begin)
            return false;
        if (skip(m_text, m_at + begin.size(), isAsciiAlnum) < m_at + begin.size() + length)
            return false;
        const size_t to = skip(m_text, m_at, isKeyCharacter); // another one may be glued to it
        replace(m_at, to, maskSecret(m_text.substr(m_at, begin.size() + length)));
        return true;
    }

    bool keyWord()
    {
        if (const size_t length = keyLengthAt(m_text, m_at)) {
            replace(m_at, m_at + length, maskSecret(m_text.substr(m_at, length)));
            return true;
        }
        return m_place == Place::UserAgent && maskRandom(m_at);
    }

    // A word that can only be a credential here.
    bool maskRandom(size_t from)
    {
        size_t to = skip(m_text, from, isAsciiAlnum);
        if (!looksRandom(m_text.substr(from, to - from)))
            return false;
        while (to + 1 < m_text.size() && m_text[to] == '.' && isKeyCharacter(m_text[to + 1])) // its second part
            to = skip(m_text, to + 1, isKeyCharacter);
        replace(from, to, maskSecret(m_text.substr(from, to - from)));
        return true;
    }

    // ?name=value or &name=value, whatever its name, if that is not one of an id.
    bool queryValue()
    {
        if (m_text[m_at] != '?' && m_text[m_at] != '&')
            return false;
        const size_t nameEnd = m_text.find_first_of("=&?#/ \t\r\n\"'<>", m_at + 1); // a.b, a[b] and coded names, too
        if (nameEnd == m_text.npos || m_text[nameEnd] != '=' || namesId(m_text.substr(m_at + 1, nameEnd - m_at - 1)))
            return false;
        const size_t from = nameEnd + 1;
        if (!looksRandom(m_text.substr(from, skip(m_text, from, isAsciiAlnum) - from)))
            return false;
        maskName(m_at + 1, nameEnd);
        return maskRandom(from);
    }

    std::string_view m_text;
    const Place m_place;
    const bool m_mayAssign; // a name and a value need one of these between them
    size_t m_at = 0;
    size_t m_copied = 0; // everything before it stands in m_out
    std::string m_out;
};

} // namespace

bool namesCredential(std::string_view name)
{
    constexpr std::array<std::string_view, 6> words{"key", "apikey", "token", "secret", "password", "authorization"};
    const std::string text = lowerCased(name);
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        if (!text.ends_with(word))
            return false;
        return text.size() == word.size() || !isAsciiAlnum(text[text.size() - word.size() - 1]);
    });
}

std::string redactText(std::string_view text)
{
    return Redactor(text, Place::Text).run();
}

std::string redactUserAgent(std::string_view text)
{
    return Redactor(text, Place::UserAgent).run();
}

std::string redactPath(std::string_view path)
{
    if (path.find('%') == path.npos)
        return redactText(path);
    const std::string decoded = percentDecoded(path);
    std::string redacted = redactText(decoded);
    return redacted == decoded ? redactText(path) : redacted;
}

} // namespace llmproxy
