#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Another program that holds SQLite's write lock (a database browser, a backup): requests go on, what gives rights is refused with
the cause, what takes them away waits for the lock, and afterwards the table is whole. Also with the table off, and across a
kill -9. In full length: LLM_PROXY_LOCK_REQUESTS=2000 LLM_PROXY_LOCK_SECONDS=60 test_table_behind.py Locked"""
import gzip
import json
import os
import sqlite3
import threading
import time
import unittest

from audited_proxy import AuditedProxy, seq_of
from proxy_case import CHAT, KEY, MANAGEMENT, fresh_id, until

REQUESTS = int(os.environ.get("LLM_PROXY_LOCK_REQUESTS", "150"))
SECONDS = float(os.environ.get("LLM_PROXY_LOCK_SECONDS", "0"))


class Behind(AuditedProxy):
    def setUp(self):
        self.other = None
        self.addCleanup(self.unlock)

    def lock(self):
        self.other = sqlite3.connect(self.data / "llm-proxy.db", isolation_level=None, timeout=10)
        self.other.execute("BEGIN IMMEDIATE")

    def unlock(self):
        if self.other:
            self.other.close()
        self.other = None

    def requests(self, count=REQUESTS):
        for _ in range(count):
            self.assertEqual(self.ask(body=CHAT).status, 200)

    def used(self, token):
        return self.manage("GET", f"/manage/tokens/{token['id']}")[1]["request_count"]

    def ready(self):
        return self.manage("GET", "/ready", token=None)


class Locked(Behind):
    table = True

    def test_requests_go_on(self):
        token = self.new_token()
        self.lock()
        began, before = time.monotonic(), len(self.lines())
        for _ in range(REQUESTS):
            self.assertEqual(self.ask(body=CHAT, token=token["token"]).status, 200)
        refused = fresh_id()
        for method, path, body in (("POST", "/manage/projects", {"name": "x", "api_key": KEY}), ("POST", "/manage/tokens", {"project_id": self.project_id}),
                                   ("PATCH", f"/manage/tokens/{token['id']}", {"name": "y"})):
            status, answer = self.manage(method, path, body, headers=[("X-Request-ID", refused)])
            self.assertEqual((status, answer["error"]["code"]), (503, "service_unavailable"))
            self.assertIn("locked by another process", answer["error"]["message"])
        self.assertFalse([e for e in self.all_events() if e.get("request_id") == refused and e["result"] == "success"])
        status, answer = self.ready()
        self.assertEqual((status, answer.get("table_behind", False)), (200, self.table))
        if self.table:
            self.assertLessEqual(answer["table_to_seq"], before)
            found = {i["id"]: i for i in self.manage("GET", "/manage/doctor")[1]["items"]}["audit"]
            self.assertEqual(found["state"], "warn")
            self.assertIn("locks the database", found["evidence"])
        self.requests(20)
        until(lambda: time.monotonic() > began + SECONDS, "the lock's time", SECONDS + 5, 0.5)
        self.unlock()
        until(lambda: self.manage("POST", "/manage/projects", {"name": "x", "api_key": KEY})[0] == 201, "changes are made", 10)
        until(lambda: self.ready()[1] == {"status": "ok"}, "the table is whole", 10)
        until(lambda: self.used(token) == REQUESTS, "what was used is known", 5)
        self.assert_sound()

    def test_what_takes_rights_away_waits_for_the_lock(self):
        token = self.new_token()
        self.lock()
        answers = []
        calling = threading.Thread(target=lambda: answers.append(self.manage("DELETE", f"/manage/tokens/{token['id']}")))
        calling.start()
        refused = self.manage("POST", "/manage/projects", {"name": "x", "api_key": KEY})  # longer than one try
        self.assertEqual(refused[0], 503)
        self.assertTrue(calling.is_alive())
        self.unlock()
        calling.join()
        self.assertEqual(answers[0][0], 200, answers)
        self.assertEqual(self.ask(body=CHAT, token=token["token"]).status, 401)
        self.assert_sound()


class LockedFileOnly(Locked):
    settings = {"AUDIT_STORE_IN_DB": "false"}
    table = False


class HandedOut(Behind):
    def test_as_far_as_the_table_goes(self):
        self.requests(5)
        self.assert_agreement()
        whole = len(self.table_lines())
        self.lock()
        self.requests(20)
        until(lambda: self.ready()[1].get("table_behind"), "it is behind", 10)
        status, report = self.manage("POST", "/manage/audit/verify")
        self.assertEqual((status, report["valid"]), (200, True), report)
        self.assertGreaterEqual(report["file"]["last_seq"], whole + 20)
        self.assertEqual(report["table_to_seq"], report["table"]["last_seq"])
        answer = self.ask("/manage/audit/export?proof=true", method="GET", headers=[("Authorization", f"Bearer {MANAGEMENT}")])
        self.assertEqual(answer.status, 200)
        lines = answer.body.splitlines(keepends=True)
        self.assertEqual([seq_of(line) for line in lines[:-1]], [seq_of(line) for line in self.table_lines()])
        self.assertIn(b'"to_seq":%d' % report["table_to_seq"], lines[-1])
        self.unlock()
        until(lambda: self.ready()[1] == {"status": "ok"}, "the table is whole", 10)
        self.assert_sound()


class Killed(Behind):
    """While the table was locked: the file has everything, and the next start takes it from there."""

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.unlock()
        self.start()

    def test_nothing_is_missing_or_counted_twice(self):
        token = self.new_token(max_requests=1000)
        for _ in range(2):
            self.lock()
            for _ in range(60):
                self.assertEqual(self.ask(body=CHAT, token=token["token"]).status, 200)
            self.kill()
        self.assertEqual(self.used(token), 120)
        self.assert_sound()
        self.assertEqual(self.manage("POST", "/manage/projects", {"name": "x", "api_key": KEY})[0], 201)


class Unreadable(Behind):
    """What the table lacks stands in a file that somebody damaged: it is named, and a person decides to go on without it."""
    settings = {"AUDIT_MAX_FILE_SIZE": "0"}

    def doctor(self):
        return {i["id"]: i for i in self.manage("GET", "/manage/doctor")[1]["items"]}["audit"]

    def create(self):
        return self.manage("POST", "/manage/projects", {"name": "x", "api_key": KEY})

    def review(self):
        self.assertEqual(self.manage("POST", "/manage/audit/review", {"note": "looked"})[0], 201)

    def test_the_file_is_named_and_the_table_goes_on(self):
        self.requests(5)
        until(lambda: len(self.table_lines()) == len(self.file_lines()), "rows", 5)
        whole = len(self.table_lines())
        self.lock()
        self.requests(40)
        self.server.kill()
        self.server.wait()
        self.unlock()
        log = self.data / "audit.log"
        lines = log.read_bytes().splitlines(keepends=True)
        rotated = self.data / "audit.log-20261130.gz"
        packed = gzip.compress(b"".join(lines[:whole + 20]))
        rotated.write_bytes(packed[:len(packed) // 4])  # its first line can be read
        log.write_bytes(b"".join(lines[whole + 20:]))
        self.start()
        found = until(lambda: self.doctor()["state"] == "fail" and self.doctor(), "doctor says so", 10)
        self.assertIn(str(rotated), found["evidence"])
        status, answer = self.create()
        self.assertEqual(status, 503)
        self.assertIn(str(rotated), answer["error"]["message"])
        self.requests(5)
        status, answer = self.manage("POST", "/manage/audit/verify")
        self.assertEqual((status, answer["valid"]), (200, False))
        self.assertTrue([problem for problem in answer["file"]["problems"] if problem["kind"] == "cut" and str(rotated) in problem["message"]], answer)
        self.review()
        until(lambda: self.ready()[1] == {"status": "ok"}, "the table is whole again", 10)
        lost = until(lambda: [e for e in map(json.loads, self.table_lines()) if e["action"] == "system.recovered" and e["details"].get("reason") == "rows_lost"], "it is declared", 5)
        self.assertEqual([(e["details"]["from_seq"], e["details"]["to_seq"]) for e in lost], [(whole + 1, whole + 20)])
        self.assertEqual(self.create()[0], 201)
        self.assertEqual(self.doctor()["state"], "fail")  # what was lost is to be seen, too
        self.review()
        self.assertEqual(self.doctor()["state"], "pass")


class KilledFileOnly(Killed):
    settings = {"AUDIT_STORE_IN_DB": "false"}


class Tail(Behind):
    """Of rows that somebody deleted: they were there, so no catching up brings them back, and the verifier misses them."""

    def test_it_is_missed(self):
        self.requests(10)
        self.end()
        link = sqlite3.connect(self.data / "llm-proxy.db")
        last, = link.execute("SELECT max(seq) FROM audit_events").fetchone()
        link.execute("DELETE FROM audit_events WHERE seq > ?", (last - 3,))
        link.commit()
        link.close()
        self.start()
        report = self.manage("POST", "/manage/audit/verify")[1]
        self.assertFalse(report["valid"])
        self.assertEqual(report["first_bad_seq"], last - 2)
        self.requests(3)
        until(lambda: self.manage("POST", "/manage/audit/verify")[1]["table"]["last_seq"] > last + 3, "later rows are there")
        report = self.manage("POST", "/manage/audit/verify")[1]
        self.assertEqual((report["first_bad_seq"], [p["kind"] for p in report["table"]["problems"]]), (last - 2, ["missing"]))


if __name__ == "__main__":
    unittest.main()
