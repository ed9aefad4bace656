// SPDX-License-Identifier: GPL-3.0-only
// redactText: free text, read once from left to right. At each place where a word may begin the rules
// below are tried; what they take is masked and not looked at again.
#include "base/ascii.h"
#include "base/masking.h"
#include "base/percent.h"

#include <algorithm>
#include <array>

namespace llmproxy {

namespace {

struct KeyPrefix
{
    std::string_view text;
    size_t atLeast; // characters after it; fewer are an ordinary word
};

// The rule's own prefixes, then those of well-known providers, which the rule masks as unprefixed.
constexpr std::array<KeyPrefix, 12> keyPrefixes{{
    {"tok-", 8}, {"sk-", 8}, {"api_", 8}, {"ghp_", 8},
    {"AIza", 16}, {"AKIA", 16}, {"gsk_", 16}, {"xai-", 16}, {"hf_", 16}, {"pplx-", 16}, {"nvapi-", 16}, {"github_pat_", 16},
}};

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

bool isScheme(std::string_view word)
{
    const std::string name = lowerCased(word);
    return std::find(schemes.begin(), schemes.end(), name) != schemes.end();
}

class Redactor
{
public:
    explicit Redactor(std::string_view text)
        : m_text(text), m_mayAssign(std::any_of(text.begin(), text.end(), [](char c) { return c == '=' || c == ':' || c == '"' || c == '\''; }))
    {
    }

    std::string run()
    {
        while (m_at < m_text.size()) {
            const bool wordBegins = isAsciiAlnum(m_text[m_at]) && (m_at == 0 || !isAsciiAlnum(m_text[m_at - 1]));
            if (!(wordBegins ? bearerWord() || namedValue() || keyWord() : gluedToken() || userInfo() || mailAddress()))
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
        if (!assigned && !header && !quotedName)
            return false;
        at = skip(m_text, at + 1, blank);
        if (at < m_text.size() && (m_text[at] == '"' || m_text[at] == '\''))
            ++at;
        return maskValue(at);
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
        for (const KeyPrefix &prefix : keyPrefixes) {
            if (prefix.text.front() != m_text[m_at] || !m_text.substr(m_at).starts_with(prefix.text))
                continue;
            const size_t to = skip(m_text, m_at, isKeyCharacter);
            if (to - m_at < prefix.text.size() + prefix.atLeast)
                return false;
            replace(m_at, to, maskSecret(m_text.substr(m_at, to - m_at)));
            return true;
        }
        return false;
    }

    std::string_view m_text;
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
    return Redactor(text).run();
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
