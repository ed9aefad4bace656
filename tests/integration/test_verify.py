#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""audit verify, beside a running server and on copies, and what a crash leaves; an independent verifier must agree."""
import json
import re
import shutil
import signal
import sqlite3
import unittest

from cli_case import Cli
from verify_audit import problem


class Verify(Cli):
    def setUp(self):
        super().setUp()
        self.file = self.data / "audit.log"
        self.key = str(self.cwd / "key.pem")

    def history(self):
        project = self.project()
        for _ in range(5):
            self.json("token", "create", "--project", project["id"])
        (self.cwd / "key.pem").write_text(self.local("audit", "public-key").stdout)

    def verify(self, *arguments, code=0):
        return json.loads(self.local("audit", "verify", *arguments, "--json", code=code).stdout)

    def copy(self, change=lambda lines: None):
        lines = self.file.read_text().splitlines(keepends=True)
        change(lines)
        copy = self.cwd / "copy.log"
        copy.write_text("".join(lines))
        return copy

    def test_file_and_table_agree_and_so_does_a_stranger(self):
        self.history()
        report = self.verify()
        self.assertTrue(report["valid"], report)
        self.assertEqual(report["file"]["last_hash"], report["table"]["last_hash"])
        self.assertGreater(report["file"]["checkpoints"], 3)  # one at each command's end
        self.assertIsNone(problem([str(self.file)], self.key))
        # The verification is itself on record, and the log is good with that.
        last = [json.loads(line) for line in self.file.read_text().splitlines()]
        self.assertEqual([e["result"] for e in last if e["action"] == "audit.verify"], ["success"])
        self.assertTrue(self.verify()["valid"])

    def test_copies(self):
        """Against the data directory, and by themselves with the public key: (change, first bad seq, seen without a table)."""
        self.history()
        total = len(self.file.read_text().splitlines())

        def edit(lines):
            lines[4] = lines[4].replace('"result":"success"', '"result":"failure"')

        def cut(lines):
            del lines[-3:]
        for name, change, seq, alone in (("edited", edit, 5, True), ("removed", lambda x: x.pop(4), 5, True), ("beginning", lambda x: x.__delitem__(slice(2)), 1, True),
                                         ("twice", lambda x: x.insert(5, x[4]), 5, True), ("tail", cut, total - 2, False)):
            with self.subTest(name):
                copy = self.copy(change)
                self.assertEqual(self.verify("--file", str(copy), code=1)["first_bad_seq"], seq)
                lone = self.verify("--file", str(copy), "--public-key", self.key, code=1 if alone else 0)
                self.assertEqual(lone["first_bad_seq"], seq if alone else None)
                self.assertEqual(problem([str(copy)], self.key) is not None, alone)
        self.assertIn("first bad seq: 5", self.local("audit", "verify", "--file", str(self.copy(edit)), code=1).stderr)
        before = self.file.read_bytes()
        self.assertTrue(self.verify("--file", str(self.copy()))["valid"])
        self.assertEqual(self.file.read_bytes(), before)  # no event

    def test_an_older_copy_that_ends_at_a_checkpoint(self):
        self.history()
        copy = self.copy()
        self.project(name="Later")
        self.verify("--file", str(copy), code=1)
        self.assertTrue(self.verify("--file", str(copy), "--older-copy")["valid"])

    def test_compressed(self):
        import gzip
        self.history()
        packed = self.cwd / "audit.log.gz"
        packed.write_bytes(gzip.compress(self.file.read_bytes()))
        self.assertTrue(self.verify("--file", str(packed), "--public-key", self.key)["valid"])

    def test_a_row_deleted_or_changed_by_hand(self):
        self.history()
        database = sqlite3.connect(self.data / "llm-proxy.db")
        with database:
            database.execute("DELETE FROM audit_events WHERE seq IN (4, 5)")
        report = self.verify(code=1)
        self.assertEqual((report["first_bad_seq"], report["file"]["problem_count"], report["table"]["problem_count"]), (4, 0, 1))
        self.assertIn("events 4 to 5 are missing", report["problem"])
        with database:
            database.execute("UPDATE audit_events SET result = 'denied' WHERE seq = 7")
        report = self.verify(code=1)
        self.assertEqual([p["kind"] for p in report["table"]["problems"]], ["missing", "changed"])
        database.close()

    def test_old_rows_go_and_the_rest_verifies(self):
        """The file keeps what the table gives up."""
        self.history()
        total = self.json("audit", "list", "--limit", "1")["items"][0]["seq"]
        lines = self.file.read_text().splitlines()
        self.local("audit", "cleanup", "--older-than", "0", code=2)
        self.assertEqual(self.json("audit", "cleanup", "--older-than", "30d")["rows"], 0)
        cleaned = self.json("audit", "cleanup", "--older-than", "1ms")
        self.assertGreaterEqual(cleaned["to_seq"], total)
        self.assertEqual((cleaned["from_seq"], cleaned["rows"]), (1, cleaned["to_seq"]))
        database = sqlite3.connect(self.data / "llm-proxy.db")
        self.assertEqual(database.execute("SELECT min(seq) FROM audit_events").fetchone()[0], cleaned["to_seq"] + 1)
        self.assertTrue(self.verify()["valid"])
        self.assertEqual(self.file.read_text().splitlines()[:len(lines)], lines)
        event = [json.loads(line) for line in self.file.read_text().splitlines() if '"action":"audit.cleanup"' in line][-1]
        self.assertEqual((event["actor"], event["details"]["to_seq"]), ("cli", cleaned["to_seq"]))
        # More than was signed is still found.
        with database:
            database.execute("DELETE FROM audit_events WHERE seq <= ?", (cleaned["to_seq"] + 1,))
        database.close()
        self.assertEqual(self.verify(code=1)["table"]["problems"][0]["kind"], "cut")

    def test_a_rewritten_log_is_said_once_with_its_range(self):
        """Every line from the third on has other content: once with the hashes as they were, once with all of them made again."""
        import hashlib
        self.history()
        total = len(self.file.read_text().splitlines())

        def edit(lines):
            lines[2:] = [line.replace('"actor":"', '"actor":"x') for line in lines[2:]]

        def rewrite(lines):
            edit(lines)
            last = json.loads(lines[1])["hash"]
            for at in range(2, len(lines)):
                covered = re.sub(r'"prev":"[0-9a-f]{64}"', f'"prev":"{last}"', lines[at][:lines[at].index(',"hash":')])
                last = hashlib.sha256(covered.encode()).hexdigest()
                lines[at] = f'{covered},"hash":"{last}"}}\n'
        for change, kinds in ((edit, ["changed", "differs"]), (rewrite, ["changed", "differs"])):
            report = self.verify("--file", str(self.copy(change)), code=1)
            problems = [p for p in report["file"]["problems"] if p["kind"] in kinds]
            self.assertEqual([p["kind"] for p in problems], kinds, report["file"]["problems"])
            self.assertIn(f"3 to {total}", problems[-1]["message"])
            self.assertLess(report["file"]["problem_count"], 5)
            said = self.local("audit", "verify", "--file", str(self.copy(change)), code=1)
            self.assertEqual((said.stdout + said.stderr).count(f"3 to {total} are others in the table"), 1)

    def test_a_signature_cannot_be_made_without_the_key(self):
        """Everything else can be computed again by who can write the file."""
        import hashlib
        self.history()

        def forge(lines):
            lines[4] = lines[4].replace('"result":"success"', '"result":"denied"')
            last = None
            for at, line in enumerate(lines):
                covered = line[:line.index(',"hash":')]
                if last:
                    covered = re.sub(r'"prev":"[0-9a-f]{64}"', f'"prev":"{last}"', covered)
                last = hashlib.sha256(covered.encode()).hexdigest()
                lines[at] = f'{covered},"hash":"{last}"}}\n'
        report = self.verify("--file", str(self.copy(forge)), "--public-key", self.key, code=1)
        self.assertEqual(report["file"]["problems"][0]["kind"], "changed")
        self.assertRegex(report["file"]["problems"][0]["message"], "signed over other events|signed over another event")

    def test_a_crash_is_said_and_repaired(self):
        server, _ = self.serve("--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": "m" * 40})
        self.project()
        server.send_signal(signal.SIGKILL)
        server.wait()
        lines = self.file.read_text().splitlines(keepends=True)
        # As a power cut can leave it: lines gone that the table has, and half of one.
        self.file.write_text("".join(lines[:-2]) + lines[-2][:40])
        self.project(name="Beta")
        starts = [json.loads(line) for line in self.file.read_text().splitlines() if '"system.start"' in line]
        self.assertEqual(starts[-1]["details"]["recovered"], True)
        self.assertEqual(self.file.read_text().splitlines(keepends=True)[:len(lines)], lines)
        self.assertTrue(self.verify()["valid"])

    def test_without_a_table_and_without_a_file(self):
        for name, env in (("file", {"AUDIT_STORE_IN_DB": "false"}), ("table", {"AUDIT_LOG_FILE": ""})):
            with self.subTest(name):
                shutil.rmtree(self.data, ignore_errors=True)
                self.local("project", "create", "--name", "A", "--key-stdin", stdin="sk-demo1234567890abcdef\n", env=env)
                report = json.loads(self.local("audit", "verify", "--json", env=env).stdout)
                self.assertTrue(report["valid"])
                self.assertEqual((report["file"] is None, report["table"] is None), (name == "table", name == "file"))


if __name__ == "__main__":
    unittest.main()
