#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A disk that fails under the audit log or the database: changes are refused and do not happen, nothing is forwarded that cannot
be recorded, an answer whose event cannot be written has no end, and within five seconds of the disk being well service is back,
with every event in the log once. Where one of file and table takes the events, requests do not depend on the other."""
import shutil
import signal
import threading
import time
import unittest

from audited_proxy import not_applied
from disk_case import DiskCase
from proxy_case import CHAT, KEY, MANAGEMENT, fresh_id, request, until
from raw_client import RawClient

BACK = 5  # seconds after which service must be there again
LOG, DATABASE, WAL = "/audit.log", "/llm-proxy.db", "/llm-proxy.db-wal"


class Admitted:
    """Two requests that their provider holds up, one with a length and one streamed, until they are let go on."""

    def __init__(self, case):
        self.case, self.gate, self.ends, self.names = case, fresh_id(), {}, []
        before = case.upstream.count()
        self.threads = [threading.Thread(target=self.run, args=(behave, fresh_id())) for behave in ("slow-body", "gate")]
        for thread in self.threads:
            thread.start()
        case.upstream.wait_for(lambda u: len(u.requests) == before + 2)

    def run(self, behave, name):
        fields = [("Authorization", f"Bearer {self.case.token}"), ("X-Request-ID", name), ("X-Behave", f"{behave}={self.gate}")]
        self.names.append(name)
        with RawClient(self.case.port) as link:
            try:
                answer = link.send(request(body=CHAT, headers=fields)).answer()
                self.ends[behave] = answer.status if answer.whole else "cut"
            except (OSError, EOFError):
                self.ends[behave] = "cut"

    def finish(self):
        self.case.upstream.open_gate(self.gate)
        for thread in self.threads:
            thread.join()
        return self.ends


class Outage(DiskCase):
    faults = {}  # name: (rules, whether the event of an admitted request can still be written)
    go_on = ()  # those among them that requests do not notice

    admitted = None

    def let_go(self):
        """Whom a failed test has left waiting."""
        if self.admitted:
            self.admitted.finish()

    def fresh(self):
        self.disk.well()
        self.let_go()
        super().fresh()
        self.asked, self.admitted = [], None

    def setUp(self):
        super().setUp()
        self.addCleanup(self.let_go)

    def ask_named(self, **more):
        """The status, or "cut"."""
        self.asked.append(fresh_id())
        try:
            answer = self.ask(body=CHAT, headers=[("X-Request-ID", self.asked[-1])], **more)
            return answer if answer.whole else None
        except (OSError, EOFError):
            return None

    def objects(self):
        projects = self.manage("GET", "/manage/projects")[1]["items"]
        tokens = self.manage("GET", f"/manage/tokens?project_id={self.project_id}&limit=200")[1]["items"]
        return [(p["id"], p["name"], p["is_active"]) for p in projects], [(t["id"], t["name"], t["revoked_at"]) for t in tokens]

    def changes_are_refused(self):
        """Their request ids. Also a wrong management token gets its event, if only later."""
        token = self.objects()[1][0][0]
        names = []
        for method, path, body, credential in (
                ("POST", "/manage/tokens", {"project_id": self.project_id}, MANAGEMENT),
                ("PATCH", f"/manage/tokens/{token}", {"name": "other"}, MANAGEMENT),
                ("DELETE", f"/manage/tokens/{token}", None, MANAGEMENT),
                ("PATCH", f"/manage/projects/{self.project_id}", {"name": "Other"}, MANAGEMENT),
                ("DELETE", f"/manage/projects/{self.project_id}", None, MANAGEMENT)):
            names.append(fresh_id())
            status, answer = self.manage(method, path, body, credential, headers=[("X-Request-ID", names[-1])])
            self.assertEqual((status, answer["error"]["code"]), (503, "service_unavailable"), path)
        self.asked.append(fresh_id())
        status, _ = self.manage("GET", "/manage/projects", token="wrong" * 10, headers=[("X-Request-ID", self.asked[-1])])
        self.assertIn(status, (401, 503))
        return names

    def requests_are_refused(self, recorded):
        """At the latest from the first that was cut: a probe may have found the disk well for a moment. A wrong token is called wrong
        only where that can be recorded."""
        refused = until(lambda: (a := self.ask_named()) and a.status == 503 and a, "a request is refused", BACK)
        self.assertEqual((refused.header("x-llm-proxy-error"), refused.header("retry-after")), ("service_unavailable", "1"))
        before = self.upstream.count()
        for token, allowed in ((self.token, (503,)), ("tok-nobody", (401, 503) if recorded else (503,)), (self.token, (503,))):
            self.assertIn(self.ask_named(token=token).status, allowed)
        self.assertEqual(self.upstream.count(), before, "nothing is forwarded that cannot be recorded")

    def service_is_back(self):
        began = time.monotonic()
        self.disk.well()
        until(lambda: (a := self.ask_named()) and a.status == 200, "requests are served", BACK)
        until(lambda: self.manage("PATCH", f"/manage/projects/{self.project_id}", {"name": "Tests"})[0] == 200, "a change", BACK)
        return time.monotonic() - began

    def one_event_each(self, requests, refused):
        """Every request is on record once, and no refused change without the line that takes it back."""
        def missing():
            self.seen = self.all_events()
            found = self.by_request(self.seen)
            return {name: found.get(name) for name in requests if len(found.get(name, ())) != 1}
        try:
            until(lambda: not missing(), "every request is on record once", BACK)
        except AssertionError as error:
            raise AssertionError(f"{error}: {list(missing().items())[:3]}") from None
        until(lambda: not self.claimed(refused), "what was not changed is taken back", BACK)
        until(lambda: not self.untold(refused), "each refused change is on record", BACK)

    def claimed(self, refused):
        events = self.all_events()
        lost = not_applied(events)
        return [e for e in events if e.get("request_id") in refused and e["result"] == "success" and e["seq"] not in lost]

    def untold(self, refused):
        told = {e.get("request_id") for e in self.all_events() if e["result"] == "error" and e["details"]["status"] == 503}
        return set(refused) - told

    def requests_go_on(self):
        for _ in range(5):
            self.assertEqual(self.ask_named().status, 200)

    def one_outage(self, rules, keeps_admitted, goes_on):
        self.admitted, before = Admitted(self), self.objects()
        self.disk.fails(*rules)
        refused = self.changes_are_refused()
        if goes_on:
            self.requests_go_on()
        else:
            self.requests_are_refused(keeps_admitted)
        self.assertEqual(self.admitted.finish(), dict.fromkeys(("slow-body", "gate"), 200 if keeps_admitted else "cut"))
        self.assertEqual(self.objects(), before)
        seconds = self.service_is_back()
        self.assertEqual(self.objects(), before)
        self.one_event_each(self.asked + self.admitted.names, refused)
        forwarded = [e for e in self.all_events() if e["details"].get("forwarded")]
        self.assertEqual(len(forwarded), self.upstream.count())
        self.assert_sound()
        return seconds

    def test_outages(self):
        for name, (rules, keeps_admitted) in self.faults.items():
            with self.subTest(name):
                self.fresh()
                try:
                    seconds = self.one_outage(rules, keeps_admitted, name in self.go_on)
                finally:
                    self.disk.well()
                self.end()
                self.start()
                self.assert_sound()
                self.assertEqual(self.ask(body=CHAT).status, 200)
                print(f"{type(self).__name__}: {name}: back after {seconds:.2f} s", flush=True)


LOG_FAULTS = {
    "EIO on write of the log": ((f"write EIO {LOG}",), False),
    "EIO on sync of the log": ((f"sync EIO {LOG}",), True),
    "ENOSPC on the log": ((f"write,allocate ENOSPC {LOG}",), False),
    "half a line": ((f"write SHORT {LOG}",), False),
    "half a line that stays": ((f"write SHORT {LOG}", f"truncate EIO {LOG}"), False),
}
DATABASE_FAULTS = {
    "EIO on write of the WAL": (f"write EIO {WAL}",),
    "EIO on sync of the WAL": (f"sync EIO {WAL}",),
    "EIO on all of the database": (f"write,sync,truncate EIO {DATABASE}",),
    "ENOSPC on the WAL": (f"write ENOSPC {WAL}",),
    "half a frame": (f"write SHORT {WAL}",),
}


TABLE_FAULTS = {name: (rules, True) for name, rules in DATABASE_FAULTS.items()}


class FileAndTable(Outage):
    faults = {name: (rules, True) for name, (rules, _) in LOG_FAULTS.items()} | TABLE_FAULTS
    go_on = faults

    def test_a_handout_that_was_refused_is_no_success(self):
        for rule in (f"write EIO {LOG}", f"sync EIO {LOG}"):
            with self.subTest(rule):
                self.fresh()
                self.disk.fails(rule)
                names = []
                for method, path, body in (("GET", "/manage/audit/export", None), ("GET", "/manage/audit/report", None), ("POST", "/manage/audit/review", {"note": "seen"}),
                                           ("POST", "/manage/tokens/validate", {"token": self.token}), ("POST", "/manage/providers/check", {"provider": "openai", "api_key": KEY})):
                    names.append(fresh_id())
                    status, answer = self.manage(method, path, body, headers=[("X-Request-ID", names[-1])])
                    self.assertEqual((status, answer["error"]["code"]), (503, "service_unavailable"), path)
                self.service_is_back()
                for name in names:
                    said = until(lambda: self.by_request(self.all_events()).get(name), "it is on record", BACK)
                    self.assertFalse([e for e in said if e["result"] == "success" and e["seq"] not in not_applied(said)], said)
                self.assert_sound()

    def ask_for_a_while(self, requests):
        for _ in range(requests):
            self.assertEqual(self.ask_named().status, 200)

    def test_a_kill_while_the_table_alone_has_events(self):
        for rules in LOG_FAULTS.values():
            self.fresh()
            self.disk.fails(*rules[0])
            self.ask_for_a_while(20)
            self.server.kill()
            self.server.wait()
            self.disk.well()
            self.start()
            self.one_event_each(self.asked, [])
            self.assert_sound()

    def test_a_start_while_the_file_fails(self):
        """Requests are served, and a later start finds the file in step."""
        self.fresh()
        self.end()
        self.disk.fails(f"write EIO {LOG}")
        self.start()
        until(lambda: (a := self.ask_named()) and a.status == 200, "the table has committed something in this outage", BACK)
        self.ask_for_a_while(3)
        self.service_is_back()
        self.one_event_each(self.asked, [])
        self.assertEqual(sum(e["action"] == "system.start" for e in self.all_events()), 2)
        self.assert_sound()

    def test_a_start_while_the_file_lacks_what_the_table_has(self):
        """The disk has been full since before the kill, and still is: requests are served, and later the file has all of it."""
        self.fresh()
        self.disk.fails(f"write EIO {LOG}")
        self.ask_for_a_while(20)
        self.server.kill()
        self.server.wait()
        self.start()
        until(lambda: (a := self.ask_named()) and a.status == 200, "requests are served", BACK)
        self.ask_for_a_while(5)
        self.service_is_back()
        self.one_event_each(self.asked, [])
        self.assert_sound()
        self.end()
        self.start()
        self.assert_sound()

    def starts(self):
        """Or ends by itself, as an error."""
        try:
            type(self).start()
        except AssertionError:
            return self.server.wait(10) == 0
        self.end()
        return True

    def test_a_restored_database_is_not_served_without_its_log(self):
        """What was revoked since the copy stays revoked, or nobody is served; also at later starts, when the table has the lines."""
        self.fresh()
        self.end()
        copy = self.cwd / "copy.db"
        shutil.copyfile(self.data / "llm-proxy.db", copy)
        self.start()
        token = self.objects()[1][0][0]
        self.assertEqual(self.manage("DELETE", f"/manage/tokens/{token}")[0], 200)
        self.assertEqual(self.ask_named().status, 401)
        self.end()
        for path in self.data.glob("llm-proxy.db*"):
            path.unlink()
        shutil.copyfile(copy, self.data / "llm-proxy.db")
        (self.data / "llm-proxy.db").chmod(0o600)
        for rule in (f"write EIO {LOG}", f"write EIO {WAL}", f"write EIO {LOG}"):
            self.disk.fails(rule)
            self.assertFalse(self.starts(), rule)
        self.disk.well()
        self.start()
        self.assertEqual(self.ask_named().status, 401)
        self.assertTrue([e for e in self.all_events() if e["details"].get("reason") == "database_restored"])

    def test_first_the_file_then_the_table(self):
        """While both fail nobody is served; one of the two is enough, whichever is back first."""
        for back in (LOG, WAL):
            with self.subTest(back):
                self.fresh()
                bad = {LOG: f"write EIO {LOG}", WAL: f"write EIO {WAL}"}
                self.disk.fails(bad[LOG])
                self.ask_for_a_while(10)
                self.disk.fails(*bad.values())
                self.requests_are_refused(False)
                self.disk.well()
                self.disk.fails(*(rule for of, rule in bad.items() if of != back))
                until(lambda: (a := self.ask_named()) and a.status == 200, "requests are served", BACK)
                self.ask_for_a_while(10)
                self.service_is_back()
                self.one_event_each(self.asked, [])
                self.assert_sound()


class Always(Outage):
    settings = {"AUDIT_FSYNC": "always"}
    faults = {"EIO on sync of the log, which each request waits for": ((f"sync EIO {LOG}",), True)}
    go_on = faults


class AlwaysFileOnly(Outage):
    settings = {"AUDIT_FSYNC": "always", "AUDIT_STORE_IN_DB": "false"}
    faults = {"EIO on sync of the log, which each request waits for": ((f"sync EIO {LOG}",), False)}


class GoesOn(Outage):
    """AUDIT_ON_ERROR=log: the log's trouble stands in the application log and stops nobody."""
    settings = {"AUDIT_ON_ERROR": "log"}

    def test_outages(self):
        for name, (rules, _) in LOG_FAULTS.items():
            with self.subTest(name):
                self.fresh()
                self.admitted = Admitted(self)
                said = (self.cwd / "log").read_text().count("the audit log cannot be written")
                self.disk.fails(*rules)
                call = fresh_id()
                status, token = self.manage("POST", "/manage/tokens", {"project_id": self.project_id}, headers=[("X-Request-ID", call)])
                self.assertEqual(status, 201, token)
                for _ in range(5):
                    self.assertEqual(self.ask_named(token=token["token"]).status, 200)
                self.assertEqual(self.admitted.finish(), {"slow-body": 200, "gate": 200})
                until(lambda said=said: (self.cwd / "log").read_text().count("the audit log cannot be written") > said, "the log says so")
                self.service_is_back()
                self.one_event_each([call, *self.asked, *self.admitted.names], [])
                self.assert_sound()
                self.end()
                self.start()
                self.assert_sound()


