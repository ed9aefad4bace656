#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The audit log's file in other hands. Rotations of every kind, under load, lose no line and raise no alert; a file that is removed is
there again with all its lines before anything else is answered; one that was replaced or cut is left alone, and said so; and a log
that is shorter at a start than it was is reported until somebody has reviewed it."""
import os
import gzip
import shutil
import threading
import time
import unittest

from audited_proxy import AuditedProxy, seq_of
from proxy_case import CHAT, KEY, request, until

ROUNDS = int(os.environ.get("LLM_PROXY_ROTATIONS", "6"))


class InOtherHands(AuditedProxy):
    settings = {"AUDIT_MAX_FILE_SIZE": "0", "MANAGEMENT_ALLOWED_IPS": "127.0.0.1/32"}

    def setUp(self):
        self.log = self.data / "audit.log"

    def fresh(self):
        """A server on a data directory of its own."""
        cls = type(self)
        cls.end()
        shutil.rmtree(self.data)
        cls.start()
        cls.project_id = cls.new_project()["id"]
        cls.token = cls.new_token()["token"]

    def doctor(self, name="audit"):
        return {i["id"]: i for i in self.manage("GET", "/manage/doctor")[1]["items"]}[name]

    def alerts(self):
        return [e["details"]["rule"] for e in self.all_events() if e["action"] == "alert.raise" and not e["details"]["rule"].startswith(("new_", "unusual"))]

    def findings(self):
        return [e for e in self.all_events() if e["action"] == "system.recovered" and e["result"] == "failure"]

    def unique_lines(self):
        """Files may begin with what the one before ended with."""
        return list(dict.fromkeys(self.file_lines()))

    def create(self):
        return self.manage("POST", "/manage/projects", {"name": "x", "api_key": KEY})[0]

    def review(self):
        self.assertEqual(self.manage("POST", "/manage/audit/review", {"note": "looked"})[0], 201)

    def good(self):
        """Of the server's own verdict and of ours."""
        report = self.manage("POST", "/manage/audit/verify")[1]
        self.assertTrue(report["valid"], report)
        seqs = [seq_of(line) for line in self.unique_lines()]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))


