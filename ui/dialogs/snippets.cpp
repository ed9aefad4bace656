// SPDX-License-Identifier: GPL-3.0-only
#include "dialogs/snippets.h"

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

QString modelFor(const QString &provider)
{
    return provider == "anthropic"_L1 ? u"claude-sonnet-4-5"_s : provider == "demo"_L1 ? u"demo"_s : provider == "gemini"_L1 ? u"gemini-2.5-flash"_s : u"gpt-4o-mini"_s;
}

QString fill(QString text, const QString &base, const QString &token, const QString &model)
{
    return text.replace("{base}"_L1, base).replace("{token}"_L1, token).replace("{model}"_L1, model);
}

const char curlText[] = R"(curl {base}/v1/chat/completions \
  -H "Authorization: Bearer {token}" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}", "messages": [{"role": "user", "content": "Hello"}]}')";
const char curlAnthropic[] = R"(curl {base}/v1/messages \
  -H "x-api-key: {token}" -H "anthropic-version: 2023-06-01" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}", "max_tokens": 256, "messages": [{"role": "user", "content": "Hello"}]}')";
const char curlGemini[] = R"(curl {base}/gemini/v1beta/models/{model}:generateContent \
  -H "x-goog-api-key: {token}" -H "Content-Type: application/json" \
  -d '{"contents": [{"parts": [{"text": "Hello"}]}]}')";
const char pythonText[] = R"(from openai import OpenAI

client = OpenAI(base_url="{base}/v1", api_key="{token}")
answer = client.chat.completions.create(
    model="{model}", messages=[{"role": "user", "content": "Hello"}])
print(answer.choices[0].message.content))";
const char pythonAnthropic[] = R"(from anthropic import Anthropic

client = Anthropic(base_url="{base}", api_key="{token}")
answer = client.messages.create(
    model="{model}", max_tokens=256, messages=[{"role": "user", "content": "Hello"}])
print(answer.content[0].text))";
const char nodeText[] = R"(import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{base}/v1", apiKey: "{token}" });
const answer = await client.chat.completions.create({
  model: "{model}", messages: [{ role: "user", content: "Hello" }] });
console.log(answer.choices[0].message.content);)";
const char nodeAnthropic[] = R"(import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "{base}", apiKey: "{token}" });
const answer = await client.messages.create({
  model: "{model}", max_tokens: 256, messages: [{ role: "user", content: "Hello" }] });
console.log(answer.content[0].text);)";
const char claudeText[] = R"(export ANTHROPIC_BASE_URL={base}
export ANTHROPIC_AUTH_TOKEN={token}
claude)";
// Codex reads a provider from its configuration and the key from the variable that is named there.
const char codexText[] = R"(# ~/.codex/config.toml
model_provider = "llm-proxy"

[model_providers.llm-proxy]
name = "LLM Proxy"
base_url = "{base}/v1"
env_key = "LLM_PROXY_TOKEN"
wire_api = "responses"

# then, in the shell
export LLM_PROXY_TOKEN={token}
codex)";
const char envText[] = R"(OPENAI_BASE_URL={base}/v1
OPENAI_API_KEY={token}
ANTHROPIC_BASE_URL={base}
ANTHROPIC_AUTH_TOKEN={token}
GOOGLE_GEMINI_BASE_URL={base}/gemini
GEMINI_API_KEY={token})";

} // namespace

std::vector<Snippet> snippetsFor(const QString &base, const QString &token, const QString &provider)
{
    const QString model = modelFor(provider);
    const bool anthropic = provider == "anthropic"_L1;
    const auto made = [&](const char *text) { return fill(QString::fromLatin1(text), base, token, model); };
    return {
        {u"curl"_s, made(anthropic ? curlAnthropic : provider == "gemini"_L1 ? curlGemini : curlText)},
        {u"Python"_s, made(anthropic ? pythonAnthropic : pythonText)},
        {u"Node"_s, made(anthropic ? nodeAnthropic : nodeText)},
        {u"Claude Code"_s, made(claudeText)},
        {u"Codex"_s, made(codexText)},
        {u".env"_s, made(envText)},
    };
}

} // namespace llmproxy::ui
