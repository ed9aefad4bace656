-- SPDX-License-Identifier: GPL-3.0-only
-- What is searched for by value is found by blocks of 256 events instead of an index of every row: a dictionary of the distinct
-- values, and for each the blocks that hold it, with how many. A page reads the blocks that hold all that is asked for; a row
-- writes nothing here but a count that is kept until its transaction ends.
CREATE TABLE audit_terms (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (kind, value)
) STRICT;

CREATE TABLE audit_postings (
    term INTEGER NOT NULL,
    block INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (term, block)
) STRICT, WITHOUT ROWID;

-- How many a day (UTC), for counting without reading events.
CREATE TABLE audit_daily (
    term INTEGER NOT NULL,
    day INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (term, day)
) STRICT, WITHOUT ROWID;

-- Wall time may be set back: a block says itself from when to when its events are.
CREATE TABLE audit_blocks (
    block INTEGER PRIMARY KEY,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
) STRICT;

INSERT INTO audit_blocks
    SELECT seq / 256, min(CAST(strftime('%s', timestamp) AS INTEGER) * 1000), max(CAST(strftime('%s', timestamp) AS INTEGER) * 1000 + 999)
    FROM audit_events GROUP BY 1;

-- What the dictionary is made of: each event's values.
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
    UNION ALL SELECT seq, timestamp, 'endpoint', CAST(json_extract(details, '$.endpoint') AS TEXT) FROM audit_events
    UNION ALL SELECT seq, timestamp, 'user_agent', CAST(json_extract(details, '$.user_agent') AS TEXT) FROM audit_events
    UNION ALL SELECT seq, timestamp, 'reason', CAST(json_extract(details, '$.reason') AS TEXT) FROM audit_events;

INSERT INTO audit_terms (kind, value) SELECT DISTINCT kind, value FROM audit_values WHERE value <> '';

INSERT INTO audit_postings
    SELECT id, seq / 256, count(*) FROM audit_values JOIN audit_terms USING (kind, value) GROUP BY 1, 2;

INSERT INTO audit_daily
    SELECT id, CAST(strftime('%s', timestamp) AS INTEGER) / 86400, count(*) FROM audit_values JOIN audit_terms USING (kind, value) GROUP BY 1, 2;

-- Request ids are all different: the ends of a block's, eight characters each, one behind the other.
CREATE TABLE audit_request_ends (
    block INTEGER PRIMARY KEY,
    ends TEXT NOT NULL
) STRICT;

INSERT INTO audit_request_ends
    SELECT seq / 256, group_concat(substr('        ' || request_id, -8), '') FROM audit_events WHERE request_id <> '' GROUP BY 1;

DROP INDEX idx_audit_request;

-- A row that is deleted by hand is not counted any more; retention removes whole blocks itself.
CREATE TRIGGER audit_events_deleted BEFORE DELETE ON audit_events
WHEN OLD.seq > coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'retention_seq'), 0) BEGIN
    UPDATE audit_postings SET events = events - 1 WHERE block = OLD.seq / 256
        AND term IN (SELECT id FROM audit_values JOIN audit_terms USING (kind, value) WHERE seq = OLD.seq);
    UPDATE audit_daily SET events = events - 1 WHERE day = CAST(strftime('%s', OLD.timestamp) AS INTEGER) / 86400
        AND term IN (SELECT id FROM audit_values JOIN audit_terms USING (kind, value) WHERE seq = OLD.seq);
END;

DROP INDEX idx_audit_token;

DROP INDEX idx_audit_project;

-- Changes to a project; its requests are found by their blocks.
CREATE INDEX idx_audit_project ON audit_events (project_id) WHERE project_id IS NOT NULL AND action <> 'token.access';

PRAGMA user_version = 4;
