#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A system that has no thread left: what was started goes on and serves everything, and a start says why it cannot."""
import json
import signal
import subprocess
import unittest
from pathlib import Path

from audited_proxy import AuditedProxy
from cli_case import BIN, KEY
from proxy_case import MANAGEMENT, SANITIZED, request, until

def read(path):
    return path.read_text() if path.exists() else ""


SOURCE = Path(__file__).resolve().parents[1] / "support" / "failing_threads.c"


@unittest.skipIf(SANITIZED, "a preloaded library and a sanitizer's runtime would both have to be the first one")
class ThreadLimit(AuditedProxy):
    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        library, cls.none_left = folder / "failing_threads.so", folder / "no-threads"
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", str(SOURCE), "-o", str(library), "-ldl"], check=True)
        cls.secrets = folder / "secrets"
        cls.secrets.mkdir()
        cls.limit = {"LD_PRELOAD": str(library), "FAILING_THREADS": str(cls.none_left)}
        cls.settings = cls.settings | cls.limit | {"SECRETS_DIR": str(cls.secrets)}
        super().setUpClass()

    def setUp(self):
        self.none_left.touch()
        self.addCleanup(self.none_left.unlink)
        self.addCleanup(self.lives)

    def lives(self):
        self.assertIsNone(self.server.poll(), (self.cwd / "errors").read_text())
        self.assertEqual(self.manage("GET", "/health")[0], 200)

    def test_jobs_work(self):
        for _ in range(3):
            status, report = self.manage("POST", "/manage/audit/verify")
            self.assertEqual((status, report["valid"]), (200, True))
            self.assertEqual(self.manage("POST", "/manage/audit/cleanup", {"older_than": "100d"})[0], 200)
            for path in ("/manage/audit/export", "/manage/audit/report?format=json"):
                answer = self.raw().send(request(path, headers=[("Authorization", f"Bearer {MANAGEMENT}")])).answer()
                self.assertEqual((answer.status, answer.whole), (200, True), path)
        status, verdict = self.manage("POST", "/manage/providers/check", {"provider": "openai", "api_key": KEY, "base_url": self.upstream.url})
        self.assertEqual(status, 200, verdict)

    def test_references_are_fetched(self):
        """All of them by the one reader that is there, each at the latest when it is asked for again."""
        tokens = []
        for number in range(12):
            (self.secrets / f"key-{number}").write_text(KEY + "\n")
            project = self.new_project(name=f"by reference {number}", providers=[
                {"provider": "openai", "api_key": f"file:{self.secrets}/key-{number}", "base_url": self.upstream.url + "/v1"}])
            tokens.append(self.new_token(project_id=project["id"])["token"])
        for token in tokens:
            until(lambda: self.ask(body={"model": "m"}, token=token).status == 200, "its key is there", 60, 0.1)

    def test_requests_are_served(self):
        before = self.last_seq()
        for _ in range(50):
            self.assertEqual(self.ask(body={"model": "m"}).status, 200)
        until(lambda: len(self.events(since=before)) == 50, "an event for each")

    def test_a_start_says_why_it_cannot(self):
        started = subprocess.run([BIN, "--serve", "--data-dir", str(self.cwd / "other")], cwd=self.cwd, capture_output=True, text=True, timeout=60,
                                 env=self.env | self.limit | {"MANAGEMENT_TOKEN": MANAGEMENT, "LISTEN_ADDR": "127.0.0.1:0"})
        self.assertEqual(started.returncode, 1, started)
        self.assertIn("cannot start a thread", started.stderr)

    def test_whichever_thread_is_the_last_one(self):
        """What was made before it ends, and the start says why, in a sentence: it neither hangs nor dies of an exception."""
        said = []
        for number in range(100):
            folder = self.cwd / f"only-{number}"
            errors, log = (Path(f"{folder}.{end}") for end in ("errors", "log"))
            with open(errors, "wb") as stderr:
                server = subprocess.Popen([BIN, "--serve", "--data-dir", str(folder)], cwd=self.cwd, stdout=subprocess.DEVNULL, stderr=stderr,
                                          env=self.env | self.limit | {"MANAGEMENT_TOKEN": MANAGEMENT, "LISTEN_ADDR": "127.0.0.1:0", "ENGINE_THREADS": "3",
                                                                       "FAILING_THREADS_AFTER": str(number), "LOG_FILE": str(log)})
            self.addCleanup(server.kill)
            until(lambda: server.poll() is not None or '"listening"' in read(log), f"a start with {number} threads ends", 60)
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(60), 0)
                break
            said.append((number, server.returncode, "cannot start a thread" in read(errors)))
        self.assertEqual([one for one in said if one[1:] != (1, True)], [])
        self.assertGreater(len(said), 15, said)


if __name__ == "__main__":
    unittest.main()
