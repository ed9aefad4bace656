#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What travels and what does not: credentials, headers and paths."""
import json
import unittest

from proxy_case import CHAT, KEY, Proxy, fresh_id, request


class Credentials(Proxy):
    def sent_with(self, fields, path="/v1/chat/completions"):
        before = self.upstream.count()
        answer = self.raw().send(request(path, CHAT, headers=fields)).answer()
        self.assertEqual(answer.status, 200, answer.body)
        return self.upstream.requests[before]

    def test_five_places(self):
        for fields, path in (([("Authorization", f"Bearer {self.token}")], "/v1/chat/completions"),
                             ([("authorization", f"bearer {self.token}")], "/v1/chat/completions"),
                             ([("x-api-key", self.token)], "/v1/chat/completions"),
                             ([("api-key", self.token)], "/v1/chat/completions"),
                             ([("x-goog-api-key", self.token)], "/v1/chat/completions"),
                             ([], f"/v1/chat/completions?a=1&key={self.token}&b=%6b"),
                             ([("Authorization", f"Bearer {self.token}"), ("x-api-key", self.token)], "/v1/chat/completions"),
                             ([("Authorization", "Basic abc"), ("x-api-key", self.token)], "/v1/chat/completions")):
            seen = self.sent_with(fields, path)
            self.assertEqual([v for n, v in seen.headers if n.lower() in ("authorization", "x-api-key", "api-key", "x-goog-api-key")],
                             ["Bearer " + KEY])
            self.assertNotIn(self.token, seen.target + str(seen.headers))
            self.assertEqual(seen.target, "/v1/chat/completions" + ("?a=1&b=%6b" if "?" in path else ""))

    def test_each_providers_form(self):
        for path, name, value in (("/v1/messages", "x-api-key", KEY), ("/anthropic/v1/messages", "x-api-key", KEY),
                                  ("/v1beta/models/gemini-2.5:generateContent", "x-goog-api-key", KEY),
                                  ("/gemini/v1beta/models/gemini-2.5:generateContent", "x-goog-api-key", KEY),
                                  ("/openai/v1/chat/completions", "authorization", "Bearer " + KEY),
                                  ("/ollama/api/chat", "authorization", "Bearer " + KEY)):
            seen = self.sent_with([("Authorization", f"Bearer {self.token}")], path)
            found = {n.lower(): v for n, v in seen.headers if n.lower() in ("authorization", "x-api-key", "api-key", "x-goog-api-key")}
            self.assertEqual(found, {name: value}, path)

    def test_googles_stable_version(self):
        """Google's clients of today call /v1, which is OpenAI's for others."""
        google = [("x-goog-api-client", "google-genai-sdk/3.6.1 gl-python/3.11")]
        for method, path, fields, name in (
                ("POST", "/v1/models/gemini-2.5-flash:generateContent", [], "x-goog-api-key"),
                ("POST", "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", [], "x-goog-api-key"),
                ("POST", "/v1/publishers/google/models/gemini-2.5-flash:countTokens", [], "x-goog-api-key"),
                ("GET", "/v1/models", google, "x-goog-api-key"), ("GET", "/v1beta1/models", [], "x-goog-api-key"),
                ("GET", "/v1/models", [], "authorization"), ("GET", "/v1/models/ft:gpt-4o:us:1:x", [], "authorization"),
                ("DELETE", "/v1/models/ft:gpt-4o:us:1:x", [], "authorization"), ("POST", "/v1/files/a:b", [], "authorization")):
            body = {"contents": []} if method == "POST" else b""
            self.ask(path, body, method, headers=fields)
            seen = self.upstream.requests[-1]
            found = [n.lower() for n, _ in seen.headers if n.lower() in ("authorization", "x-api-key", "x-goog-api-key")]
            self.assertEqual((seen.target, found), (path, [name]))
        limited = self.new_token(allowed_models=["gemini-2.5-flash"])["token"]
        for model, status in (("gemini-2.5-flash", 200), ("gemini-2.5-pro", 403), ("gemini-2.5-fl%61sh", 200), ("gemini-2.5-flash%2f..%2fx", 400)):
            answer = self.ask(f"/v1/models/{model}:generateContent", {"contents": []}, token=limited)
            self.assertEqual(answer.status, status, model)
            if status != 200:
                self.assertEqual(set(json.loads(answer.body)["error"]), {"code", "message", "status"}, "Gemini's dialect")

    def test_refusals(self):
        revoked = self.new_token()
        self.manage("DELETE", f"/manage/tokens/{revoked['id']}")
        wrong = self.token[:-1] + ("a" if self.token[-1] != "a" else "b")
        for fields, status, code, reason in (
                ([], 401, "missing_token", "missing_token"),
                ([("Authorization", "Basic abc")], 401, "missing_token", "missing_token"),
                ([("Authorization", f"Bearer {wrong}")], 401, "invalid_token", "malformed"),
                ([("Authorization", f"Bearer {KEY}")], 401, "invalid_token", "malformed"),
                ([("Authorization", f"Bearer {revoked['token']}")], 401, "invalid_token", "revoked"),
                ([("Authorization", f"Bearer {self.token}"), ("x-api-key", wrong)], 400, "conflicting_credentials",
                 "conflicting_credentials")):
            before, request_id = self.upstream.count(), fresh_id()
            answer = self.raw().send(request(body=CHAT, headers=[*fields, ("X-Request-ID", request_id)])).answer()
            self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (status, code))
            self.assertEqual(json.loads(answer.body)["error"]["code"], code)
            event = self.event_of(request_id)
            self.assertEqual((event["result"], event["details"]["reason"]), ("failure" if status == 401 else "denied", reason))
            self.assertEqual(self.upstream.count(), before)
            self.assertNotIn(wrong, json.dumps(event) + answer.body.decode())


