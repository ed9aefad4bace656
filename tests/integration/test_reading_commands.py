#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Commands that only look at a data directory whose server does not run leave it as it is: names, contents, modes and times."""
import hashlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import unittest
from pathlib import Path

from cli_case import BIN, Cli
from proxy_case import MANAGEMENT, until


def seen(folder):
    found = {}
    for path in [folder, *sorted(Path(folder).rglob("*"))]:
        info = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(info.st_mode) else None
        found[str(path.relative_to(folder))] = (info.st_mode, info.st_ino, info.st_mtime_ns, info.st_ctime_ns, info.st_size, content)
    return found


class ReadingCommands(Cli):
    def setUp(self):
        super().setUp()
        self.tmp = self.cwd / "tmp"
        self.tmp.mkdir()
        self.env["TMPDIR"] = str(self.tmp)
        self.project_id = self.project()["id"]
        self.token_id = self.json("token", "create", "--project", self.project_id)["id"]
        self.key = self.cwd / "public.pem"

    def commands(self):
        seq = str(self.json("audit", "list", "--limit", "1")["items"][0]["seq"])
        return (("project", "list"), ("project", "show", self.project_id), ("token", "list"), ("token", "show", self.token_id), ("audit", "list", "--limit", "0"),
                ("audit", "show", seq), ("audit", "public-key"), ("usage",), ("doctor",))

    def unchanged(self, *commands):
        for command in commands:
            with self.subTest(command=command):
                before = seen(self.data)
                done = subprocess.run([BIN, "--data-dir", str(self.data), *command], env=self.env, cwd=self.cwd, capture_output=True, text=True, timeout=60)
                self.assertIn(done.returncode, (0, 1) if command[0] == "doctor" else (0,), done.stderr)
                self.assertEqual(seen(self.data), before)
                self.assertEqual(list(self.tmp.iterdir()), [])

    def test_they_change_nothing(self):
        self.unchanged(*self.commands())

    def test_nor_with_a_copied_log(self):
        copy = self.cwd / "copy.log"
        shutil.copy(self.data / "audit.log", copy)
        self.unchanged(("audit", "verify", "--file", str(copy)))

    def test_nor_in_a_log_file_of_their_own(self):
        self.env["LOG_FILE"] = str(self.data / "llm-proxy.log")
        self.env["LOG_LEVEL"] = "debug"
        self.unchanged(*self.commands())
        self.assertFalse((self.data / "llm-proxy.log").exists())

    def test_what_a_killed_server_left_is_shown_and_stays(self):
        """A write-ahead log, a lock file with its process id, events that are in the file alone, and the draft of a settings change."""
        server = subprocess.Popen([BIN, "--serve", "--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0"], cwd=self.cwd, stdout=subprocess.PIPE,
                                  env=self.env | {"MANAGEMENT_TOKEN": MANAGEMENT}, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        for line in server.stdout:
            if '"listening"' in line:
                break
        self.project(name="Beta")
        server.kill()
        server.wait()
        self.assertTrue((self.data / "llm-proxy.db-wal").stat().st_size > 0)
        for name in ("settings.env.new", "settings.env.1"):
            (self.data / name).write_text("LOG_LEVEL=debug\n")
        self.unchanged(*self.commands())
        before = seen(self.data)
        self.assertEqual(sorted(p["name"] for p in self.json("project", "list")["items"]), ["Alpha", "Beta"])
        self.assertEqual(len(self.json("audit", "list", "--action", "project.create")["items"]), 2)
        self.assertEqual(seen(self.data), before)

    def test_in_a_directory_that_cannot_be_written(self):
        """As a backup is mounted."""
        for path in (self.data, *self.data.iterdir()):
            os.chmod(path, 0o500 if path.is_dir() else 0o400)
        self.addCleanup(os.chmod, self.data, 0o700)
        self.unchanged(*self.commands())

    def test_the_copy_goes_also_when_the_command_is_killed(self):
        with sqlite3.connect(self.data / "llm-proxy.db") as link:  # a database that takes a while
            link.execute("CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, randomblob(1000) FROM n")
        link.close()
        before = seen(self.data)
        process = subprocess.Popen([BIN, "--data-dir", str(self.data), "audit", "list", "--limit", "0"], env=self.env, cwd=self.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        until(lambda: list(self.tmp.glob("*/llm-proxy.db")) or process.poll() is not None, "the copy")
        self.assertEqual([stat.S_IMODE(p.stat().st_mode) for p in self.tmp.iterdir()], [0o700])
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not list(self.tmp.iterdir()), "the copy is gone")
        self.assertEqual(seen(self.data), before)

    def test_an_export_and_a_verification_are_recorded_all_the_same(self):
        """What is handed out is in the log, and who verified it: that is not only a look."""
        last = self.json("audit", "list", "--limit", "1")["items"][0]["seq"]
        self.local("audit", "export", "--output", str(self.cwd / "out.jsonl"))
        actions = [e["action"] for e in self.json("audit", "list", "--limit", "0")["items"] if e["seq"] > last]
        self.assertIn("audit.export", actions)
        self.local("audit", "verify")
        self.assertIn("audit.verify", [e["action"] for e in self.json("audit", "list", "--limit", "5")["items"]])


if __name__ == "__main__":
    unittest.main()
