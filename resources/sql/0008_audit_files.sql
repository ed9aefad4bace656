-- SPDX-License-Identifier: GPL-3.0-only
-- How far the audit log's files went when they were last synced, apart from the files themselves: one that ends earlier at a start
-- was cut off, one that begins later has lost older files. meta.start_seq is the seq of the newest system.start that was committed.
CREATE TABLE audit_files (
    path TEXT PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 8;