class References(Proxy):
    settings = {"GOOD_KEY": "sk-referenced1234567890", "BAD_KEY": "sk-a\r\nX-Injected: yes"}

    def test_a_reference_is_one_visible_word(self):
        def providers(name):
            return [{"provider": "openai", "api_key": f"env:{name}", "base_url": self.upstream.url + "/v1"}]
        project = self.new_project(providers=providers("GOOD_KEY"))
        before = self.upstream.count()
        answer = self.ask(body=CHAT, token=self.new_token(project_id=project["id"])["token"])
        self.assertEqual((answer.status, self.upstream.count() - before), (200, 1))
        status, refused = self.manage("POST", "/manage/projects", {"name": "bad", "providers": providers("BAD_KEY")}, local=True)
        self.assertEqual((status, refused["error"]["field"]), (400, "providers[0].api_key"))
        self.assertIn("env:BAD_KEY", refused["error"]["message"])
        self.assertEqual(self.upstream.requests[-1].header("authorization"), "Bearer sk-referenced1234567890")

    def test_the_bound_address_is_told(self):
        self.assertEqual(self.manage("GET", "/manage/overview")[1]["listen"], f"127.0.0.1:{self.port}")

    def test_of_several_providers_none_is_lost(self):
        project = self.new_project()
        status, changed = self.manage("PATCH", f"/manage/projects/{project['id']}", {"provider": "gemini"})
        self.assertEqual((status, [p["provider"] for p in changed["providers"]]), (200, ["gemini", "openai", "anthropic", "ollama"]))


