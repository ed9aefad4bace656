// SPDX-License-Identifier: GPL-3.0-only
// Key formats in free text, and what looks like them and must stay: the names of models, and ids.
#include "base/masking.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

constexpr std::string_view hexDigits = "9f3c07ab5e8d1264";
constexpr std::string_view mixed = "Zk3Qp9xW7vB2nM5cR8tY4hL6";

std::string run(std::string_view alphabet, size_t length)
{
    std::string text;
    while (text.size() < length)
        text += alphabet;
    text.resize(length);
    return text;
}

QByteArray bytes(const std::string &text)
{
    return QByteArray::fromStdString(text);
}

// The middle of a key: what must not stay.
std::string middleOf(const std::string &key)
{
    return key.substr(key.size() / 2, 8);
}

} // namespace

class TstRedact : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void formats_data()
    {
        QTest::addColumn<QByteArray>("key");
        const auto row = [](const char *name, const std::string &key) { QTest::newRow(name) << bytes(key); };
        row("OpenAI", "sk-proj-" + run(mixed, 60) + "_" + run(mixed, 40));
        row("Anthropic", "sk-ant-api03-" + run(mixed, 48) + "-" + run(mixed, 46));
        row("OpenRouter", "sk-or-v1-" + run(hexDigits, 64));
        row("DeepSeek", "sk-" + run(hexDigits, 32));
        row("a dotted key", "sk-" + run(mixed, 16) + "." + run(mixed, 32));
        row("Groq", "gsk_" + run(mixed, 52));
        row("Replicate", "r8_" + run(mixed, 37));
        row("Fireworks", "fw_" + run(mixed, 22));
        row("xAI", "xai-" + run(mixed, 80));
        row("Perplexity", "pplx-" + run(mixed, 48));
        row("Hugging Face", "hf_" + run("aBcDeFgHiJkLmNoPq", 34));
        row("Together", "tgp_v1_" + run(mixed, 43));
        row("Cerebras", "csk-" + run("9f3ckz07ab5e8d", 48));
        row("NVIDIA", "nvapi-" + run(mixed, 40) + "-" + run(mixed, 23));
        row("Voyage", "pa-" + run(mixed, 43));
        row("Google", "AIza" + run(mixed, 35));
        row("Google, dotted", "AQ." + run(mixed, 50));
        row("Google, OAuth", "ya29." + run(mixed, 60));
        row("AWS", "AKIA" + run("Q7ZK3XWB5", 16));
        row("Bedrock", "ABSK" + run("Qm+kcm/jaEFQSUtleS1", 120) + "=");
        row("GitHub", "gho_" + run(mixed, 36));
        row("Databricks", "dapi" + run(hexDigits, 32));
        row("Zhipu", run(hexDigits, 32) + "." + run(mixed, 16));
        row("Ollama", run(hexDigits, 32) + "." + run(mixed, 24));
        row("Chutes", "cpk_" + run(hexDigits, 32) + "." + run(hexDigits, 32) + "." + run(mixed, 32));
        row("JSON Web Token", "eyJhbGciOiJIUzI1NiJ9." + run(mixed, 60) + "." + run(mixed, 43));
        row("Baidu", "bce-v3/ALTAK-" + run(mixed, 21) + "/" + run(hexDigits, 40));
        row("LangSmith", "lsv2_pt_" + run(hexDigits, 32) + "_" + run(hexDigits, 10));
    }

    void formats()
    {
        QFETCH(const QByteArray, key);
        const std::string text = key.toStdString();
        for (const std::string &said : {text, "Incorrect API key provided: " + text + ". Check it.", "GET /v1/models?k=" + text + "&a=b", "GET /v1/models?" + text + "=qX7Lk2Vd9RtWz4Mb8Hn3Pc6Js5Gf1Ya0", "agent/1.0 (" + text + ")", "'" + text + "'"}) {
            const std::string redacted = redactText(said);
            QVERIFY2(redacted.find(middleOf(text)) == redacted.npos, redacted.c_str());
            QVERIFY2(redacted.find("Lk2Vd9RtWz4Mb8Hn") == redacted.npos, redacted.c_str());
            QCOMPARE(redactText(redacted), redacted);
            if (const size_t dot = text.rfind('.'); dot != text.npos) { // no part stays
                const std::string last = text.substr(dot + 1);
                QVERIFY2(redacted.find(last.substr(4, last.size() - 8)) == redacted.npos, redacted.c_str());
            }
        }
        QVERIFY(redactText("key " + text + ". Next").ends_with(". Next"));
    }

    void hexadecimalDigitsWhereACredentialMayStand_data()
    {
        QTest::addColumn<QByteArray>("text");
        const std::string hex = run(hexDigits, 32);
        for (const std::string &text : {"api-key: " + hex, "Ocp-Apim-Subscription-Key: " + hex, "api_key=" + hex, "{\"key\": \"" + hex + "\"}", "GET /v1/models?code=" + hex,
                                        "https://a.example/x?a=b&sig=" + hex + "&c=d", "API key: " + hex, "subscription_key: " + hex, "token: " + run(mixed, 40)})
            QTest::newRow(text.c_str()) << bytes(text);
    }

    void hexadecimalDigitsWhereACredentialMayStand()
    {
        QFETCH(const QByteArray, text);
        const std::string redacted = redactText(text.toStdString());
        QVERIFY2(redacted.find(run(hexDigits, 16)) == redacted.npos && redacted.find(run(mixed, 16)) == redacted.npos, redacted.c_str());
        QCOMPARE(redactText(redacted), redacted);
    }

    void userAgents()
    {
        for (const std::string &key : {run(hexDigits, 32), run(hexDigits, 64), run(mixed, 32), run(mixed, 84)}) {
            const std::string redacted = redactUserAgent("myclient/1.0 " + key + " (linux)");
            QVERIFY2(redacted.find(key.substr(8, 16)) == redacted.npos, redacted.c_str());
            QVERIFY2(redacted.starts_with("myclient/1.0 ") && redacted.ends_with(" (linux)"), redacted.c_str());
        }
        for (const char *agent : {"OpenAI/Python 1.54.0", "claude-cli/2.0.14 (external, cli)", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
                                  "ai-sdk/openai/2.0.30 runtime/node.js/22", "app/550e8400-e29b-41d4-a716-446655440000", "google-genai-sdk/1.16.1 gl-python/3.12.3"})
            QCOMPARE(redactUserAgent(agent), std::string(agent));
    }

    void idsStay()
    {
        const std::string hex = run(hexDigits, 32);
        for (const std::string &text : {hex, "request_id=" + hex, "trace_id: " + hex, "x-request-id: " + hex, "{\"id\": \"" + hex + "\"}", "GET /v1/x?request_id=" + hex, "GET /v1/x?trace-id=" + hex + "&traceparent=" + hex,
                                        "00-" + hex + "-" + run(hexDigits, 16) + "-01", "file-" + run(mixed, 22), "resp_" + run(hexDigits, 48), "msg_" + run(mixed, 24), "req_" + run(mixed, 24),
                                        "chatcmpl-" + run(mixed, 29), "batch_" + hex, "sha256:" + run(hexDigits, 64), hex + ".json", "call_" + run(mixed, 24), "toolu_" + run(mixed, 24)})
            QCOMPARE(redactText(text), text);
    }

    void namesOfModelsStay()
    {
        for (const char *model : {"perplexity/pplx-decider-flash-latest", "perplexity/pplx-decider-flash-v1.2", "perplexity/pplx-embed-context-v1-0.6b", "pplx-70b-online",
                                  "pplx-embed-context-v1-4b", "xai-grok-4-fast-reasoning-latest", "xai/grok-4-fast-non-reasoning", "hf_meta-llama/Llama-3.3-70B-Instruct",
                                  "fw_accounts-fireworks-models-llama", "r8_meta-llama-3-70b-instruct-chat", "gsk_llama-3.3-70b-versatile", "nvapi-nemotron-nano-9b-v2",
                                  "pa-large-language-model-2-instruct-preview", "fc-7b-instruct-preview-2025-10-01-long", "anthropic.claude-sonnet-4-5-20250929-v1:0",
                                  "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "vertex_ai/claude-opus-4-5@20251101",
                                  "claude-3-5-sonnet@20240620", "@cf/meta/llama-3.3-70b-instruct-fp8-fast", "gemini-2.5-flash-native-audio-preview-12-2025", "ft:gpt-4o-mini-2024-07-18:acme::AbC123dE",
                                  "accounts/fireworks/models/qwen3-235b-a22b-thinking-2507", "nousresearch/hermes-3-llama-3.1-405b:free", "1024-x-1024/50-steps/stability.stable-diffusion-xl-v1",
                                  "databricks-dapi-test", "watsonx/ibm/granite-4-h-small", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "text-embedding-3-large", "tok-7b", "skt/A.X-4.0-Light",
                                  "openrouter/google/gemini-2.5-flash-lite-preview-09-2025", "azure/gpt-4o-mini-realtime-preview-2024-12-17", "multimodalembedding@001"})
            QCOMPARE(redactText(model), std::string(model));
    }
};

REGISTER_TEST(TstRedact)
#include "tst_redact.moc"
