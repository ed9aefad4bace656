-- SPDX-License-Identifier: GPL-3.0-only
-- The base URL that a provider's key was given for, sealed together with the key (access/key_binding.h). Keys that are there already
-- are bound to the base_url that they have in the same transaction (storage/key_bindings.h); SQL has no key to seal with.
ALTER TABLE project_providers ADD COLUMN sealed_url TEXT NOT NULL DEFAULT '';

PRAGMA user_version = 9;
