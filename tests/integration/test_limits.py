#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Limits of tokens and addresses as a client meets them: status, code, headers, and that a refusal charges nothing."""
import json
import unittest

from proxy_case import MANAGEMENT, Proxy, fresh_id, request, until

BODY = {"model": "m"}


class TokenLimits(Proxy):
    def refused(self, token, code, status=429, path="/v1/chat/completions", body=BODY, **more):
        request_id, before = fresh_id(), self.upstream.count()
        answer = self.ask(path, body, token=token, headers=[("X-Request-ID", request_id)], **more)
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (status, code), answer.body)
        self.assertEqual(self.upstream.count(), before)
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"], event["details"]["forwarded"]), ("denied", code, False))
        if status == 429:
            self.assertGreaterEqual(int(answer.header("retry-after")), 1)
            for name in ("limit", "remaining", "reset"):
                self.assertRegex(answer.header("x-ratelimit-" + name), r"^\d+$")
        return answer

    def test_max_requests(self):
        token = self.new_token(max_requests=2)
        for behave in ("status=500", "status=429", "reset", None, "status=404"):  # only the last two count
            self.ask(body=BODY, token=token["token"], behave=behave)
        answer = self.refused(token["token"], "request_quota_exceeded")
        self.assertEqual((answer.header("x-should-retry"), answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")),
                         ("false", "2", "0"))
        self.assertGreater(int(answer.header("retry-after")), 3600)
        status, shown = self.manage("GET", f"/manage/tokens/{token['id']}")
        self.assertEqual((status, shown["request_count"]), (200, 2))

    def test_rate_limit(self):
        token = self.new_token(rate_limit=3)["token"]
        for _ in range(3):
            self.assertEqual(self.ask(body=BODY, token=token).status, 200)
        answer = self.refused(token, "rate_limit_exceeded")
        self.assertEqual((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("3", "0"))
        self.assertLessEqual(int(answer.header("retry-after")), 20)

    def test_a_later_refusal_gives_back_all_but_the_rate(self):
        token = self.new_token(rate_limit=7, max_requests=2, max_concurrent=1, allowed_models=["gpt-*"])["token"]
        for _ in range(5):
            self.refused(token, "model_not_allowed", 403)
        for _ in range(2):
            self.assertEqual(self.ask(body={"model": "gpt-x"}, token=token).status, 200)
        self.refused(token, "rate_limit_exceeded")

    def test_refused_requests_are_not_free(self):
        token = self.new_token(rate_limit=3, max_requests=1)["token"]
        self.assertEqual(self.ask(body=BODY, token=token).status, 200)
        for _ in range(2):
            self.refused(token, "request_quota_exceeded")
        self.refused(token, "rate_limit_exceeded")
        token = self.new_token(rate_limit=3, max_concurrent=1)["token"]
        running = self.raw().send(request("/v1/chat/completions", BODY, headers=[("Authorization", f"Bearer {token}"), ("X-Behave", "endless")]))
        running.head()
        for _ in range(2):
            self.refused(token, "too_many_concurrent")
        self.refused(token, "rate_limit_exceeded")
        running.reset()

    def test_endpoints_and_addresses(self):
        token = self.new_token(allowed_endpoints=["/v1/models", "/v1/chat/*"])["token"]
        self.assertEqual(self.ask("/v1/models", token=token).status, 200)
        self.assertEqual(self.ask("/openai/v1/models?x=1", token=token).status, 200)
        self.refused(token, "endpoint_not_allowed", 403, path="/v1/embeddings")
        for path in ("/v1/%63hat/completions", "/v1/%2563hat/completions", "/v1/%c1%a3hat/completions", "/v1/chat%2fcompletions", "/v1/chat/%3f", "/v1/chat/",
                     "/v1/models%2f", "/v1/mode%6cs", "/v1/Chat/completions", "/v1/batches%3f/v1/models"):
            self.refused(token, "endpoint_not_allowed", 403, path=path)
        for path in ("/v1/models/", "/v1/models;x", "/v1/chat/a%2Fb"):
            self.assertEqual(self.ask(path, token=token).status, 200, path)
            self.assertEqual(self.upstream.requests[-1].target, path)
        self.refused(self.new_token(allowed_ips=["10.0.0.0/8", "2001:db8::/32"])["token"], "ip_not_allowed", 403)
        self.assertEqual(self.ask("/v1/models", token=self.new_token(allowed_ips=["127.0.0.0/8"])["token"]).status, 200)

    def test_what_overrides_method_or_path(self):
        names = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Override-URL", "x_http_method_override")
        rules = {"endpoints": self.new_token(allowed_endpoints=["/v1/chat/*"])["token"], "models": self.new_token(allowed_models=["m"])["token"]}
        for rule, token in rules.items():
            for name in names:
                answer = self.ask(body=BODY, token=token, headers=[(name, "/v1/files")])
                self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (403, "endpoint_not_allowed"), (rule, name))
            for query in ("_method=DELETE", "a=b&_METHOD=put", "%5fmethod=PUT", "x;_method=PUT"):
                self.refused(token, "endpoint_not_allowed", 403, path="/v1/chat/completions?" + query)
            self.assertEqual(self.ask("/v1/chat/completions?method=_method", BODY, token=token).status, 200)
        for name in names:  # where no rule applies they travel
            self.assertEqual(self.ask(body=BODY, headers=[(name, "/v1/files")]).status, 200)
            self.assertEqual(self.upstream.requests[-1].header(name.lower()), "/v1/files")
        self.assertEqual(self.ask("/v1/chat/completions?_method=PUT", BODY).status, 200)

    def test_inactive_project(self):
        project = self.new_project()["id"]
        token = self.new_token(project_id=project)["token"]
        self.manage("PATCH", f"/manage/projects/{project}", {"is_active": False})
        self.refused(token, "project_inactive", 403)

    def test_counters_survive_a_restart(self):
        token = self.new_token(max_requests=3)
        self.assertEqual(self.ask(body=BODY, token=token["token"]).status, 200)
        self.server.kill()
        self.server.wait()
        type(self).start()
        for status in (200, 200, 429):
            self.assertEqual(self.ask(body=BODY, token=token["token"]).status, status)

    def test_lifetimes(self):
        for fields, ok in (({"duration_minutes": 60}, True), ({"duration_minutes": 31 * 24 * 60}, False), ({"duration_minutes": 0}, False),
                           ({"expires_at": "2020-01-01T00:00:00Z"}, False), ({"expires_at": "soon"}, False)):
            status, answer = self.manage("POST", "/manage/tokens", {"project_id": self.project_id} | fields)
            self.assertEqual(status, 201 if ok else 400, answer)
            if not ok:
                self.assertEqual(answer["error"]["field"], next(iter(fields)))


class AddressLimits(Proxy):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "AUTH_FAILURE_LIMIT": "3/m", "IP_RATE_LIMIT": "20/m", "MANAGEMENT_ALLOWED_IPS": "loopback,198.51.100.0/24"}

    def from_address(self, address, path="/v1/models", **more):
        return self.ask(path, headers=[("X-Forwarded-For", address)], **more)

    def test_failed_authentication(self):
        since = self.last_seq()
        codes = [self.from_address("203.0.113.7", token="tok-wrong").status for _ in range(6)]
        self.assertEqual(codes, [401] * 3 + [429] * 3)
        self.assertEqual(self.from_address("203.0.113.7").status, 200, "a valid token is always served")
        self.assertEqual(self.from_address("203.0.113.8", token="tok-wrong").status, 401, "another address is another matter")
        failures = self.events("auth.failure", since)
        self.assertEqual([(e["client_ip"], e["details"]["count"], e["details"]["reasons"]) for e in failures], [("203.0.113.7", 1, "malformed:1")])
        self.assertEqual(len([e for e in self.events(since=since) if e["client_ip"] == "203.0.113.7" and e["result"] == "failure"]), 3)

    def test_requests_per_address(self):
        answers = [self.from_address("203.0.113.9") for _ in range(21)]
        self.assertEqual([a.status for a in answers], [200] * 20 + [429])
        self.assertEqual((answers[-1].header("x-llm-proxy-error"), answers[-1].header("x-ratelimit-limit")), ("rate_limit_exceeded", "20"))
        self.assertEqual(self.from_address("2001:db8::1").status, 200)

    def test_management_failures(self):
        def call(address, token):
            return self.raw().send(request("/manage/projects", headers=[("Authorization", f"Bearer {token}"),
                                                                        ("X-Forwarded-For", address)])).answer()
        self.assertEqual(call("203.0.113.10", MANAGEMENT).status, 403, "not an address that may manage")
        self.assertEqual([call("198.51.100.5", "wrong" * 8).status for _ in range(5)], [401] * 3 + [429] * 2)
        self.assertEqual(call("198.51.100.5", MANAGEMENT).status, 200)
        answer = call("198.51.100.5", "wrong" * 8)
        self.assertEqual(json.loads(answer.body)["error"]["code"], "rate_limit_exceeded")

    def test_the_rightmost_untrusted_address_counts(self):
        request_id = fresh_id()
        self.ask("/v1/models", headers=[("X-Forwarded-For", "6.6.6.6, 203.0.113.20"), ("X-Forwarded-For", "127.0.0.1"),
                                        ("X-Request-ID", request_id)])
        self.assertEqual(self.event_of(request_id)["client_ip"], "203.0.113.20")

    def test_management_answers_in_order(self):
        def status(method, path, *fields):
            return self.raw().send(request(path, b"", method, [*fields, ("Content-Length", "2000000")])).answer().status
        token = ("Authorization", f"Bearer {MANAGEMENT}")
        self.assertEqual([status("POST", "/manage/nothing", token), status("PUT", "/manage/projects", token),
                          status("POST", "/manage/projects", token), status("POST", "/manage/nothing")], [404, 405, 413, 401])


