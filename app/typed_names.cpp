// SPDX-License-Identifier: GPL-3.0-only
#include "typed_names.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

constexpr std::pair<std::string_view, const char *> fieldOptions[] = {
    {"duration_minutes", "--ttl"},         {"expires_at", "--expires-at"},   {"allowed_ips", "--allowed-ip"},
    {"allowed_models", "--allowed-model"}, {"allowed_endpoints", "--allowed-endpoint"},
    {"base_url", "--base-url"},            {"version_segment", "--version-segment"}, {"older_than", "--older-than"},   {"max_requests", "--max-requests"},
    {"rate_limit", "--rate-limit"},        {"max_concurrent", "--max-concurrent"},
    {"project_id", "--project"},           {"token_id", "--token"},          {"request_id", "--request-id"},
    {"client_ip", "--client-ip"},          {"environment", "--environment"}, {"provider", "--provider"},
    {"name", "--name"},                    {"note", "--note"},               {"grace", "--grace"},
    {"state", "--state"},                  {"api_key", "--key-stdin or --key"}, {"from", "--from"},
    {"to", "--to"},                        {"step", "--step"},               {"limit", "--limit"},
    {"sort", "--sort"},                    {"q", "--q"},                     {"id", "--id"},
};

// allowed_ips of providers[0].allowed_ips[3].
std::string_view lastName(std::string_view field)
{
    if (const size_t dot = field.rfind('.'); dot != field.npos)
        field.remove_prefix(dot + 1);
    return field.substr(0, field.find('['));
}

size_t differences(std::string_view one, std::string_view other)
{
    std::vector<size_t> row(other.size() + 1);
    for (size_t i = 0; i < row.size(); ++i)
        row[i] = i;
    for (size_t i = 1; i <= one.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i);
        for (size_t j = 1; j <= other.size(); ++j) {
            const size_t changed = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row.back();
}

} // namespace

std::string optionOfField(const std::string &field)
{
    const std::string_view name = lastName(field);
    const auto found = std::find_if(std::begin(fieldOptions), std::end(fieldOptions), [&](const auto &one) { return one.first == name; });
    return found == std::end(fieldOptions) ? std::string() : found->second;
}

std::string withOptions(const std::string &sentence)
{
    std::string out;
    size_t at = 0;
    while (at < sentence.size()) {
        const size_t open = sentence.find('\'', at);
        const size_t close = open == sentence.npos ? open : sentence.find('\'', open + 1);
        if (close == sentence.npos)
            break;
        const std::string option = optionOfField(sentence.substr(open + 1, close - open - 1));
        out += sentence.substr(at, open - at);
        out += option.empty() ? sentence.substr(open, close + 1 - open) : option;
        at = close + 1;
    }
    return out + sentence.substr(at);
}

std::string similarWord(std::string_view typed, const std::vector<std::string> &words)
{
    constexpr size_t longest = 40;
    const size_t atMost = typed.size() < 4 ? 1 : 2;
    std::string best;
    size_t fewest = atMost + 1;
    for (const std::string &word : words) {
        const size_t count = typed.size() > longest ? fewest : differences(typed, word);
        if (count < fewest && count < word.size()) {
            fewest = count;
            best = word;
        }
    }
    return best;
}

std::string counted(const std::string &number, const char *singular)
{
    return (number == "-" ? "0" : number) + " " + singular + (number == "1" ? "" : "s");
}

} // namespace llmproxy
