-- SPDX-License-Identifier: GPL-3.0-only
-- Endpoints and user agents of callers without a token of ours are no entries of the dictionary any more: one entry, 'unlisted', stands
-- for all of them. Events up to strangers_listed_seq still have theirs, and a row that is deleted by hand takes away what it added.
INSERT INTO meta (name, value) SELECT 'strangers_listed_seq', CAST(coalesce(max(seq), 0) AS TEXT) FROM audit_events;

DROP VIEW audit_values;

CREATE VIEW audit_values (seq, timestamp, kind, value) AS
    SELECT seq, timestamp, 'action', action FROM audit_events
    UNION ALL SELECT seq, timestamp, 'actor', actor FROM audit_events
    UNION ALL SELECT seq, timestamp, 'result', result FROM audit_events
    UNION ALL SELECT seq, timestamp, 'project_id', project_id FROM audit_events
    UNION ALL SELECT seq, timestamp, 'client_ip', client_ip FROM audit_events
    UNION ALL SELECT seq, timestamp, 'token_uuid', token_uuid FROM audit_events
    UNION ALL SELECT seq, timestamp, 'status', CAST(json_extract(details, '$.status') AS TEXT) FROM audit_events
    UNION ALL SELECT seq, timestamp, 'model', CAST(json_extract(details, '$.model') AS TEXT) FROM audit_events
    UNION ALL SELECT seq, timestamp, 'provider', CAST(json_extract(details, '$.provider') AS TEXT) FROM audit_events
    UNION ALL SELECT seq, timestamp, 'reason', CAST(json_extract(details, '$.reason') AS TEXT) FROM audit_events
    UNION ALL SELECT seq, timestamp, 'endpoint', CAST(json_extract(details, '$.endpoint') AS TEXT) FROM audit_events
        WHERE NOT (action = 'auth.failure' OR (action = 'token.access' AND token_uuid IS NULL))
            OR seq <= (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'strangers_listed_seq')
    UNION ALL SELECT seq, timestamp, 'user_agent', CAST(json_extract(details, '$.user_agent') AS TEXT) FROM audit_events
        WHERE NOT (action = 'auth.failure' OR (action = 'token.access' AND token_uuid IS NULL))
            OR seq <= (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'strangers_listed_seq')
    UNION ALL SELECT seq, timestamp, 'unlisted', 'stranger' FROM audit_events
        WHERE (action = 'auth.failure' OR (action = 'token.access' AND token_uuid IS NULL))
            AND seq > (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'strangers_listed_seq');

PRAGMA user_version = 10;
