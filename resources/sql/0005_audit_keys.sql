-- SPDX-License-Identifier: GPL-3.0-only
-- Who signs the audit log's checkpoints: sealed by the data key, and in the open what checks a signature.
CREATE TABLE audit_keys (
    key_id TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    sealed_key TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 5;
