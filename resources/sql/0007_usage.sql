-- SPDX-License-Identifier: GPL-3.0-only
-- How much was used: numbers, kept apart from the events they were counted from, so that those can be removed. meta.usage_seq says
-- up to which audit event they count; later ones are added at the next start.
CREATE TABLE usage_keys (
    id INTEGER PRIMARY KEY,
    project_id TEXT NOT NULL,
    token_uuid TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    last_hour INTEGER NOT NULL,
    UNIQUE (token_uuid, model, provider, project_id)
) STRICT;

CREATE INDEX idx_usage_keys_last ON usage_keys (last_hour);

-- Minutes and hours since 1970 in UTC. Durations are of forwarded requests: h0 counts those below 1 ms, hN those from 2^(N-1) to
-- below 2^N ms, the last one also all above.
CREATE TABLE usage_minutely (
    minute INTEGER NOT NULL,
    key INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    denied INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    h0 INTEGER NOT NULL, h1 INTEGER NOT NULL, h2 INTEGER NOT NULL, h3 INTEGER NOT NULL, h4 INTEGER NOT NULL, h5 INTEGER NOT NULL,
    h6 INTEGER NOT NULL, h7 INTEGER NOT NULL, h8 INTEGER NOT NULL, h9 INTEGER NOT NULL, h10 INTEGER NOT NULL, h11 INTEGER NOT NULL,
    h12 INTEGER NOT NULL, h13 INTEGER NOT NULL, h14 INTEGER NOT NULL, h15 INTEGER NOT NULL, h16 INTEGER NOT NULL, h17 INTEGER NOT NULL,
    h18 INTEGER NOT NULL, h19 INTEGER NOT NULL,
    PRIMARY KEY (minute, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_hourly (
    hour INTEGER NOT NULL,
    key INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    denied INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    h0 INTEGER NOT NULL, h1 INTEGER NOT NULL, h2 INTEGER NOT NULL, h3 INTEGER NOT NULL, h4 INTEGER NOT NULL, h5 INTEGER NOT NULL,
    h6 INTEGER NOT NULL, h7 INTEGER NOT NULL, h8 INTEGER NOT NULL, h9 INTEGER NOT NULL, h10 INTEGER NOT NULL, h11 INTEGER NOT NULL,
    h12 INTEGER NOT NULL, h13 INTEGER NOT NULL, h14 INTEGER NOT NULL, h15 INTEGER NOT NULL, h16 INTEGER NOT NULL, h17 INTEGER NOT NULL,
    h18 INTEGER NOT NULL, h19 INTEGER NOT NULL,
    PRIMARY KEY (hour, key)
) STRICT, WITHOUT ROWID;

-- All keys together: the last day of a million tokens is read at once.
CREATE TABLE usage_totals (
    minute INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    denied INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL
) STRICT;

-- What the audit table can still tell.
CREATE TEMP TABLE usage_requests AS
    SELECT CAST(strftime('%s', timestamp) AS INTEGER) / 60 AS minute, coalesce(project_id, '') AS project_id, coalesce(token_uuid, '') AS token_uuid,
        coalesce(CAST(json_extract(details, '$.provider') AS TEXT), '') AS provider, coalesce(CAST(json_extract(details, '$.model') AS TEXT), '') AS model,
        count(*) AS requests, sum(result = 'error') AS errors, sum(result IN ('denied', 'failure')) AS denied,
        sum(coalesce(json_extract(details, '$.prompt_tokens'), 0)) AS prompt_tokens,
        sum(coalesce(json_extract(details, '$.completion_tokens'), 0)) AS completion_tokens,
        sum(forwarded * ms) AS duration_ms,
        sum(forwarded AND ms < 1) AS h0, sum(forwarded AND ms >= 1 AND ms < 2) AS h1, sum(forwarded AND ms >= 2 AND ms < 4) AS h2,
        sum(forwarded AND ms >= 4 AND ms < 8) AS h3, sum(forwarded AND ms >= 8 AND ms < 16) AS h4, sum(forwarded AND ms >= 16 AND ms < 32) AS h5,
        sum(forwarded AND ms >= 32 AND ms < 64) AS h6, sum(forwarded AND ms >= 64 AND ms < 128) AS h7, sum(forwarded AND ms >= 128 AND ms < 256) AS h8,
        sum(forwarded AND ms >= 256 AND ms < 512) AS h9, sum(forwarded AND ms >= 512 AND ms < 1024) AS h10, sum(forwarded AND ms >= 1024 AND ms < 2048) AS h11,
        sum(forwarded AND ms >= 2048 AND ms < 4096) AS h12, sum(forwarded AND ms >= 4096 AND ms < 8192) AS h13,
        sum(forwarded AND ms >= 8192 AND ms < 16384) AS h14, sum(forwarded AND ms >= 16384 AND ms < 32768) AS h15,
        sum(forwarded AND ms >= 32768 AND ms < 65536) AS h16, sum(forwarded AND ms >= 65536 AND ms < 131072) AS h17,
        sum(forwarded AND ms >= 131072 AND ms < 262144) AS h18, sum(forwarded AND ms >= 262144) AS h19
    FROM (SELECT *, coalesce(json_extract(details, '$.forwarded'), 0) AS forwarded, coalesce(json_extract(details, '$.duration_ms'), 0) AS ms
          FROM audit_events WHERE action = 'token.access' AND timestamp >= datetime('now', '-400 days'))
    GROUP BY 1, 2, 3, 4, 5;

INSERT INTO usage_keys (project_id, token_uuid, provider, model, last_hour)
    SELECT project_id, token_uuid, provider, model, max(minute) / 60 FROM usage_requests GROUP BY 1, 2, 3, 4;

INSERT INTO usage_hourly
    SELECT minute / 60, id, sum(requests), sum(errors), sum(denied), sum(prompt_tokens), sum(completion_tokens), sum(duration_ms),
        sum(h0), sum(h1), sum(h2), sum(h3), sum(h4), sum(h5), sum(h6), sum(h7), sum(h8), sum(h9), sum(h10), sum(h11), sum(h12), sum(h13),
        sum(h14), sum(h15), sum(h16), sum(h17), sum(h18), sum(h19)
    FROM usage_requests JOIN usage_keys USING (project_id, token_uuid, provider, model) GROUP BY 1, 2;

INSERT INTO usage_minutely
    SELECT minute, id, requests, errors, denied, prompt_tokens, completion_tokens, duration_ms,
        h0, h1, h2, h3, h4, h5,
        h6, h7, h8, h9, h10, h11,
        h12, h13, h14, h15, h16, h17,
        h18, h19
    FROM usage_requests JOIN usage_keys USING (project_id, token_uuid, provider, model)
    WHERE minute >= CAST(strftime('%s', 'now') AS INTEGER) / 60 - 2880;

INSERT INTO usage_totals
    SELECT minute, sum(requests), sum(errors), sum(denied), sum(prompt_tokens), sum(completion_tokens) FROM usage_minutely GROUP BY minute;

DROP TABLE usage_requests;

INSERT INTO meta (name, value) SELECT 'usage_seq', CAST(coalesce(max(seq), 0) AS TEXT) FROM audit_events;

PRAGMA user_version = 7;
