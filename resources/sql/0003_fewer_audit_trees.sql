-- SPDX-License-Identifier: GPL-3.0-only
-- What each request writes, again: an access event is found by its token's UUID, and the masked form needs an index only where
-- there is no UUID, or where it says which UUID it belongs to.
DROP INDEX idx_audit_token_masked;

CREATE INDEX idx_audit_token_masked ON audit_events (token_id)
    WHERE token_id IS NOT NULL AND (action <> 'token.access' OR token_uuid IS NULL);

CREATE INDEX idx_tokens_masked ON tokens (masked);

PRAGMA user_version = 3;
