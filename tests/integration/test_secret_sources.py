#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Provider keys that come from elsewhere: a source that hangs holds up nobody but who needs its key, values arrive, change and
go as their files do."""
import unittest
from pathlib import Path

from disk_case import DiskCase
from proxy_case import CHAT, KEY, MANAGEMENT, fresh_id, request, until

OTHER = "sk-other90abcdefghwxyz"


class Hanging(DiskCase):
    """The file's open() never returns, as on a network disk that is away."""
    reads = ("/manage/overview", "/manage/projects", "/manage/tokens", "/manage/audit", "/manage/doctor", "/manage/usage", "/manage/settings")

    def setUp(self):
        super().setUp()
        self.folder = self.data / "secrets"
        self.folder.mkdir(mode=0o700)
        self.file = self.folder / "key"
        self.file.write_text(KEY + "\n")

    def entry(self, key=None):
        return [{"provider": "openai", "api_key": key or f"file:{self.file}", "base_url": self.upstream.url + "/v1"}]

    def referring(self):
        project = self.new_project(providers=self.entry())
        return project, self.new_token(project_id=project["id"])

    def state(self, project):
        return self.manage("GET", f"/manage/projects/{project['id']}")[1]["providers"][0]["key_state"]

    def hangs(self):
        self.disk.fails("open HANG /secrets/key")

    def test_start_does_not_wait(self):
        project, token = self.referring()
        self.assertEqual((self.state(project), self.ask(body=CHAT, token=token["token"]).status), ("ready", 200))
        type(self).end()
        self.hangs()
        type(self).start()  # it listens
        until(lambda: self.disk.hung, "the source is asked")
        name = fresh_id()
        refused = self.ask(body=CHAT, token=token["token"], headers=[("X-Request-ID", name)])
        self.assertEqual((refused.status, refused.header("x-llm-proxy-error"), refused.header("retry-after")), (503, "service_unavailable", "1"))
        self.assertEqual(self.event_of(name)["details"]["reason"], "provider_key_pending")
        self.assertEqual(self.ask(body=CHAT).status, 200, "another project's key is not waited for")
        for path in self.reads:
            self.assertEqual(self.manage("GET", path)[0], 200, path)
        self.assertEqual(self.state(project), "pending")
        check = next(c for c in self.manage("GET", "/manage/doctor")[1]["items"] if c["id"] == "provider_key_usable")
        self.assertEqual((check["state"], project["id"] in check["evidence"]), ("warn", True))
        self.assertEqual(self.manage("DELETE", f"/manage/tokens/{self.new_token()['id']}")[0], 200)
        self.assertEqual(self.manage("PATCH", f"/manage/projects/{project['id']}", {"name": "Renamed"})[0], 200)
        self.assertTrue(self.disk.hung)
        self.disk.well()
        until(lambda: self.state(project) == "ready", "the value arrives")
        self.assertEqual(self.ask(body=CHAT, token=token["token"]).status, 200)
        self.assertEqual(self.upstream.requests[-1].header("authorization"), f"Bearer {KEY}")

    def test_a_new_reference_is_waited_for_a_moment_only(self):
        self.hangs()
        project = self.new_project(providers=self.entry())
        self.assertEqual(project["providers"][0]["key_state"], "pending")
        self.assertEqual(self.manage("POST", f"/manage/projects/{project['id']}/rotate-key", {"api_key": OTHER})[1]["providers"][0]["key_state"], "ready")

    def test_a_stop_does_not_wait(self):
        self.referring()
        type(self).end()
        self.hangs()
        type(self).start()
        until(lambda: self.disk.hung, "the source is asked")
        type(self).end()
        self.disk.well()
        type(self).start()

    def test_a_check_says_that_the_source_does_not_answer_and_can_be_stopped(self):
        self.hangs()
        link = self.raw()
        link.send(request("/manage/providers/check", {"provider": "openai", "api_key": f"file:{self.file}"}, "POST", [("Authorization", f"Bearer {MANAGEMENT}")]))
        until(lambda: self.disk.hung, "the source is asked")
        self.assertEqual(self.manage("GET", "/manage/overview")[0], 200)
        type(self).end()  # cancels it
        self.assertIn(link.answer().status, (200, 503))
        self.disk.well()
        type(self).start()

    def test_a_file_that_comes_later(self):
        self.file.unlink()
        project = self.new_project(providers=self.entry())
        self.assertEqual((project["providers"][0]["key_state"], project["providers"][0]["needs_key"]), ("unusable", True))
        self.file.write_text(OTHER)
        until(lambda: self.state(project) == "ready", "it is asked again")
        token = self.new_token(project_id=project["id"])["token"]
        self.assertEqual(self.ask(body=CHAT, token=token).status, 200)
        self.assertEqual(self.upstream.requests[-1].header("authorization"), f"Bearer {OTHER}")


class FolderAway(DiskCase):
    """SECRETS_DIR lies on a network disk that is away: nothing below it can even be looked at."""

    @classmethod
    def setUpClass(cls):
        cls.away = Path(cls.class_folder()) / "away"
        cls.away.mkdir(mode=0o700)
        cls.settings = cls.settings | {"SECRETS_DIR": str(cls.away)}
        super().setUpClass()

    def referring(self, file, key):
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(key + "\n")
        project = self.new_project(providers=[{"provider": "openai", "api_key": f"file:{file}", "base_url": self.upstream.url + "/v1"}])
        return project["id"], self.new_token(project_id=project["id"])["token"]

    def state(self, project):
        return self.manage("GET", f"/manage/projects/{project}")[1]["providers"][0]["key_state"]

    def test_it_holds_up_what_lies_below_it_alone(self):
        far = [self.referring(self.away / f"key-{i}", KEY) for i in range(12)]
        near, token = self.referring(self.data / "secrets" / "key", OTHER)
        type(self).end()
        self.disk.fails("open,resolve HANG /away")
        type(self).start()  # it listens
        until(lambda: self.disk.hung, "the folder is looked at")
        until(lambda: self.state(near) == "ready", "the other folder's files are read")
        self.assertEqual(self.ask(body=CHAT, token=token).status, 200)
        self.assertEqual(self.upstream.requests[-1].header("authorization"), f"Bearer {OTHER}")
        self.assertEqual({self.state(project) for project, _ in far}, {"pending"})
        self.assertEqual(self.ask(body=CHAT, token=far[0][1]).status, 503)
        self.disk.well()
        for project, far_token in far:  # more than are read at a time
            until(lambda: self.state(project) == "ready", "it is read in its turn")
            self.assertEqual(self.ask(body=CHAT, token=far_token).status, 200)


if __name__ == "__main__":
    unittest.main()