class Rotations(InOtherHands):
    """As the guide's configurations do it, while requests run."""

    def under_load(self, rotate):
        self.fresh()
        ended, sent = threading.Event(), []

        def load():
            client = self.raw()
            while not ended.is_set():
                sent.append(client.send(asked).answer().status)
        asked = request(body=CHAT, headers=[("Authorization", f"Bearer {self.token}")])
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for number in range(1, ROUNDS + 1):
                before = len(sent)
                rotate(self.data / f"audit.log.{ROUNDS - number + 1}")
                until(lambda: self.log.exists() and self.log.stat().st_size > 0, "the log goes on", 5)
                until(lambda: len(sent) > before + 10, "requests go on", 10)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        self.assertEqual(set(sent), {200})
        self.good()
        self.assertEqual(len([1 for e in self.all_events() if e["action"] == "token.access"]) >= len(sent), True)
        seen = {line for line in self.unique_lines()}
        self.assertEqual(len([1 for line in seen if b'"action":"token.access"' in line]), len(sent))
        self.assertEqual((self.alerts(), self.findings(), self.doctor()["state"]), ([], [], "pass"))

    def test_copytruncate(self):
        def rotate(target):
            shutil.copyfile(self.log, target)
            os.truncate(self.log, 0)
        self.under_load(rotate)

    def test_renamed_with_a_signal(self):
        def rotate(target):
            self.log.rename(target)
            self.server.send_signal(1)
        self.under_load(rotate)

    def test_renamed_and_created(self):
        def rotate(target):
            self.log.rename(target)
            self.log.touch(0o600)
        self.under_load(rotate)

    def test_renamed_created_and_compressed(self):
        def rotate(target):
            self.log.rename(target)
            self.log.touch(0o600)
            with open(target, "rb") as plain, gzip.open(f"{target}.gz", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            target.unlink()
        self.under_load(rotate)

    def test_copytruncate_of_an_idle_log(self):
        """The copy ends with a line that is older than two seconds, and it is the copy all the same."""
        self.fresh()
        for _ in range(5):
            self.ask(body=CHAT)
        until(lambda: len(self.events()) == 5, "all is on record")
        size = [0]

        def quiet():
            before, size[0] = size[0], self.log.stat().st_size
            return before == size[0]
        until(quiet, "nothing more is written", 10, 3)
        shutil.copyfile(self.log, self.data / "audit.log.1")
        os.truncate(self.log, 0)
        until(lambda: self.log.stat().st_size > 0, "the log goes on", 5)
        self.ask(body=CHAT)
        self.good()
        at = time.monotonic()
        until(lambda: time.monotonic() > at + 63, "the time that a copy may take", 70, 1)
        self.assertEqual((self.alerts(), self.findings(), self.doctor()["state"]), ([], [], "pass"))

    def test_older_files_may_go(self):
        def rotate(target):
            for older in self.data.glob("audit.log.*"):
                older.unlink()
            self.log.rename(target)
            self.log.touch(0o600)
        self.fresh()
        for number in range(1, 4):
            for _ in range(5):
                self.ask(body=CHAT)
            rotate(self.data / f"audit.log.{number}")
            until(lambda: self.log.stat().st_size > 0, "the log goes on", 5)
        report = self.manage("POST", "/manage/audit/verify")[1]
        self.assertTrue(report["valid"], report)
        self.audit_cli("verify")
        self.end()
        self.start()
        self.assertEqual((self.findings(), self.doctor()["state"]), ([], "pass"))


class Removed(InOtherHands):
    def test_it_is_written_again_before_anything_is_answered(self):
        for _ in range(3):
            self.fresh()
            for _ in range(20):
                self.ask(body=CHAT)
            until(lambda: self.create() == 201, "a change")
            before = self.file_lines()
            self.log.unlink()
            self.assertEqual(self.create(), 201)
            after = self.file_lines()
            self.assertEqual(after[:len(before)], before)
            self.assertTrue([line for line in after[len(before):] if b'"project.create"' in line])
            found = until(self.findings, "it is said", 5)[0]
            self.assertEqual((found["details"]["reason"], found["details"]["from_seq"]), ("file_removed", 1))
            until(lambda: self.alerts() == ["audit_file_removed"], "an alert", 5)
            self.good()
            self.assertEqual(self.doctor()["state"], "fail")
            self.review()
            self.assertEqual(self.doctor()["state"], "pass")


class RemovedFileOnly(Removed):
    settings = InOtherHands.settings | {"AUDIT_STORE_IN_DB": "false"}

    def test_a_kill_afterwards_loses_nothing(self):
        self.fresh()
        self.log.unlink()
        status, project = self.manage("POST", "/manage/projects", {"name": "kept", "api_key": KEY})
        self.assertEqual(status, 201)
        self.server.kill()
        self.server.wait()
        self.start()
        self.assertTrue([e for e in self.all_events() if e["action"] == "project.create" and e.get("project_id") == project["id"]] or
                        [e for e in self.all_events() if e["action"] == "project.create"][1:])
        self.good()


class LeftAlone(InOtherHands):
    def status(self):
        try:
            return self.ask(body=CHAT).status
        except (OSError, EOFError):  # its event could not be written any more
            return None

    def refused(self, said):
        until(lambda: self.status() == 503, "nothing is served that cannot be recorded", 5)
        self.assertEqual(self.create(), 503)
        found = self.doctor()
        self.assertEqual(found["state"], "fail")
        self.assertIn(said, found["evidence"])

    def back(self, rule, reason):
        until(lambda: self.status() == 200, "it goes on in a new file", 5)
        until(lambda: rule in self.alerts(), "an alert", 5)
        self.assertEqual(self.findings()[-1]["details"]["reason"], reason)
        self.review()

    def test_replaced(self):
        for replace in (lambda: self.log.write_text("somebody else's\n"), lambda: self.log.symlink_to("/tmp/llm-proxy-no-such-file"), lambda: os.mkfifo(self.log)):
            self.fresh()
            for _ in range(5):
                self.ask(body=CHAT)
            away = self.data / "audit.log.1"
            self.log.rename(away)
            replace()
            self.refused("replaced")
            if self.log.is_file():
                self.assertEqual(self.log.read_text(), "somebody else's\n")
            self.log.unlink()
            self.back("audit_file_replaced", "file_replaced")
            self.good()

    def cut(self):
        self.fresh()
        for _ in range(20):
            self.ask(body=CHAT)
        until(lambda: self.log.stat().st_size > 4000, "lines")
        os.truncate(self.log, 2000)
        self.refused("cut off")
        self.assertEqual(self.log.stat().st_size, 2000)

    def test_cut_shorter(self):
        self.cut()
        self.log.rename(self.data / "cut")
        self.back("audit_file_cut", "file_cut")

    def test_a_hang_up_changes_nothing(self):
        self.cut()
        self.server.send_signal(1)
        self.refused("cut off")
        self.assertEqual(self.log.stat().st_size, 2000)

    def test_the_folder_is_not_made_again(self):
        folder = self.cwd / "logs"
        type(self).settings = self.settings | {"AUDIT_LOG_FILE": str(folder / "audit.log")}
        self.addCleanup(setattr, type(self), "settings", InOtherHands.settings)
        self.fresh()
        folder.rename(self.cwd / "away")
        until(lambda: self.status() == 503, "nothing is served that cannot be recorded", 5)
        self.assertFalse(folder.exists())
        (self.cwd / "away").rename(folder)
        until(lambda: self.status() == 200, "it is back", 5)


class ShorterAtAStart(InOtherHands):
    """Than it was when it was synced last: the database knows."""

    def restarted(self, change):
        self.fresh()
        for _ in range(20):
            self.ask(body=CHAT)
        self.assertEqual(self.create(), 201)
        self.end()
        change()
        self.start()

    def reported(self, reason):
        self.assertEqual(self.findings()[-1]["details"]["reason"], reason)
        until(lambda: self.alerts(), "an alert", 5)
        self.assertEqual(self.doctor()["state"], "fail")
        self.assertNotIn("chain_broken", [event["details"]["reason"] for event in self.findings()], "it is told once")
        self.review()
        self.assertEqual(self.doctor()["state"], "pass")

    def drop_lines(self, count):
        lines = self.log.read_bytes().splitlines(keepends=True)
        self.log.write_bytes(b"".join(lines[:-count]))

    def test_cut(self):
        self.restarted(lambda: self.drop_lines(4))
        self.reported("file_cut")

    def test_gone(self):
        self.restarted(self.log.unlink)
        self.reported("file_cut")

    def test_as_it_was(self):
        self.restarted(lambda: None)
        self.assertEqual((self.findings(), self.doctor()["state"]), ([], "pass"))
        self.good()


class ShorterFileOnly(ShorterAtAStart):
    settings = InOtherHands.settings | {"AUDIT_STORE_IN_DB": "false"}

    def test_no_seq_is_given_twice(self):
        last = []
        self.restarted(lambda: (last.append(self.file_lines()[-1]), self.drop_lines(4)))
        self.assertGreater(self.all_events()[-1]["seq"], seq_of(last[0]))
        self.assertFalse(self.manage("POST", "/manage/audit/verify")[1]["valid"])


if __name__ == "__main__":
    unittest.main()
