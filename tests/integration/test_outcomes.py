#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Every refusal and every end of a relay is one outcome, and everybody who counts counts it once: the audit log, usage, the
live feed; also quota and alerts. Without auditing the same, but for the log."""
import json
import threading
import unittest
from collections import Counter

from cli_case import free_port
from proxy_case import CHAT, KEY, MANAGEMENT, Proxy, fresh_id, request, until
from raw_client import RawClient

STREAM = CHAT | {"stream": True}


class Feed:
    """Reads /manage/events to its end; what ended, and the alerts."""

    def __init__(self, port):
        self.ended, self.alerts, self.running = [], [], None
        self.client = RawClient(port, timeout=60).send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        assert self.client.head()[0] == 200
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        until(lambda: self.running is not None, "the feed begins")

    def read(self):
        try:
            while True:
                for event in self.client.chunk().decode().split("\n\n"):
                    fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
                    if fields.get("event") == "alert":
                        self.alerts.append(json.loads(fields["data"]))
                    elif "data" in fields:
                        data = json.loads(fields["data"])
                        self.ended += data["ended"]
                        self.running = data["running"]
        except (OSError, EOFError, ValueError, AssertionError):
            pass


class Outcomes(Proxy):
    settings = {"REQUEST_HEAD_TIMEOUT": "500ms", "REQUEST_BODY_TIMEOUT": "500ms", "UPSTREAM_FIRST_BYTE_TIMEOUT": "400ms",
                "UPSTREAM_IDLE_TIMEOUT": "400ms", "MAX_REQUEST_SIZE": "1MB", "MAX_INSPECTED_BODY": "100KB", "MAX_HEADER_SIZE": "16KiB",
                "AUTH_FAILURE_LIMIT": "6/m", "CORS_ALLOWED_ORIGINS": "https://page.example", "ALERT_AUTH_FAILURES": "20"}
    audits = True

    def setUp(self):
        self.feed = Feed(self.port)
        self.addCleanup(self.feed.client.sock.close)
        self.expected = []
        self.before = self.counted()

    def counted(self):
        overview = self.manage("GET", "/manage/overview")[1]
        return {name: overview[f"{name}_24h"] for name in ("requests", "errors", "denied", "prompt_tokens", "completion_tokens")}

    def happens(self, result, reason, status, do, who="token"):
        """do() causes one outcome, of a token that is known or of a stranger."""
        do()
        self.expected.append((result, reason, status, who))

    def all_are_shown(self):
        until(lambda: len(self.feed.ended) >= len(self.expected), "the feed shows them")
        self.assertEqual(Counter((e["result"], e["reason"], e["status"]) for e in self.feed.ended), Counter(e[:3] for e in self.expected))

    def refused(self, code, status, *more, result="denied", reason=None, who="token", **request_more):
        def do():
            answer = self.ask(*more, **request_more)
            self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (status, code), answer.body)
        self.happens(result, reason or code, status, do, who)

    def head(self, code, status, data):
        """Refused by front: nobody knows who asks."""
        def do():
            with RawClient(self.port) as client:
                answer = client.send(data).answer()
                self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (status, code))
        self.happens("denied", code, status, do, "stranger")

    def stream(self, behave, body=STREAM, token=None):
        client = self.raw().send(request(body=body, headers=[("Authorization", f"Bearer {token or self.token}"), ("X-Behave", behave)]))
        return client

    def left(self, behave, headed):
        def do():
            before = self.upstream.count()
            client = self.stream(behave)
            self.upstream.wait_request(before + 1)
            if headed:
                client.head(), client.chunk()
            client.reset()
        self.happens("error", "client_cancelled", 200 if headed else 499, do)

    def heads(self):
        self.head("bad_request", 400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        self.head("http_version_not_supported", 505, b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n")
        self.head("not_implemented", 501, b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.head("expectation_failed", 417, b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n")
        self.head("uri_too_long", 414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n")
        self.head("headers_too_large", 431, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 20000 + b"\r\n\r\n")
        self.head("misdirected_request", 421, b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        self.head("request_timeout", 408, b"GET /v1/models HTTP/1.1\r\nHost:")

    def strangers(self):
        other = "tok-" + "0" * 38
        revoked, superseded = self.new_token(), self.new_token()
        self.manage("DELETE", f"/manage/tokens/{revoked['id']}")
        self.manage("POST", f"/manage/tokens/{superseded['id']}/refresh", {"grace": "0"})
        self.refused("missing_token", 401, "/v1/models", headers=[("X-Api-Key", "")], result="failure", who="stranger")
        self.refused("invalid_token", 401, "/v1/models", token=other, result="failure", reason="malformed", who="stranger")
        self.refused("invalid_token", 401, "/v1/models", token=revoked["token"], result="failure", reason="revoked")
        self.refused("invalid_token", 401, "/v1/models", token=superseded["token"], result="failure", reason="superseded")
        self.refused("conflicting_credentials", 400, "/v1/models", headers=[("X-Api-Key", "a"), ("Authorization", "Bearer b")], who="stranger")
        for _ in range(2):
            self.refused("invalid_token", 401, "/v1/models", token=other, result="failure", reason="malformed", who="stranger")
        for _ in range(3):  # over AUTH_FAILURE_LIMIT: summed up
            def do():
                self.assertEqual(self.ask("/v1/models", token=other).status, 429)
            self.happens("failure", "malformed", 429, do, "stranger")

    def decisions(self):
        self.refused("upgrade_required", 426, "/v1/models", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
        self.refused("endpoint_not_found", 404, "/nothing/here")
        self.refused("bad_request", 400, "/v1//models")
        self.refused("origin_not_allowed", 403, "/v1/models", headers=[("Origin", "https://evil.example")])
        self.happens("success", "preflight", 204, lambda: self.ask("/v1/models", method="OPTIONS", headers=[
            ("Origin", "https://page.example"), ("Access-Control-Request-Method", "GET")]), "stranger")
        self.refused("origin_not_allowed", 403, "/v1/models", method="OPTIONS", headers=[("Origin", "https://x.example"), ("Access-Control-Request-Method", "GET")])
        idle = self.new_project()["id"]
        token = self.new_token(project_id=idle)["token"]
        self.manage("PATCH", f"/manage/projects/{idle}", {"is_active": False})
        self.refused("project_inactive", 403, "/v1/models", token=token)
        self.refused("ip_not_allowed", 403, "/v1/models", token=self.new_token(allowed_ips=["10.0.0.0/8"])["token"])
        self.refused("endpoint_not_allowed", 403, "/v1/models", token=self.new_token(allowed_endpoints=["/v1/chat/*"])["token"])
        self.refused("request_too_large", 413, body=b"x" * 1_100_000)
        limited = self.new_token(rate_limit=1)["token"]
        self.happens("success", None, 200, lambda: self.ask("/v1/models", token=limited))
        self.refused("rate_limit_exceeded", 429, "/v1/models", token=limited)
        self.refused("request_quota_exceeded", 429, "/v1/models", token=self.used_up())
        model = self.new_token(allowed_models=["gpt-*"])["token"]
        self.refused("model_not_allowed", 403, body={"model": "claude"}, token=model)
        self.refused("unsupported_body", 415, body=b"not json", token=model)
        self.refused("request_too_large", 413, body={"model": "gpt-4o", "x": "y" * 200_000}, token=model)
        bad = lambda: self.raw().send(request(headers=[("Authorization", f"Bearer {model}"), ("Transfer-Encoding", "chunked")], method="POST") + b"zz\r\n").answer()
        self.happens("denied", "bad_request", 400, bad)
        slow = lambda: self.raw().send(request(headers=[("Authorization", f"Bearer {model}"), ("Content-Length", "10")], method="POST") + b"{").answer()
        self.happens("denied", "request_timeout", 408, slow)
        self.happens("success", None, 204, lambda: self.ask("/v1/models", method="OPTIONS", headers=[("Max-Forwards", "0")]))

    def used_up(self):
        token = self.new_token(max_requests=1)["token"]
        self.happens("success", None, 200, lambda: self.ask("/v1/models", token=token))
        return token

    def relays(self):
        ask = lambda behave, body=CHAT, **more: lambda: self.ask(body=body, behave=behave, **more)
        self.happens("success", None, 200, ask(None))
        self.happens("success", None, 200, ask(None, STREAM))
        self.happens("success", None, 404, ask("status=404"))
        self.happens("error", "upstream_status", 500, ask("status=500"))
        self.happens("error", "upstream_reset", 502, ask("reset"))
        self.happens("error", "upstream_closed", 502, ask("close"))
        self.happens("error", "upstream_bad_head", 502, ask("bad-head=garbage"))
        self.happens("error", "upstream_first_byte_timeout", 504, ask("stall"))
        self.happens("error", "upstream_idle_timeout", 200, ask("stall-mid-stream", STREAM))
        self.upstream.open_gate("reset")
        self.happens("error", "upstream_reset", 200, ask("reset-mid-stream", STREAM))
        self.happens("error", "upstream_truncated", 200, ask("truncate-chunks", STREAM))
        away = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": f"http://127.0.0.1:{free_port()}/v1"}])["id"]
        self.happens("error", "upstream_refused", 502, ask(None, token=self.new_token(project_id=away)["token"]))
        self.left("stall", False)
        self.left("endless", True)
        self.happens("error", "bad_request", 400, self.half)
        self.happens("error", "killed", 200, self.killed)
        self.happens("error", "stream_cut", 200, self.revoked)

    def half(self):
        before = self.upstream.count()
        client = self.raw().send(request(headers=[("Authorization", f"Bearer {self.token}"), ("Transfer-Encoding", "chunked"), ("X-Behave", "stall")],
                                         method="POST") + b"3\r\nabc\r\n")
        self.upstream.wait_request(before + 1)
        client.send(b"zz\r\n").answer()

    def killed(self):
        name = fresh_id()
        client = self.raw().send(request(body=STREAM, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless"), ("X-Request-ID", name)]))
        client.head()
        self.assertEqual(self.manage("DELETE", f"/manage/requests/{self.running(name)[0]['id']}")[0], 200)

    def revoked(self):
        token = self.new_token()
        self.stream("endless", token=token["token"]).head()
        self.assertEqual(self.manage("DELETE", f"/manage/tokens/{token['id']}")[0], 200)

    def test_each_is_counted_once_by_everybody(self):
        self.heads()
        self.strangers()
        self.decisions()
        self.relays()
        self.all_are_shown()
        now = self.counted()
        self.assertEqual(now["requests"] - self.before["requests"], len(self.expected))
        self.assertEqual(now["errors"] - self.before["errors"], sum(e[0] == "error" for e in self.expected))
        self.assertEqual(now["denied"] - self.before["denied"], sum(e[0] in ("denied", "failure") for e in self.expected))
        self.assertEqual([a["rule"] for a in self.feed.alerts if a["rule"] == "revoked_token"], ["revoked_token"])
        self.assertEqual(self.manage("GET", "/manage/usage?by=time")[0], 200)
        type(self).end()  # writes what is counted only
        try:
            self.assert_on_record()
        finally:
            type(self).start()
        self.assertEqual(self.counted()["requests"], now["requests"], "none is counted again")

    def assert_on_record(self):
        if not self.audits:
            self.assertFalse((self.data / "audit.log").exists())
            return
        access = [e for e in self.events("token.access") if "count" not in e["details"]]
        known = [e for e in access if "token_uuid" in e["details"]]
        self.assertEqual(Counter((e["result"], e["details"].get("reason"), e["details"]["status"]) for e in known), Counter(e[:3] for e in self.expected if e[3] == "token"))
        # A stranger's own line, or counted: ruling 47. The first ten of a minute have lines.
        reasons = Counter(e["details"]["reason"] for e in access if "token_uuid" not in e["details"])
        self.assertGreaterEqual(sum(reasons.values()), 10)
        for event in self.events(None):
            for reason in event["details"].get("reasons", "").split(",") if event["actor"] == "client" else ():
                reasons[reason.split(":")[0]] += int(reason.split(":")[1]) if reason else 0
        self.assertEqual(+reasons, Counter(e[1] for e in self.expected if e[3] == "stranger"))
        for event in access:
            timing = event["details"]["timing"]
            self.assertEqual(len(timing), 6)
            self.assertLessEqual(len('"timing":' + json.dumps(timing, separators=(",", ":"))), 60)
            reached = [t for t in timing if t >= 0]
            self.assertEqual(reached, sorted(reached), event)
            if event["details"]["forwarded"]:
                self.assertGreaterEqual(min(timing[:4]), 0, event)


class WithoutAuditing(Outcomes):
    settings = Outcomes.settings | {"AUDIT_ENABLED": "false"}
    audits = False

    def test_the_quota_survives_a_restart(self):
        token = self.new_token(max_requests=3)
        for _ in range(2):
            self.assertEqual(self.ask("/v1/models", token=token["token"]).status, 200)
        type(self).end()
        type(self).start()
        self.assertEqual(self.manage("GET", f"/manage/tokens/{token['id']}")[1]["request_count"], 2)
        self.assertEqual([self.ask("/v1/models", token=token["token"]).status for _ in range(2)], [200, 429])


class AlertsWithoutAuditing(Outcomes):
    settings = {"AUDIT_ENABLED": "false", "ALERT_AUTH_FAILURES": "20"}
    test_each_is_counted_once_by_everybody = None

    def test_alerts_are_raised(self):
        for _ in range(21):
            self.ask("/v1/models", token="tok-" + "0" * 38)
        raised = until(lambda: [a for a in self.feed.alerts if a["rule"] == "auth_failures"], "the alert")
        self.assertEqual((raised[0]["count"], raised[0]["client_ip"]), (20, "127.0.0.1"))


class FileOnly(Outcomes):
    settings = Outcomes.settings | {"AUDIT_STORE_IN_DB": "false"}


class AddressLimit(Outcomes):
    settings = {"IP_RATE_LIMIT": "30/m"}
    test_each_is_counted_once_by_everybody = None

    def test_requests_over_the_limit_of_an_address(self):
        while (answer := self.ask("/v1/models")).status == 200:
            self.expected.append(("success", None, 200, "token"))
        self.assertEqual(answer.status, 429)
        self.expected.append(("denied", "rate_limit_exceeded", 429, "token"))
        self.all_are_shown()


if __name__ == "__main__":
    unittest.main()
