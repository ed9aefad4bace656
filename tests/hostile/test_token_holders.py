#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Who holds an access token and wants more of it: it is known wherever it turns up."""
import unittest

from proxy_case import MANAGEMENT, Proxy, until


class AtTheManagementApi(Proxy):
    settings = {"MANAGEMENT_ALLOWED_IPS": "127.0.0.1", "TRUSTED_PROXIES": "127.0.0.1"}

    def told(self, since):
        found = until(lambda: [e for e in self.events(None, since) if e["action"] != "alert.raise"], "it is on record")
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


class AroundModelRules(Proxy):
    """What a rule judged is what the provider gets to read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limited = cls.new_token(allowed_models=["gpt-4o*"])["token"]

    def code(self, path="/v1/chat/completions", headers=(), body=b'{"model":"gpt-4o"}', token=None):
        answer = self.ask(path, body, "POST", token=token or self.limited, headers=headers)
        return answer.header("x-llm-proxy-error") or answer.status

    def test_a_connection_option_takes_no_content_type_away(self):
        """RFC 9110 section 7.6.1: without it the provider would guess what the body is."""
        self.assertEqual(self.code(headers=[("Connection", "content-type, Content-Encoding, x-own, close"), ("X-Own", "1")]), 200)
        seen = self.upstream.requests[-1]
        self.assertEqual((seen.header("content-type"), seen.header("x-own")), ("application/json", None))

    def test_a_model_in_the_query(self):
        """Frameworks with one set of parameters read it there."""
        for query in ("model=o3", "x=1&model=o3", "x=1;model=o3", "mod%65l=o3", "Model=o3", "model[]=o3", "model", "+model=o3", "model=gpt-4o&model=o3"):
            self.assertEqual(self.code(f"/v1/chat/completions?{query}"), "model_not_allowed", query)
        for query in ("model=gpt-4o-mini", "models_like=o3", "x=model"):
            self.assertEqual(self.code(f"/v1/chat/completions?{query}"), 200, query)
        self.assertEqual(self.ask("/v1/realtime/sessions?model=o3", method="POST", token=self.limited).status, 403, "without a body too")
        self.assertEqual(self.code("/v1/chat/completions?model=o3", token=self.token), 200, "without a rule nobody asks")

    def test_forms_that_readers_take_apart_differently(self):
        part = b'--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n'
        model = part % (b'name="model"', b"gpt-4o")
        for disposition in (b'name="x"; name*0="mo"; name*1="del"', b'name="=?utf-8?q?model?="', b'name="mod\xc1\xa5l"', b'name="x"; y="' + b"y" * 8192 + b'"'):
            form = model + part % (disposition, b"o3") + b"--b--\r\n"
            self.assertEqual(self.code("/v1/audio/transcriptions", [("Content-Type", "multipart/form-data; boundary=b")], form), "unsupported_body", disposition[:40])
        form = model + part % (b'name="file"; filename="a.wav"', b"RIFF") + b"--b--\r\n"
        self.assertEqual(self.code("/v1/audio/transcriptions", [("Content-Type", "multipart/form-data; boundary=b")], form), 200)


if __name__ == "__main__":
    unittest.main()