class HangUp(DiskCase):
    settings = {"AUDIT_MAX_FILE_SIZE": "0", "AUDIT_FSYNC": "never"}  # nothing else syncs the file

    def test_the_old_file_is_synced_before_it_is_let_go(self):
        log = self.data / "audit.log"
        self.disk.fails("sync HANG /audit.log.1")
        log.rename(log.with_name("audit.log.1"))
        self.server.send_signal(signal.SIGHUP)
        until(lambda: self.disk.hung, "the old file is synced")
        self.disk.well()
        self.new_project()
        until(lambda: "project.create" in (self.data / "audit.log").read_text(), "the new file is written")


class FileOnly(Outage):
    settings = {"AUDIT_STORE_IN_DB": "false"}
    faults = LOG_FAULTS | TABLE_FAULTS
    go_on = DATABASE_FAULTS

    def test_a_probe_does_not_guess(self):
        """Nobody asks for a while, so there is no event to try with: the disk is as bad as before all the same."""
        for rule in (f"write EIO {LOG}", f"sync EIO {LOG}"):
            with self.subTest(rule):
                self.fresh()
                self.disk.fails(rule)
                self.assertEqual(self.manage("POST", "/manage/tokens", {"project_id": self.project_id})[0], 503)
                at = time.monotonic() + 2.2
                until(lambda: time.monotonic() > at, "two probes")
                before = self.upstream.count()
                self.assertEqual([(a := self.ask_named()) and a.status for _ in range(3)], [503] * 3)
                self.assertEqual(self.upstream.count(), before)
                self.service_is_back()

    def test_what_is_reserved_is_for_who_is_in(self):
        """The disk is full, and the log has its last megabyte: no new requests, but those that were let in end well."""
        self.admitted = Admitted(self)
        self.disk.fails(f"allocate ENOSPC {LOG}")
        long_one = "/v1/" + "x" * 7000
        until(lambda: self.ask(long_one).status == 503, "what was allocated is used up")
        size = (self.data / "audit.log").stat().st_size
        self.requests_are_refused(True)
        self.assertEqual(self.admitted.finish(), {"slow-body": 200, "gate": 200})
        self.assertGreater(size, 1 << 20)
        self.service_is_back()
        self.one_event_each(self.asked + self.admitted.names, [])
        self.assert_sound()


class TableOnly(Outage):
    settings = {"AUDIT_LOG_FILE": ""}
    faults = {name: (rules, False) for name, rules in DATABASE_FAULTS.items()}


if __name__ == "__main__":
    unittest.main()
