#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""kill -9 where it hurts most, with a disk that hangs there: between a change's line and its commit, between lines and their
rows, in the middle of a rotation. What is there after the next start verifies, and says of each change what is true."""
import gzip
import http.client
import threading
import unittest

from audited_proxy import not_applied
from disk_case import DiskCase
from proxy_case import CHAT, fresh_id, request, until
from raw_client import RawClient

LOG, WAL = "/audit.log", "/llm-proxy.db-wal"


class Killed(DiskCase):
    def kill(self):
        self.server.kill()
        self.server.wait()
        self.disk.well()
        self.start()

    def in_background(self, call):
        def run():
            try:
                call()
            except (OSError, EOFError, http.client.HTTPException):
                pass  # it is killed under us
        thread = threading.Thread(target=run)
        self.addCleanup(thread.join)
        thread.start()

    def on_record(self, name):
        return [e for e in self.all_events() if e.get("request_id") == name]

    def change_killed_at(self, rule):
        """A change whose line is written and whose commit never comes."""
        name, token = fresh_id(), self.new_token()["id"]
        self.disk.fails(rule)
        self.in_background(lambda: self.manage("DELETE", f"/manage/tokens/{token}", headers=[("X-Request-ID", name)]))
        until(lambda: self.on_record(name), "its line is written")
        self.kill()
        self.assertIsNone(self.manage("GET", f"/manage/tokens/{token}")[1]["revoked_at"])
        said = until(lambda: (e := self.on_record(name)) and len(e) == 2 and e, "a later line takes it back", 5)
        self.assertEqual([e["result"] for e in said], ["success", "error"])
        self.assertIn(said[0]["seq"], not_applied(said))
        self.assert_sound()


class FileAndTable(Killed):
    def test_between_line_and_commit(self):
        self.change_killed_at(f"write HANG {WAL}")

    def test_between_line_and_its_sync(self):
        self.change_killed_at(f"sync HANG {LOG}")

    def test_between_commit_and_its_sync(self):
        """It is in the WAL, so it is a fact when the program alone dies."""
        name, token = fresh_id(), self.new_token()["id"]
        self.disk.fails(f"sync HANG {WAL}")
        self.in_background(lambda: self.manage("DELETE", f"/manage/tokens/{token}", headers=[("X-Request-ID", name)]))
        until(lambda: self.on_record(name), "its line is written")
        self.kill()
        self.assert_sound()
        events = self.on_record(name)
        revoked = self.manage("GET", f"/manage/tokens/{token}")[1]["revoked_at"] is not None
        self.assertEqual([e["result"] for e in events], ["success"] if revoked else ["success", "error"])

    def test_between_lines_and_rows(self):
        self.disk.fails(f"write HANG {WAL}")
        for _ in range(20):
            self.assertEqual(self.ask(body=CHAT).status, 200)
        self.kill()
        self.assert_sound()
        self.assertEqual(len([e for e in self.all_events() if e["action"] == "token.access"]), self.upstream.count())


class EveryChange(Killed):
    """Each kind of change, killed at each point of its way: what the log says of it is what a start finds."""
    points = {"before its line": f"write HANG {LOG}", "between line and sync": f"sync HANG {LOG}",
              "between line and commit": f"write HANG {WAL}", "between commit and sync": f"sync HANG {WAL}"}

    def token_named(self, name):
        return self.manage("GET", f"/manage/tokens?q={name}")[1]["items"]

    def create_token(self, name):
        return ("POST", "/manage/tokens", {"project_id": self.project_id, "name": name}), lambda: bool(self.token_named(name))

    def update_token(self, name):
        token = self.new_token()["id"]
        return ("PATCH", f"/manage/tokens/{token}", {"note": name}), lambda: self.manage("GET", f"/manage/tokens/{token}")[1]["note"] == name

    def revoke_token(self, name):
        token = self.new_token()["id"]
        return ("DELETE", f"/manage/tokens/{token}", None), lambda: self.manage("GET", f"/manage/tokens/{token}")[1]["revoked_at"] is not None

    def delete_token(self, name):
        token = self.new_token()["id"]
        self.manage("DELETE", f"/manage/tokens/{token}")
        return ("DELETE", f"/manage/tokens/{token}?purge=true", None), lambda: self.manage("GET", f"/manage/tokens/{token}")[0] == 404

    def refresh_token(self, name):
        token = self.new_token(name=name)["id"]
        return ("POST", f"/manage/tokens/{token}/refresh", {}), lambda: len(self.token_named(name)) == 2

    def revoke_batch(self, name):
        project = self.new_project()["id"]
        token = self.new_token(project_id=project)["id"]
        return ("POST", f"/manage/projects/{project}/tokens/revoke", None), lambda: self.manage("GET", f"/manage/tokens/{token}")[1]["revoked_at"] is not None

    def create_project(self, name):
        return ("POST", "/manage/projects", {"name": name, "provider": "ollama"}), lambda: bool(self.manage("GET", f"/manage/projects?q={name}")[1]["items"])

    def update_project(self, name):
        project = self.new_project()["id"]
        return ("PATCH", f"/manage/projects/{project}", {"name": name}), lambda: self.manage("GET", f"/manage/projects/{project}")[1]["name"] == name

    def delete_project(self, name):
        project = self.new_project(is_active=False)["id"]
        return ("DELETE", f"/manage/projects/{project}", None), lambda: self.manage("GET", f"/manage/projects/{project}")[0] == 404

    def rotate_key(self, name):
        project = self.new_project()["id"]
        return (("POST", f"/manage/projects/{project}/rotate-key", {"api_key": "sk-rotated90abcdefwxyz"}),
                lambda: self.manage("GET", f"/manage/projects/{project}")[1]["api_key_masked"].endswith("wxyz"))

    def update_config(self, name):
        count = 100 + int(name[-4:], 16) % 900

        def applied():
            items = self.manage("GET", "/manage/settings")[1]["items"]
            self.assertEqual([p.name for p in self.data.glob("settings.env.*")], [], "a draft is left")
            return next(i["value"] for i in items if i["name"] == "ALERT_AUTH_FAILURES") == str(count)
        return ("PATCH", "/manage/settings", {"changes": [{"name": "ALERT_AUTH_FAILURES", "value": str(count)}]}), applied

    def cancel_request(self, name):
        running = fresh_id()
        stream = self.raw().send(request(body=CHAT | {"stream": True}, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless"), ("X-Request-ID", running)]))
        stream.head(), stream.chunk()
        return ("DELETE", f"/manage/requests/{self.running(running)[0]['id']}", None), None  # it ends with the server, whatever is on record

    def killed_at(self, kind, rule):
        name = fresh_id()
        (method, path, body), applied = getattr(self, kind)(name)
        self.disk.fails(rule)
        self.in_background(lambda: self.manage(method, path, body, headers=[("X-Request-ID", name)]))
        until(lambda: self.disk.hung and (rule.startswith("write HANG /audit") or self.on_record(name)), "it hangs there")
        self.kill()
        self.assert_sound()
        said = self.on_record(name)
        results = [e["result"] for e in said]
        self.assertIn(results, ([], ["success"], ["success", "error"]))
        self.assertEqual(not_applied(said), {said[0]["seq"]} if len(said) == 2 else set())
        if applied:
            self.assertEqual(applied(), results == ["success"])
        return results

    def test_all(self):
        kinds = ("create_token", "update_token", "revoke_token", "delete_token", "refresh_token", "revoke_batch", "create_project",
                 "update_project", "delete_project", "rotate_key", "update_config", "cancel_request")
        for point, rule in self.points.items():
            for kind in kinds:
                with self.subTest(kind, point=point):
                    results = self.killed_at(kind, rule)
                    if point == "between line and commit":
                        self.assertEqual(results, ["success", "error"])

    def test_settings_between_commit_and_rename(self):
        self.assertEqual(self.killed_at("update_config", "rename HANG /settings.env<"), ["success"])

    def test_settings_before_they_carry_their_seq(self):
        self.assertEqual(self.killed_at("update_config", "rename HANG .new>"), ["success", "error"])


class FileOnly(Killed):
    settings = {"AUDIT_STORE_IN_DB": "false"}

    def test_between_line_and_commit(self):
        self.change_killed_at(f"write HANG {WAL}")


class Rotation(Killed):
    settings = {"AUDIT_MAX_FILE_SIZE": "20KB"}

    def full_files(self):
        return {path.name.removesuffix(".gz") for path in self.data.glob("audit.log.*Z-*") if path.suffix != ".tmp"}

    def rotated(self, also=lambda: True):
        """Requests that fill a file; then another one is begun. Not many: what is allocated for a file must do."""
        before = self.full_files()
        with RawClient(self.port) as link:
            for _ in range(40):
                link.send(request(body=CHAT, headers=[("Authorization", f"Bearer {self.token}")])).answer()
        until(lambda: self.full_files() - before and also(), "a rotation")

    def assert_one_chain(self):
        self.assertEqual(self.ask(body=CHAT).status, 200)
        self.assert_sound()

    def test_before_the_rows_of_the_full_file(self):
        self.disk.fails(f"write HANG {WAL}")
        self.rotated()
        self.kill()
        self.assert_one_chain()

    def test_before_the_first_line_of_the_new_file(self):
        self.disk.fails(f"allocate HANG {LOG}")
        new = self.data / "audit.log"
        self.rotated(lambda: new.exists() and new.stat().st_size == 0)
        self.kill()
        self.assert_one_chain()

    def test_while_it_is_compressed(self):
        self.disk.fails("sync HANG .gz.tmp")
        self.rotated(lambda: [*self.data.glob("audit.log.*.gz.tmp")])
        self.kill()
        until(lambda: not [*self.data.glob("audit.log.*[0-9]"), *self.data.glob("*.tmp")], "it is compressed after all", 5)
        for path in self.data.glob("audit.log.*.gz"):
            with gzip.open(path) as file:
                self.assertTrue(file.read().endswith(b"\n"))
        self.assert_one_chain()


class RotationFileOnly(Rotation):
    settings = {"AUDIT_MAX_FILE_SIZE": "20KB", "AUDIT_STORE_IN_DB": "false"}
    test_before_the_rows_of_the_full_file = None


if __name__ == "__main__":
    unittest.main()