class BehindProxies(Proxy):
    settings = {"TRUSTED_PROXIES": "127.0.0.1"}

    def test_forward_headers_that_name_no_client(self):
        def manage(name, value):
            return self.raw().send(request("/manage/projects", headers=[("Authorization", f"Bearer {MANAGEMENT}"), (name, value)])).answer().status
        for name, value in (("X-Forwarded-For", "garbage"), ("X-Forwarded-For", "127.0.0.1, unknown"), ("X-Forwarded-For", "198.51.100.7:4711"),
                            ("X-Forwarded-For", "[2001:db8::7]:4711"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1")):
            self.assertEqual(manage(name, value), 403, (name, value))
        for forwarded in ("127.0.0.5:4711", "127.0.0.1", "::1", "1.2.3.4, 127.0.0.2"):  # the proxy's loopback, or what a client made up
            self.assertEqual(manage("X-Forwarded-For", forwarded), 403, forwarded)


class Untrusted(Proxy):
    def test_forwarded_headers_of_strangers(self):
        request_id = fresh_id()
        self.assertEqual(self.ask("/v1/models", headers=[("X-Forwarded-For", "1.2.3.4"), ("X-Request-ID", request_id)]).status, 200)
        self.assertEqual(self.event_of(request_id)["client_ip"], "127.0.0.1")
        for name, value in (("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1")):
            answer = self.raw().send(request("/manage/projects", headers=[("Authorization", f"Bearer {MANAGEMENT}"), (name, value)])).answer()
            self.assertEqual(answer.status, 403)
            self.assertIn(b"TRUSTED_PROXIES", answer.body)


class Connections(Proxy):
    settings = {"MAX_CONNECTIONS_PER_IP": "5"}

    def setUp(self):
        def nobody_left():  # those that made the class's project and token
            with open(f"/proc/{self.server.pid}/net/tcp") as table:
                return sum(f":{self.port:04X}" in line.split()[1] and line.split()[3] == "01" for line in table.readlines()[1:]) == 0
        until(nobody_left, "no connection is open")

    def test_connections_per_address(self):
        clients = [self.raw() for _ in range(5)]
        for client in clients:
            client.send(request("/health"))
            self.assertEqual(client.answer().status, 200)
        self.assertIn(self.raw().ended(), ("fin", "reset"))
        for client in clients:
            client.reset()


if __name__ == "__main__":
    unittest.main()