class Headers(Proxy):
    def test_what_travels_upstream(self):
        sent = [("Authorization", f"Bearer {self.token}"), ("anthropic-beta", "a, b"), ("OpenAI-Organization", "org"), ("X-New-Thing", "1"),
                ("X-New-Thing", "2"), ("Cookie", "a=b"), ("Forwarded", "for=1.2.3.4"), ("X-Forwarded-For", "1.2.3.4"),
                ("X-Forwarded-Proto", "https"), ("X-Real-IP", "1.2.3.4"), ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"),
                ("Keep-Alive", "timeout=1"), ("TE", "trailers"), ("Proxy-Authorization", "x"), ("Upgrade", "h2c"), ("User-Agent", "me/1"),
                ("X-Empty", "")]
        before = self.upstream.count()
        self.assertEqual(self.raw().send(request(body=CHAT, headers=sent)).answer().status, 200)
        seen = self.upstream.requests[before]
        names = [n.lower() for n, _ in seen.headers]
        for gone in ("cookie", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "x-hop", "keep-alive", "te",
                     "proxy-authorization", "upgrade", "transfer-encoding"):
            self.assertNotIn(gone, names)
        self.assertEqual([v for n, v in seen.headers if n == "X-New-Thing"], ["1", "2"])
        self.assertEqual((seen.header("anthropic-beta"), seen.header("openai-organization"), seen.header("user-agent"),
                          seen.header("x-empty")), ("a, b", "org", "me/1", ""))
        self.assertEqual(names.count("host"), 1)
        self.assertEqual(seen.header("host"), f"127.0.0.1:{self.upstream.port}")

    def test_what_comes_back(self):
        answer = self.ask(body=CHAT, behave="headers", headers=[("X-Request-ID", "mine-1")])
        names = [n.lower() for n, _ in answer.headers]
        for gone in ("set-cookie", "alt-svc", "strict-transport-security", "access-control-allow-origin", "x-hop", "keep-alive"):
            self.assertNotIn(gone, names)
        self.assertEqual((answer.header("x-request-id"), answer.header("x-upstream-request-id"), answer.header("x-llm-proxy"),
                          answer.header("openai-processing-ms")), ("mine-1", "up-7", "1", "12"))
        self.assertEqual([v for n, v in answer.headers if n == "X-Multi"], ["a", "b"])
        self.assertEqual(names.count("date"), 1)

    def test_request_ids(self):
        for sent, kept in (("abc-1", True), ("a" * 200, False), ("a b", False), ("tok-abc", False), ("sk-abcdef", False)):
            answer = self.ask("/v1/models", headers=[("X-Request-ID", sent)])
            self.assertEqual(answer.header("x-request-id") == sent, kept, sent)
        self.assertRegex(answer.header("x-request-id"), r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


class Paths(Proxy):
    def target(self, path):
        before = self.upstream.count()
        answer = self.ask(path)
        return self.upstream.requests[before].target if answer.status == 200 else answer.header("x-llm-proxy-error")

    def test_routes(self):
        for path, target in (("/v1/models", "/v1/models"), ("/openai/v1/models", "/v1/models"), ("/openai/models", "/v1/models"),
                             ("/ollama/api/tags", "/api/tags"), ("/ollama/v1/models", "/v1/models"), ("/anthropic/v1/models", "/v1/models"),
                             ("/gemini/v1beta/models", "/v1beta/models"), ("/v1beta/models", "/v1beta/models"),
                             ("/v1/messages?beta=true", "/v1/messages?beta=true"), ("/v1/models/org%2Fname", "/v1/models/org%2Fname"),
                             ("/v1/models?limit=1&a=%20", "/v1/models?limit=1&a=%20"), ("/api/hello", "/api/hello"),
                             ("/v1/files/a%2Fb", "/v1/files/a%2Fb"), ("/v1/files/a%2eb%3b%20", "/v1/files/a%2eb%3b%20"), ("/v1/files;x/y%20/", "/v1/files;x/y%20/"),
                             ("/v1/%c1%a2%25%2562", "/v1/%c1%a2%25%2562"), ("/v1//models", "bad_request"), ("/v1/../v1/models", "bad_request"),
                             ("/v1/%252e%252e/models", "bad_request"), ("/v1/%c0%ae%c0%ae/models", "bad_request"), ("/v1/a%252f..%252fb", "bad_request"),
                             ("/v1/%2e/models", "bad_request"), ("/v1/;x/models", "bad_request"),
                             ("/v1/%2e%2e/models", "bad_request"),
                             ("/v1/models/..%2f..%2fadmin", "bad_request"), ("/v1/models/%2e%2e%2f%2e%2e%2fadmin", "bad_request"),
                             ("/v1/models/a%2f%2fb", "bad_request"), ("/v1/..;/x", "bad_request"), ("/v1/mod%00els", "bad_request"), ("/v1/./models", "bad_request"),
                             ("/nobody/v1/models", "endpoint_not_found"), ("/", "endpoint_not_found"), ("/v2/models", "endpoint_not_found"),
                             ("/azure/x", "endpoint_not_found"), ("/openai/deployments/d/chat/completions", "endpoint_not_found")):
            self.assertEqual(self.target(path), target, path)

    def test_anthropic_by_its_header(self):
        before = self.upstream.count()
        self.ask("/v1/models?limit=1000", headers=[("anthropic-version", "2023-06-01"), ("x-api-key", self.token)])
        self.assertEqual(self.upstream.requests[before].header("x-api-key"), KEY)

    def test_azure_and_a_base_with_a_path(self):
        project = self.new_project(providers=[{"provider": "azure", "api_key": KEY, "base_url": self.upstream.url + "/openai"}])["id"]
        token = self.new_token(project_id=project)["token"]
        before = self.upstream.count()
        answer = self.ask("/openai/deployments/d/chat/completions?api-version=1", CHAT, token=token, headers=[("api-key", token)])
        self.assertEqual(answer.status, 200)
        seen = self.upstream.requests[before]
        self.assertEqual((seen.target, seen.header("api-key")), ("/openai/deployments/d/chat/completions?api-version=1", KEY))
        project = self.new_project(providers=[{"provider": "compatible", "api_key": KEY, "base_url": self.upstream.url + "/x/v4/"}])["id"]
        token = self.new_token(project_id=project)["token"]
        self.ask("/v1/chat/completions", CHAT, token=token)
        self.assertEqual(self.upstream.requests[-1].target, "/x/v4/chat/completions")


if __name__ == "__main__":
    unittest.main()
