-- SPDX-License-Identifier: GPL-3.0-only
-- Times are milliseconds since 1970-01-01T00:00:00Z, 0 = not set. Lists are JSON arrays of texts.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row. All values are safe to store: keys are wrapped by the master key.
CREATE TABLE key_ring (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key_source TEXT NOT NULL,
    key_check TEXT NOT NULL,
    data_key_id TEXT NOT NULL,
    wrapped_data_key TEXT NOT NULL,
    wrapped_token_hash_key TEXT NOT NULL
) STRICT;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    active INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    allowed_models TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deactivated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE project_providers (
    project_id TEXT NOT NULL REFERENCES projects (id),
    position INTEGER NOT NULL,
    provider TEXT NOT NULL,
    base_url TEXT NOT NULL,
    sealed_key TEXT NOT NULL,
    reference TEXT NOT NULL,
    masked TEXT NOT NULL,
    key_set_ms INTEGER NOT NULL,
    PRIMARY KEY (project_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    lineage TEXT NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id),
    hash BLOB NOT NULL UNIQUE,
    hash_alg TEXT NOT NULL,
    masked TEXT NOT NULL,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    lifetime_ms INTEGER NOT NULL,
    revoked_ms INTEGER NOT NULL,
    grace_until_ms INTEGER NOT NULL,
    max_requests INTEGER NOT NULL,
    rate_limit INTEGER NOT NULL,
    max_concurrent INTEGER NOT NULL,
    allowed_models TEXT NOT NULL,
    allowed_endpoints TEXT NOT NULL,
    allowed_ips TEXT NOT NULL
) STRICT;

CREATE INDEX idx_tokens_lineage ON tokens (lineage);

CREATE INDEX idx_tokens_project ON tokens (project_id);

-- seq: the audit events up to it are in these numbers; later ones are added at the next start.
CREATE TABLE lineage_counters (
    lineage TEXT PRIMARY KEY,
    requests INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    rate_tat_us INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_lineage_counters_seq ON lineage_counters (seq);

-- Columns are named like the keys of the log's lines; token_uuid repeats details.token_uuid for the index.
-- timestamp is UTC, YYYY-MM-DD HH:MM:SS.SSS.
CREATE TABLE audit_events (
    seq INTEGER PRIMARY KEY,
    timestamp TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    project_id TEXT,
    request_id TEXT,
    client_ip TEXT,
    result TEXT NOT NULL,
    details TEXT NOT NULL,
    token_uuid TEXT,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE INDEX idx_audit_timestamp ON audit_events (timestamp);

CREATE INDEX idx_audit_action ON audit_events (action);

CREATE INDEX idx_audit_project ON audit_events (project_id);

CREATE INDEX idx_audit_token ON audit_events (token_uuid);

CREATE INDEX idx_audit_token_masked ON audit_events (json_extract(details, '$.token_id'));

CREATE INDEX idx_audit_request ON audit_events (request_id);

PRAGMA user_version = 1;
