#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Who holds an access token and wants more of it: it is known wherever it turns up."""
import unittest

from proxy_case import MANAGEMENT, Proxy, until


class AtTheManagementApi(Proxy):
    settings = {"MANAGEMENT_ALLOWED_IPS": "127.0.0.1", "TRUSTED_PROXIES": "127.0.0.1"}

    def told(self, since):
        found = until(lambda: self.events(None, since), "it is on record")
        self.assertEqual(len(found), 1, found)
        return found[0]

    def sent(self, token, headers=(), path="/manage/tokens"):
        """The status, and the event's action, result, reason, UUID and endpoint."""
        until(lambda: self.events("system.start"), "the start is on record")
        since = self.last_seq()
        status, answer = self.manage("GET", path, token=token["token"], headers=headers)
        event = self.told(since)
        details = event["details"]
        self.assertEqual((event.get("project_id"), details["status"], details["forwarded"]), (token["project_id"], status, False))
        return status, event["action"], event["result"], details["reason"], details["token_uuid"], details["endpoint"]

    def test_a_valid_token_is_named(self):
        token = self.new_token()
        self.assertEqual(self.sent(token), (401, "token.access", "failure", "invalid_token", token["id"], "/manage/tokens"))

    def test_whatever_step_refused(self):
        token = self.new_token()
        self.assertEqual(self.sent(token, {"X-Forwarded-For": "192.0.2.9"})[:5], (403, "token.access", "denied", "ip_not_allowed", token["id"]))
        self.assertEqual(self.sent(token, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"})[:5],
                         (403, "token.access", "denied", "origin_not_allowed", token["id"]))
        self.assertEqual(self.sent(token, {"Host": "evil.example"})[:5], (421, "token.access", "denied", "misdirected_request", token["id"]))

    def test_a_revoked_token_has_its_line_and_alert(self):
        token = self.new_token()
        self.manage("DELETE", f"/manage/tokens/{token['id']}")
        self.assertEqual(self.sent(token)[:5], (401, "token.access", "failure", "revoked", token["id"]))
        until(lambda: [e for e in self.events("alert.raise") if e["details"]["rule"] == "revoked_token"], "an alert", 10)

    def test_the_management_token_is_no_access_token(self):
        since = self.last_seq()
        self.assertEqual(self.manage("GET", "/manage/tokens", token=MANAGEMENT + "x")[0], 401)
        self.assertEqual(self.told(since)["action"], "auth.failure")


if __name__ == "__main__":
    unittest.main()
