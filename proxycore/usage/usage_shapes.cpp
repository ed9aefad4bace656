// SPDX-License-Identifier: GPL-3.0-only
#include "usage/usage_shapes.h"

#include <array>

namespace llmproxy {

namespace {

using enum UsageField;
using S = UsageSense;

// Chat completions of OpenAI and all who speak like it. Also: api-docs.deepseek.com (prompt_cache_hit_tokens),
// docs.x.ai/docs/key-information/consumption-and-rate-limits (reasoning is apart from completion_tokens and inside total_tokens),
// docs.perplexity.ai/api-reference/chat-completions-post (reasoning_tokens, num_search_queries), docs.mistral.ai/api (prompt_audio_seconds),
// openrouter.ai/docs/use-cases/usage-accounting (cache_write_tokens), platform.moonshot.ai/docs/api/chat (cached_tokens).
constexpr auto chatRows = std::to_array<UsageRow>({
    {"usage.prompt_tokens", Prompt, S::Total},
    {"usage.completion_tokens", Completion, S::Total},
    {"usage.total_tokens", Total, S::Inside},
    {"usage.prompt_tokens_details.cached_tokens", Cached, S::InsideByTotal},
    {"usage.prompt_cache_hit_tokens", Cached, S::InsideByTotal},
    {"usage.cache_read_input_tokens", Cached, S::InsideByTotal},
    {"usage.cached_tokens", Cached, S::InsideByTotal},
    {"usage.num_cached_tokens", Cached, S::InsideByTotal},
    {"usage.prompt_tokens_details.cache_write_tokens", CacheWrite, S::InsideByTotal},
    {"usage.cache_creation_input_tokens", CacheWrite, S::InsideByTotal},
    {"usage.cache_creation.ephemeral_1h_input_tokens", CacheWrite1h, S::Inside},
    {"usage.completion_tokens_details.reasoning_tokens", Reasoning, S::InsideByTotal},
    {"usage.reasoning_tokens", Reasoning, S::InsideByTotal},
    {"usage.prompt_tokens_details.audio_tokens", AudioInput, S::Inside},
    {"usage.completion_tokens_details.audio_tokens", AudioOutput, S::Inside},
    {"usage.prompt_tokens_details.image_tokens", ImageInput, S::Inside},
    {"usage.completion_tokens_details.image_tokens", ImageOutput, S::Inside},
    {"usage.num_search_queries", Searches, S::Inside},
    {"usage.server_tool_use.web_search_requests", Searches, S::Inside},
    {"usage.server_side_tool_usage_details.web_search_calls", Searches, S::Inside},
    {"usage.num_sources_used", Searches, S::Inside},
    {"usage.prompt_audio_seconds", Seconds, S::Inside},
});

// input_tokens is what was neither read from nor written to the cache. Without cache its numbers are those of Responses.
constexpr auto anthropicRows = std::to_array<UsageRow>({
    {"usage.input_tokens", Prompt, S::Total},
    {"usage.output_tokens", Completion, S::Total},
    {"usage.cache_read_input_tokens", Cached, S::MarkApart},
    {"usage.cache_creation_input_tokens", CacheWrite, S::MarkApart},
    {"usage.cache_creation.ephemeral_1h_input_tokens", CacheWrite1h, S::Inside},
    {"usage.output_tokens_details.thinking_tokens", Reasoning, S::Inside},
    {"usage.server_tool_use.web_search_requests", Searches, S::Inside},
});

// Responses, images (platform.openai.com/docs/api-reference/images/object) and transcriptions (…/audio/json-object) of OpenAI. xAI's
// Responses counts reasoning inside (docs.x.ai/docs/api-reference).
constexpr auto responsesRows = std::to_array<UsageRow>({
    {"usage.input_tokens", Prompt, S::Total},
    {"usage.output_tokens", Completion, S::Total},
    {"usage.total_tokens", Total, S::Inside},
    {"usage.input_tokens_details.cached_tokens", Cached, S::InsideByTotal},
    {"usage.input_token_details.cached_tokens", Cached, S::InsideByTotal},
    {"usage.input_tokens_details.cache_write_tokens", CacheWrite, S::InsideByTotal},
    {"usage.output_tokens_details.reasoning_tokens", Reasoning, S::InsideByTotal},
    {"usage.output_tokens_details.thinking_tokens", Reasoning, S::InsideByTotal},
    {"usage.input_tokens_details.audio_tokens", AudioInput, S::Inside},
    {"usage.input_token_details.audio_tokens", AudioInput, S::Inside},
    {"usage.output_tokens_details.audio_tokens", AudioOutput, S::Inside},
    {"usage.output_token_details.audio_tokens", AudioOutput, S::Inside},
    {"usage.input_tokens_details.image_tokens", ImageInput, S::Inside},
    {"usage.input_token_details.image_tokens", ImageInput, S::Inside},
    {"usage.output_tokens_details.image_tokens", ImageOutput, S::Inside},
    {"usage.output_token_details.image_tokens", ImageOutput, S::Inside},
    {"usage.server_tool_use.web_search_requests", Searches, S::Inside},
    {"usage.server_side_tool_usage_details.web_search_calls", Searches, S::Inside},
    {"usage.num_sources_used", Searches, S::Inside},
    {"tool_usage.web_search.num_requests", Searches, S::Inside},
    {"usage.seconds", Seconds, S::Inside},
});

// Some models count thoughts inside candidatesTokenCount; their totalTokenCount says so.
constexpr auto geminiRows = std::to_array<UsageRow>({
    {"usageMetadata.promptTokenCount", Prompt, S::Total},
    {"usageMetadata.candidatesTokenCount", Completion, S::Total},
    {"usageMetadata.responseTokenCount", Completion, S::Total},
    {"usageMetadata.totalTokenCount", Total, S::Inside},
    {"usageMetadata.thoughtsTokenCount", Reasoning, S::ApartByTotal},
    {"usageMetadata.toolUsePromptTokenCount", ToolPrompt, S::ApartByTotal},
    {"usageMetadata.cachedContentTokenCount", Cached, S::Inside},
    {"usageMetadata.promptTokensDetails[AUDIO]", AudioInput, S::Inside},
    {"usageMetadata.promptTokensDetails[IMAGE]", ImageInput, S::Inside},
    {"usageMetadata.candidatesTokensDetails[AUDIO]", AudioOutput, S::Inside},
    {"usageMetadata.candidatesTokensDetails[IMAGE]", ImageOutput, S::Inside},
    {"usageMetadata.responseTokensDetails[AUDIO]", AudioOutput, S::Inside},
    {"usageMetadata.responseTokensDetails[IMAGE]", ImageOutput, S::Inside},
});

constexpr auto interactionRows = std::to_array<UsageRow>({
    {"usage.total_input_tokens", Prompt, S::Total},
    {"usage.total_output_tokens", Completion, S::Total},
    {"usage.total_tokens", Total, S::Inside},
    {"usage.total_thought_tokens", Reasoning, S::ApartByTotal},
    {"usage.total_tool_use_tokens", ToolPrompt, S::ApartByTotal},
    {"usage.total_cached_tokens", Cached, S::Inside},
    {"usage.input_tokens_by_modality[audio]", AudioInput, S::Inside},
    {"usage.input_tokens_by_modality[image]", ImageInput, S::Inside},
    {"usage.output_tokens_by_modality[audio]", AudioOutput, S::Inside},
    {"usage.output_tokens_by_modality[image]", ImageOutput, S::Inside},
});

// inputTokens is what was neither read from nor written to the cache. Nova's own form names them ...TokenCount.
constexpr auto converseRows = std::to_array<UsageRow>({
    {"usage.inputTokens", Prompt, S::Total},
    {"usage.outputTokens", Completion, S::Total},
    {"usage.cacheReadInputTokens", Cached, S::Apart},
    {"usage.cacheReadInputTokenCount", Cached, S::Apart},
    {"usage.cacheWriteInputTokens", CacheWrite, S::Apart},
    {"usage.cacheWriteInputTokenCount", CacheWrite, S::Apart},
    {"usage.cacheDetails[1h]", CacheWrite1h, S::Inside},
});

// Titan (…/model-parameters-titan-text.html) and Llama (…/model-parameters-meta.html) through InvokeModel.
constexpr auto invokeRows = std::to_array<UsageRow>({
    {"inputTextTokenCount", Prompt, S::Total},
    {"results[].tokenCount", Completion, S::Total},
    {"prompt_token_count", Prompt, S::Total},
    {"generation_token_count", Completion, S::Total},
});

// "tokens" are all of them; "billed_units" leaves out those of Cohere's own prompt, and is all that embeddings and rerank report.
constexpr auto cohereRows = std::to_array<UsageRow>({
    {"usage.tokens.input_tokens", Prompt, S::Total},
    {"usage.billed_units.input_tokens", Prompt, S::Total},
    {"meta.tokens.input_tokens", Prompt, S::Total},
    {"meta.billed_units.input_tokens", Prompt, S::Total},
    {"usage.tokens.output_tokens", Completion, S::Total},
    {"usage.billed_units.output_tokens", Completion, S::Total},
    {"meta.tokens.output_tokens", Completion, S::Total},
    {"meta.billed_units.output_tokens", Completion, S::Total},
    {"usage.cached_tokens", Cached, S::Inside},
    {"meta.cached_tokens", Cached, S::Inside},
    {"usage.billed_units.search_units", Searches, S::Total},
    {"meta.billed_units.search_units", Searches, S::Total},
});

constexpr auto ollamaRows = std::to_array<UsageRow>({
    {"prompt_eval_count", Prompt, S::Total},
    {"eval_count", Completion, S::Total},
});

constexpr auto vertexRows = std::to_array<UsageRow>({
    {"predictions[].embeddings.statistics.token_count", Prompt, S::Total},
});

constexpr auto durationRows = std::to_array<UsageRow>({
    {"usage.seconds", Seconds, S::Total},
});

constexpr auto pageRows = std::to_array<UsageRow>({
    {"usage_info.pages_processed", Pages, S::Total},
});

// Embeddings and reranking that report one number: there is no output.
constexpr auto totalRows = std::to_array<UsageRow>({
    {"usage.total_tokens", Prompt, S::Total},
});

constexpr UsageShape shapes[] = {
    {"chat", "platform.openai.com/docs/api-reference/chat/object", chatRows},
    {"anthropic", "docs.claude.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance", anthropicRows},
    {"responses", "platform.openai.com/docs/api-reference/responses/object", responsesRows},
    {"gemini", "ai.google.dev/api/generate-content#UsageMetadata", geminiRows},
    {"interactions", "ai.google.dev/api/interactions-api", interactionRows},
    {"converse", "docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html", converseRows},
    {"invoke", "docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html", invokeRows},
    {"cohere", "docs.cohere.com/reference/chat", cohereRows},
    {"ollama", "docs.ollama.com/api/usage", ollamaRows},
    {"vertex", "cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api", vertexRows},
    {"duration", "platform.openai.com/docs/api-reference/audio/json-object", durationRows},
    {"pages", "docs.mistral.ai/api/endpoint/ocr", pageRows},
    {"total", "docs.voyageai.com/reference/embeddings-api", totalRows},
};

} // namespace

std::span<const UsageShape> usageShapes()
{
    return shapes;
}

} // namespace llmproxy
