#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A database of before keys were bound to base URLs: the update binds them and says which, and a copy of such a database is no way
to have a stored key sent elsewhere."""
import base64
import secrets
import shutil
import sqlite3
import unittest

from audited_proxy import PARTS, AuditedProxy
from proxy_case import CHAT, until
from sealed import sealed
from upstream import Upstream

MASTER_KEY = secrets.token_bytes(32)


def unbound_key_check():
    """As versions up to schema 8 sealed it (proxycore/secrets/key_ring.cpp)."""
    return sealed(MASTER_KEY, "master", "llm-proxy master key", "key_ring", "", "key_check")


class OlderSchema(AuditedProxy):
    settings = {"ENCRYPTION_KEY": base64.b64encode(MASTER_KEY).decode()}

    def setUp(self):
        self.path = self.data / "llm-proxy.db"
        self.thief = Upstream()
        self.thief.__enter__()
        self.addCleanup(self.thief.__exit__)

    def run_sql(self, *statements):
        with sqlite3.connect(self.path) as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def set_back(self):
        self.run_sql(f"UPDATE key_ring SET key_check = '{unbound_key_check()}'")
        self.run_sql("ALTER TABLE project_providers DROP COLUMN sealed_url", "ALTER TABLE project_providers DROP COLUMN version_segment",
                     "DELETE FROM meta WHERE name = 'strangers_listed_seq'")
        for column in (*PARTS, "estimated"):
            self.run_sql(*(f"ALTER TABLE {table} DROP COLUMN {column}" for table in ("usage_minutely", "usage_hourly")))
        self.run_sql("PRAGMA user_version = 8")

    def redirect(self):
        self.run_sql(f"UPDATE project_providers SET base_url = '{self.thief.url}/v1' WHERE provider = 'openai'")

    def bound(self):
        return [(e["result"], e["project_id"], e["details"]["provider"], e["details"]["origin"], e["details"]["reason"])
                for e in self.all_events() if e["action"] == "project.update" and e["details"].get("changed") == "key_origin"]

    def status(self, token):
        return self.ask(body=CHAT, token=token["token"]).status

    def test_the_update_binds_and_a_copy_does_not(self):
        token, names = self.new_token(), set(self.providers) - {"ollama"}
        self.end()
        self.set_back()
        old = self.cwd / "old.db"
        shutil.copyfile(self.path, old)
        self.start()
        self.assertEqual(self.status(token), 200)
        of_update = until(self.bound, "it is told which keys were bound")
        self.assertEqual({(e[0], e[1], e[3], e[4]) for e in of_update}, {("success", self.project_id, self.upstream.url, "schema_upgrade")})
        self.assertLessEqual(names, {e[2] for e in of_update})
        self.assert_sound()

        self.end()  # the key check of before, put back into the database of today
        self.run_sql(f"UPDATE key_ring SET key_check = '{unbound_key_check()}'", "UPDATE project_providers SET sealed_url = ''")
        self.redirect()
        self.start()
        self.assertEqual(self.status(token), 503)
        self.assertEqual(self.bound(), of_update, "nothing was bound, and the update is told once")

        self.end()  # the whole database of before
        for path in self.data.glob("llm-proxy.db*"):
            path.unlink()
        shutil.copyfile(old, self.path)
        self.path.chmod(0o600)
        self.redirect()
        self.start()
        self.assertEqual(self.status(token), 503)
        found = {(e[0], e[2], e[3], e[4]) for e in self.bound()[len(of_update):]}
        self.assertIn(("failure", "openai", self.thief.url, "database_restored"), found)
        self.assertEqual(self.thief.count(), 0)


if __name__ == "__main__":
    unittest.main()
