#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""An older copy of the database, put back beside the newer audit log: what was revoked, deactivated or deleted since stays so, and
what else was done since is named, not guessed."""
import contextlib
import shutil
import sqlite3
import unittest

from audited_proxy import AuditedProxy
from proxy_case import CHAT, KEY, until


class Restored(AuditedProxy):
    def use(self, token):
        return self.ask(body=CHAT, token=token["token"]).status

    def end_and_restore(self, copy):
        self.end()
        for path in self.data.glob("llm-proxy.db*"):
            path.unlink()
        shutil.copyfile(copy, self.data / "llm-proxy.db")
        (self.data / "llm-proxy.db").chmod(0o600)
        self.start()

    def backup(self):
        self.end()
        copy = self.cwd / "copy.db"
        shutil.copyfile(self.data / "llm-proxy.db", copy)
        self.start()
        return copy

    def findings(self):
        return [e for e in self.all_events() if e["action"] == "system.recovered" and e["details"].get("reason") == "database_restored"]

    def test_rights_stay_taken(self):
        revoked, kept, purged, batched = (self.new_token() for _ in range(4))
        other = self.manage("POST", "/manage/projects", {"name": "Other", "provider": "openai", "api_key": KEY})[1]
        gone = self.manage("POST", "/manage/projects", {"name": "Gone", "provider": "openai", "api_key": KEY})[1]
        of_other = self.new_token(project_id=other["id"])
        many = self.manage("POST", "/manage/projects", {"name": "Many", "providers": [{"provider": "openai", "api_key": KEY, "base_url": self.upstream.url + "/v1"}]})[1]
        batched = self.new_token(project_id=many["id"])
        copy = self.backup()
        for method, path, body in (("DELETE", f"/manage/tokens/{revoked['id']}", None), ("DELETE", f"/manage/tokens/{purged['id']}", None),
                                   ("DELETE", f"/manage/tokens/{purged['id']}?purge=true", None), ("PATCH", f"/manage/projects/{other['id']}", {"is_active": False}),
                                   ("PATCH", f"/manage/projects/{gone['id']}", {"is_active": False}), ("DELETE", f"/manage/projects/{gone['id']}", None),
                                   ("POST", f"/manage/projects/{many['id']}/tokens/revoke", {})):
            status, answer = self.manage(method, path, body)
            self.assertEqual(status, 200, answer)
        new = self.new_token()
        self.assertEqual(self.use(kept), 200)
        self.end_and_restore(copy)
        self.assertEqual([self.use(token) for token in (revoked, kept, purged, of_other, batched, new)], [401, 200, 401, 403, 401, 401])
        self.assertEqual(self.manage("GET", f"/manage/projects/{gone['id']}")[0], 404)
        self.assertEqual(self.manage("GET", f"/manage/tokens/{purged['id']}")[0], 404)
        found = self.findings()
        self.assertEqual(len(found), 1)
        self.assertIn("token.create:1", found[0]["details"]["lost"])
        until(lambda: [e for e in self.all_events() if e["action"] == "alert.raise" and e["details"]["rule"] == "database_restored"], "an alert", 5)
        self.assertEqual({i["id"]: i for i in self.manage("GET", "/manage/doctor")[1]["items"]}["audit"]["state"], "fail")
        self.assertFalse([e for e in self.all_events() if e["details"].get("reason") == "not_applied"], "what was answered was done")
        self.assert_sound()
        self.end()
        self.start()  # and it is over
        self.assertEqual(len(self.findings()), 1)
        self.assertEqual([self.use(token) for token in (revoked, kept)], [401, 200])

    def test_a_start_is_no_restored_database(self):
        for _ in range(2):
            self.ask(body=CHAT)
            self.server.kill()
            self.server.wait()
            self.start()
        self.assertEqual([e for e in self.findings() if e["timestamp"] > self.events("system.start")[-2]["timestamp"]], [])


class RestoredOlderVersion(Restored):
    """The copy is of a version that did not note its starts."""

    def backup(self):
        copy = super().backup()
        with contextlib.closing(sqlite3.connect(copy)) as database:
            self.assertEqual(database.execute("DELETE FROM meta WHERE name = 'start_seq'").rowcount, 1)
            database.commit()
        return copy


class RestoredFileOnly(Restored):
    settings = {"AUDIT_STORE_IN_DB": "false"}


if __name__ == "__main__":
    unittest.main()
