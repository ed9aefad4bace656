// SPDX-License-Identifier: GPL-3.0-only
#include "manage/field_makers.h"

namespace llmproxy::declared {

namespace {

Fields countFields()
{
    return {number("requests", "All requests, refused ones included."), number("errors", "Those that went wrong after forwarding, or inside."),
            number("denied", "Those that were refused, for their token or by policy."), number("prompt_tokens", "All input tokens."),
            number("completion_tokens", "All output tokens."),
            number("cached_tokens", "Input tokens read from a cache; this and the next ones as far as providers report them."),
            number("cache_write_tokens", "Input tokens written to a cache."), number("cache_write_1h_tokens", "Those of them that are kept for an hour."),
            number("reasoning_tokens", "Output tokens spent on reasoning."), number("audio_input_tokens", "Input tokens of audio."),
            number("audio_output_tokens", "Output tokens of audio."), number("image_input_tokens", "Input tokens of images."),
            number("image_output_tokens", "Output tokens of images."), number("searches", "Web searches, and searches of rerankers."),
            number("seconds", "Seconds of audio."), number("pages", "Pages of documents."),
            number("estimated", "Requests whose tokens are estimated: their stream was cut."), nullable(number("duration_ms_mean", "Of forwarded requests; null: none.")),
            nullable(number("duration_ms_p50", "Half of the forwarded ones ended within; an estimate, wrong by a factor of two at most.")),
            nullable(number("duration_ms_p95", "The same for 95 %."))};
}

} // namespace

void addUsageSchemas(std::vector<Schema> &all)
{
    all.push_back(query("UsageQuery",
                        {time("from", "From then on, by whole minutes, or hours when that is more than two days ago; default: 24 hours before to."),
                         time("to", "Before then; default: now."), choice("by", "time|project|token|model|provider", "What to sum over; default: project."),
                         choice("step", "minute|hour|day", "Only by time, in UTC; default: minutes up to 3 hours, hours up to 14 days, else days."),
                         identifier("project_id", "Only this project's."), identifier("token_id", "Only this token's (UUID)."), text("model", "Only this model's."),
                         number("limit", "Items, those with the most requests; default 200. By time: all.", 1, 1000)}));
    all.push_back(answer("UsageCounts", "How much was used.", countFields()));
    all.push_back(answer("UsageItem", "How much one of them used.",
                         Fields{nullable(text("key", "Id or name; null: by time, or not known; (refused): the models that refused requests named.")), nullable(time("time", "By time: when the step begins; else null."))}
                             + countFields()));
    all.push_back(answer("Usage", "How much was used.",
                         {time("from", "From then on."), time("to", "Before then."), choice("by", "time|project|token|model|provider", "What is summed over."),
                          nullable(choice("step", "minute|hour|day", "Null: not by time.")),
                          nullable(number("whole_since_seq", "The first audit event whose prompt_tokens and completion_tokens are all input and output; earlier ones left out what some providers count apart. Null: no audit log.")),
                          objects("items", "UsageItem", "The most requests first; by time the oldest, and those without any too."),
                          object("total", "UsageCounts", "Of all, also of items over the limit.")}));
}

} // namespace llmproxy::declared
