-- SPDX-License-Identifier: GPL-3.0-only
-- What each request writes, again: an index over random values costs as much as the row. The proxy's own request ids begin
-- with their time, so that an index over that part grows at its end; an access event is found by its token's UUID, and the
-- masked form needs an index only where there is no UUID, or where it says which UUID it belongs to.
DROP INDEX idx_audit_request;

CREATE INDEX idx_audit_request ON audit_events (substr(request_id, 1, 13)) WHERE request_id IS NOT NULL;

DROP INDEX idx_audit_token_masked;

CREATE INDEX idx_audit_token_masked ON audit_events (token_id)
    WHERE token_id IS NOT NULL AND (action <> 'token.access' OR token_uuid IS NULL);

CREATE INDEX idx_tokens_masked ON tokens (masked);

PRAGMA user_version = 3;
