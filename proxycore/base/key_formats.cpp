// SPDX-License-Identifier: GPL-3.0-only
#include "base/key_formats.h"

#include "base/ascii.h"

#include <algorithm>

namespace llmproxy {

namespace {

enum class Alphabet {
    Alnum,  // A-Z a-z 0-9
    Dashed, // and - _
    Base64, // and + / =
};

struct KeyFormat
{
    std::string_view prefix;
    size_t atLeast; // characters of the alphabet after it; fewer are an ordinary word
    Alphabet alphabet;
};

// The masking rule's own prefixes, then those of providers and of tools around them. Alnum where models are called alike
// (pplx-decider-flash-latest, xai-grok-4-fast): a dash ends what counts.
constexpr KeyFormat formats[] = {
    {"tok-", 8, Alphabet::Dashed},
    {"sk-", 8, Alphabet::Dashed}, // OpenAI, Anthropic, OpenRouter, DeepSeek, Moonshot, DashScope, Stability, LiteLLM
    {"api_", 8, Alphabet::Dashed},
    {"ghp_", 8, Alphabet::Dashed},
    {"gho_", 20, Alphabet::Alnum}, {"ghu_", 20, Alphabet::Alnum}, {"ghs_", 20, Alphabet::Alnum}, {"ghr_", 20, Alphabet::Alnum}, // GitHub
    {"github_pat_", 16, Alphabet::Dashed}, {"glpat-", 16, Alphabet::Dashed},
    {"AIza", 16, Alphabet::Dashed}, {"AQ.", 30, Alphabet::Dashed}, {"ya29.", 16, Alphabet::Dashed}, {"GOCSPX-", 16, Alphabet::Dashed}, // Google
    {"AKIA", 16, Alphabet::Alnum}, {"ASIA", 16, Alphabet::Alnum}, {"ABSK", 32, Alphabet::Base64}, {"bedrock-api-key-", 32, Alphabet::Base64}, // AWS
    {"gsk_", 16, Alphabet::Alnum},   // Groq
    {"xai-", 16, Alphabet::Alnum},
    {"pplx-", 16, Alphabet::Alnum},  // Perplexity
    {"hf_", 16, Alphabet::Alnum},    // Hugging Face
    {"r8_", 16, Alphabet::Alnum},    // Replicate
    {"fw_", 16, Alphabet::Alnum},    // Fireworks
    {"tgp_v1_", 16, Alphabet::Dashed}, // Together
    {"csk-", 20, Alphabet::Alnum},   // Cerebras
    {"nvapi-", 32, Alphabet::Dashed},
    {"pa-", 40, Alphabet::Dashed},   // Voyage
    {"jina_", 20, Alphabet::Alnum}, {"tvly-", 20, Alphabet::Dashed}, {"fc-", 32, Alphabet::Alnum}, {"rpa_", 20, Alphabet::Alnum},
    {"dapi", 32, Alphabet::Alnum},   // Databricks
    {"cpk_", 32, Alphabet::Alnum},   // Chutes
    {"up_", 24, Alphabet::Alnum},    // Upstage
    {"vck_", 20, Alphabet::Alnum}, {"flp_", 20, Alphabet::Alnum}, {"sk_", 20, Alphabet::Alnum}, {"sk_live_", 16, Alphabet::Alnum}, {"sk_test_", 16, Alphabet::Alnum},
    {"lsv2_pt_", 20, Alphabet::Dashed}, {"lsv2_sk_", 20, Alphabet::Dashed}, {"pk-lf-", 16, Alphabet::Dashed}, // LangSmith, Langfuse
    {"bce-v3/ALTAK-", 16, Alphabet::Base64}, // Baidu
    {"hvs.", 20, Alphabet::Dashed}, {"hvb.", 20, Alphabet::Dashed}, {"SG.", 20, Alphabet::Dashed},
    {"xoxb-", 16, Alphabet::Dashed}, {"xoxp-", 16, Alphabet::Dashed}, {"xapp-", 16, Alphabet::Dashed},
};

constexpr size_t shortestKey = 11;

// These have letters that end other words, so that their length is not seen by them.
constexpr bool mayHaveSlashes(char first)
{
    return first == 'A' || first == 'b';
}

constexpr bool isFilterRight()
{
    for (const KeyFormat &format : formats) {
        const bool hasSlashes = format.alphabet == Alphabet::Base64 || format.prefix.find('/') != std::string_view::npos;
        if (format.prefix.size() + format.atLeast < shortestKey || (hasSlashes && !mayHaveSlashes(format.prefix.front())))
            return false;
    }
    return true;
}
static_assert(isFilterRight());

bool isIn(char c, Alphabet alphabet)
{
    if (isAsciiAlnum(c))
        return true;
    return (alphabet != Alphabet::Alnum && (c == '-' || c == '_')) || (alphabet == Alphabet::Base64 && (c == '+' || c == '/' || c == '='));
}

bool isHexDigit(char c)
{
    return (c >= '0' && c <= '9') || (asciiLower(c) >= 'a' && asciiLower(c) <= 'f');
}

size_t runOf(std::string_view text, size_t at, Alphabet alphabet)
{
    const size_t begin = at;
    while (at < text.size() && isIn(text[at], alphabet))
        ++at;
    return at - begin;
}

// A key may have several parts with dots between them, and a secret one behind a dot; a dot before anything else ends a sentence.
size_t withDottedParts(std::string_view text, size_t at, Alphabet alphabet)
{
    const Alphabet wide = alphabet == Alphabet::Alnum ? Alphabet::Dashed : alphabet;
    at += runOf(text, at, wide);
    while (at + 1 < text.size() && text[at] == '.' && isIn(text[at + 1], wide))
        at += 1 + runOf(text, at + 1, wide);
    return at;
}

size_t prefixedKey(std::string_view text, size_t at)
{
    for (const KeyFormat &format : formats) {
        if (text[at] != format.prefix.front() || !text.substr(at).starts_with(format.prefix))
            continue;
        const size_t begin = at + format.prefix.size();
        if (runOf(text, begin, format.alphabet) >= format.atLeast)
            return withDottedParts(text, begin, format.alphabet) - at;
    }
    return 0;
}

// JSON Web Tokens (RFC 7519): the base64url of '{"', a dot, and more of it.
size_t jsonWebToken(std::string_view text, size_t at)
{
    constexpr size_t leastPart = 10;
    if (!text.substr(at).starts_with("eyJ"))
        return 0;
    const size_t header = runOf(text, at, Alphabet::Dashed);
    const bool hasBody = at + header < text.size() && text[at + header] == '.' && runOf(text, at + header + 1, Alphabet::Dashed) >= leastPart;
    return header >= leastPart && hasBody ? withDottedParts(text, at, Alphabet::Dashed) - at : 0;
}

// Zhipu and Ollama: 32 hexadecimal digits, a dot, and the secret.
size_t idAndSecret(std::string_view text, size_t at)
{
    constexpr size_t idLength = 32, leastSecret = 16;
    const size_t id = runOf(text, at, Alphabet::Dashed);
    if (id != idLength || at + id >= text.size() || text[at + id] != '.' || !std::all_of(text.begin() + static_cast<ptrdiff_t>(at), text.begin() + static_cast<ptrdiff_t>(at + id), isHexDigit))
        return 0;
    const size_t secret = runOf(text, at + id + 1, Alphabet::Dashed);
    return secret >= leastSecret ? id + 1 + secret : 0;
}

// Nearly all words are shorter than any key, and are not compared with each format: 2,200 instructions a request less of 184,000.
bool isShortWord(std::string_view text, size_t at)
{
    const size_t end = std::min(at + shortestKey, text.size());
    for (size_t i = at; i < end; ++i) {
        if (!isIn(text[i], Alphabet::Dashed) && text[i] != '.')
            return !mayHaveSlashes(text[at]);
    }
    return end - at < shortestKey;
}

} // namespace

size_t keyLengthAt(std::string_view text, size_t at)
{
    if (isShortWord(text, at))
        return 0;
    if (const size_t length = prefixedKey(text, at))
        return length;
    const size_t length = jsonWebToken(text, at);
    return length > 0 ? length : idAndSecret(text, at);
}

bool looksRandom(std::string_view word)
{
    constexpr size_t least = 32;
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    if (word.size() < least || !std::all_of(word.begin(), word.end(), isAsciiAlnum))
        return false;
    const auto digits = std::count_if(word.begin(), word.end(), isDigit);
    return digits > 0 && static_cast<size_t>(digits) < word.size();
}

} // namespace llmproxy
