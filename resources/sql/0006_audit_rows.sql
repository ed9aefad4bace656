-- SPDX-License-Identifier: GPL-3.0-only
-- Which of a block's 256 events have the value, a byte each (seq % 256), in no order: a combination of values that are frequent
-- apart is found without reading the events of every block. NULL: of a block from before this column; its events are read.
ALTER TABLE audit_postings ADD COLUMN rows BLOB;

-- Request ids of 64 full blocks (a segment), in 64 buckets by a hash of their ends: its four bytes and block % 64, each. What is in
-- audit_request_ends is sorted into it by and by.
CREATE TABLE audit_request_index (
    bucket INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (bucket, segment)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 6;
