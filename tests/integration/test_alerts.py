#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Alerts as they reach people: in the audit log, on the event stream, as a webhook; and none where nothing is wrong."""
import json
import unittest

from proxy_case import KEY, MANAGEMENT, Proxy, request, until
from webhook import Webhook


class Alerts(Proxy):
    @classmethod
    def setUpClass(cls):
        cls.hook = cls.enterClassContext(Webhook())
        cls.settings = {"ALERT_WEBHOOKS": cls.hook.url + "/alerts?secret-of-the-hook", "ALERT_DENIED_REQUESTS": "10",
                        "AUTH_FAILURE_LIMIT": "100/m", "TRUSTED_PROXIES": "127.0.0.1"}
        super().setUpClass()

    def alerts(self, rule):
        return [e for e in self.events("alert.raise") if e["details"]["rule"] == rule]

    def from_(self, address):
        return [("X-Forwarded-For", address)]

    def test_failed_authentications_of_an_address(self):
        watcher = self.raw().send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        watcher.head()
        for _ in range(25):
            self.ask(body={"model": "m"}, token="tok-wrong", headers=self.from_("203.0.113.77"))
        alert = until(lambda: self.alerts("auth_failures"), "it is raised")[0]
        self.assertEqual((alert["actor"], alert["client_ip"], alert["details"]["threshold"], alert["details"]["window_seconds"]),
                         ("system", "203.0.113.77", 20, 600))
        self.assertRegex(alert["details"]["message"], r"^203\.0\.113\.77 failed to authenticate \d+ times within ten minutes\.$")
        caused = [e for e in self.events(None) if e["seq"] == alert["details"]["because_seq"]]
        self.assertEqual(caused[0]["client_ip"], "203.0.113.77")
        while b"event: alert" not in watcher.buffer:
            self.assertTrue(watcher._more())
        shown = json.loads(watcher.buffer.split(b"event: alert\ndata: ")[1].split(b"\n\n")[0])
        self.assertEqual((shown["rule"], shown["seq"]), ("auth_failures", alert["details"]["because_seq"]))
        posted = until(lambda: [json.loads(b) for b in self.hook.bodies if b"auth_failures" in b], "it is posted")[0]
        self.assertEqual(posted, shown)
        self.assertIn("X-LLM-Proxy-Signature", self.hook.headers[0])
        self.assertNotIn(KEY, json.dumps(posted))

    def test_a_revoked_token(self):
        token = self.new_token()
        self.manage("DELETE", "/manage/tokens/" + token["id"])
        self.ask(body={"model": "m"}, token=token["token"], headers=self.from_("198.51.100.3"))
        alert = until(lambda: self.alerts("revoked_token"), "it is raised")[0]
        self.assertEqual(alert["details"]["token_uuid"], token["id"])
        self.assertIn("198.51.100.3", alert["details"]["message"])
        self.assertNotIn(token["token"], json.dumps(alert))

    def test_a_burst_of_denials(self):
        token = self.new_token(allowed_models=["gpt-*"])
        for _ in range(12):
            self.assertEqual(self.ask(body={"model": "other"}, token=token["token"]).status, 403)
        alert = until(lambda: self.alerts("denied_burst"), "it is raised")[0]
        self.assertEqual((alert["details"]["count"], alert["details"]["token_uuid"]), (10, token["id"]))
        self.assertEqual(len(self.alerts("denied_burst")), 1)

    def test_a_quiet_token_stays_quiet(self):
        token = self.new_token()
        for _ in range(100):
            self.assertEqual(self.ask(body={"model": "m"}, token=token["token"]).status, 200)
        self.assertEqual([e for e in self.events("alert.raise") if e["details"].get("token_uuid") == token["id"]], [])


class Off(Proxy):
    settings = {"ALERTS_ENABLED": "no"}

    def test_nothing_is_raised(self):
        for _ in range(30):
            self.ask(body={"model": "m"}, token="tok-wrong")
        self.assertEqual(self.events("alert.raise"), [])


class NoAudit(Proxy):
    settings = {"AUDIT_ENABLED": "false"}

    def test_it_is_seen_that_nothing_is_recorded(self):
        self.assertIn("auditing is off", (self.cwd / "log").read_text())
        self.assertIs(self.manage("GET", "/manage/overview")[1]["audit_enabled"], False)
        items = {i["id"]: i["state"] for i in self.manage("GET", "/manage/doctor")[1]["items"]}
        self.assertEqual(items["audit"], "fail")
        status, refused = self.manage("GET", "/manage/audit")
        self.assertEqual((status, refused["error"]["code"]), (409, "audit_not_stored"))
        other = self.cli("--data-dir", str(self.cwd / "other"), "project", "create", "--name", "x", "--key-stdin", stdin=KEY, env={"AUDIT_ENABLED": "false"})
        self.assertIn("auditing is off", other.stderr)


if __name__ == "__main__":
    unittest.main()
