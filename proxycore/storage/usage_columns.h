// SPDX-License-Identifier: GPL-3.0-only
// The columns of usage_minutely and usage_hourly that hold a UsageCounts, in its order. A macro, because statements are whole literals:
// nothing is put together at run time.
#pragma once

#define USAGE_COLUMNS \
    "requests, errors, denied, prompt_tokens, completion_tokens, duration_ms, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, h12, h13, h14, " \
    "h15, h16, h17, h18, h19, cached_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, " \
    "image_input_tokens, image_output_tokens, searches, seconds, pages, estimated"
