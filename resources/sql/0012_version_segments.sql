-- SPDX-License-Identifier: GPL-3.0-only
-- Whether the paths at a provider's base_url have a version segment (/v1): 1, 0, or NULL where base_url shows it (upstream/provider_url.h).
ALTER TABLE project_providers ADD COLUMN version_segment INTEGER;

PRAGMA user_version = 12;
