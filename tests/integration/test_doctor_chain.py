#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Doctor looks at the audit log's chain: at start, every hour, when it is asked; from where the last look ended. What it finds is told
once, as an event and an alert, and stays until a review."""
import json
import sqlite3
import unittest

from cli_case import Cli
from proxy_case import Proxy, until


def chain_of(answer):
    return {item["id"]: item for item in answer["items"]}["audit_chain"]


class WithoutServer(Cli):
    def chain(self):
        """Of a doctor that finds something in any case: there is no management token."""
        return chain_of(self.json("doctor", code=1))

    def history(self, events=6):
        project = self.project()["id"]
        for number in range(events):
            self.local("token", "create", "--project", project, "--name", f"t{number}")

    def test_what_was_changed_removed_or_put_in_is_found(self):
        def edit(change):
            log = self.data / "audit.log"
            log.write_bytes(change(log.read_bytes()))

        def row(statement):
            database = sqlite3.connect(self.data / "llm-proxy.db")
            with database:
                database.execute(statement)
            database.close()
        self.history()
        self.assertEqual(self.chain()["state"], "pass")
        before, database = (self.data / "audit.log").read_bytes(), (self.data / "llm-proxy.db").read_bytes()
        lines = before.splitlines(keepends=True)
        for what, change in (("edited", lambda: edit(lambda data: data.replace(b'"duration_minutes":1440', b'"duration_minutes":1441', 1))),
                             ("line removed", lambda: edit(lambda data: b"".join(lines[:3] + lines[4:]))),
                             ("row removed", lambda: row("DELETE FROM audit_events WHERE seq IN (3, 4)")),
                             ("row changed", lambda: row("UPDATE audit_events SET actor = 'client' WHERE seq = 5"))):
            with self.subTest(what):
                change()
                found = self.chain()
                self.assertEqual(found["state"], "fail", found)
                self.assertRegex(found["evidence"], r"[Ee]vents? [3-5]")
            (self.data / "audit.log").write_bytes(before)
            for leftover in ("llm-proxy.db-wal", "llm-proxy.db-shm"):
                (self.data / leftover).unlink(missing_ok=True)
            (self.data / "llm-proxy.db").write_bytes(database)
        self.assertEqual(self.chain()["state"], "pass")


class WithServer(Proxy):
    def doctor(self):
        return self.manage("GET", "/manage/doctor")[1]

    def restart(self, between):
        self.end()
        between()
        self.start()

    def findings(self):
        events = self.manage("GET", "/manage/audit?limit=200&action=system.recovered")[1]["items"]
        return [event["details"] for event in events if event["details"].get("reason") == "chain_broken"]

    def more(self, number):
        for _ in range(number):
            self.manage("POST", "/manage/projects", {"name": "x", "api_key": "sk-demo1234567890abcdef"})

    def test_a_broken_chain_is_told_once_and_stays_until_a_review(self):
        self.more(5)
        self.restart(lambda: None)  # verified up to here
        first = chain_of(self.doctor())
        self.assertEqual(first["state"], "pass", first)
        self.assertRegex(first["evidence"], r"^Verified up to event \d+ at 20.*Z; ")
        log = self.data / "audit.log"
        self.more(5)
        number = len(log.read_bytes().splitlines())

        def edit():
            lines = log.read_bytes().splitlines(keepends=True)
            lines[number - 2] = lines[number - 2].replace(b'"management"', b'"console"', 1)
            log.write_bytes(b"".join(lines))
        self.restart(edit)
        answer = self.doctor()
        found = chain_of(answer)
        self.assertEqual(found["state"], "fail", found)
        self.assertIn(f"vent {number - 1}", found["evidence"])
        finding = until(lambda: self.findings(), "the event")
        self.assertEqual((len(finding), finding[0]["from_seq"]), (1, number - 1))
        self.assertTrue(until(lambda: [e for e in self.manage("GET", "/manage/audit?limit=200&action=alert.raise")[1]["items"] if "chain_broken" in json.dumps(e)], "the alert"))
        self.restart(lambda: None)
        self.assertEqual(chain_of(self.doctor())["state"], "fail")
        self.assertEqual(len(self.findings()), 1, "once")
        self.assertEqual(self.manage("POST", "/manage/audit/review", {"note": "looked"})[0], 201)
        reviewed = chain_of(self.doctor())
        self.assertEqual(reviewed["state"], "pass", reviewed)
        self.assertIn("reviewed", reviewed["evidence"])
        self.assertFalse(self.manage("POST", "/manage/audit/verify")[1]["valid"], "all of it is still looked at by command")


class ByCommand(Proxy):
    def test_a_verification_of_all_is_told(self):
        self.assertTrue(self.manage("POST", "/manage/audit/verify")[1]["valid"])
        self.assertIn("all of it was last verified at", chain_of(self.manage("GET", "/manage/doctor")[1])["evidence"])


if __name__ == "__main__":
    unittest.main()
