-- SPDX-License-Identifier: GPL-3.0-only
-- Of the totals: their parts, as far as providers report them, and how many requests have an estimated usage. meta.usage_whole_since_seq
-- is the first audit event whose totals are all input and all output (storage/usage_rollup.h writes it at the first start).
ALTER TABLE usage_minutely ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN cache_write_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN audio_input_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN audio_output_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN image_input_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN image_output_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN searches INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN seconds INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN pages INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_minutely ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN cache_write_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN audio_input_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN audio_output_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN image_input_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN image_output_tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN searches INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN seconds INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN pages INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_hourly ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 11;
