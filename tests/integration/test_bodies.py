#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Bodies byte for byte and streams at once, usage read in passing, and the rules about models."""
import gzip
import json
import unittest
import zlib

from proxy_case import CHAT, KEY, Proxy, chunked, fresh_id, request


class Bodies(Proxy):
    def test_byte_for_byte(self):
        bodies = [b'{ "model" : "x",\n"a":1,"a":2, "u":"\\u00e9\xc3\xa9" }', bytes(range(256)) * 100, b"--x\r\n\r\n--x--", b" "]
        for body in bodies:
            for framing, sent in (("length", body), ("chunked", chunked(body[:1], body[1:]) if len(body) > 1 else chunked(body))):
                fields = [("Transfer-Encoding", "chunked")] if framing == "chunked" else []
                answer = self.ask("/v1/files", sent, "POST", headers=[*fields, ("Content-Type", "application/octet-stream")], behave="echo")
                self.assertEqual((answer.status, answer.body), (200, body))
                self.assertEqual(self.upstream.requests[-1].body, body)

    def test_a_stream_is_relayed_at_once_and_unchanged(self):
        client = self.raw()
        client.send(request(body=CHAT | {"stream": True}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "gate=relay")]))
        client.head()
        self.assertEqual(client.chunk(), b"data: 1\n\n")  # the provider has not said more yet
        self.upstream.open_gate("relay")
        self.assertEqual(client.chunk(), b"data: 2\n\n")
        self.assertEqual(client.chunk(), b"")
        answer = self.ask(body=CHAT | {"stream": True}, behave="ping")
        self.assertEqual(answer.body, b": ping\n\nevent: ping\r\ndata: {}\r\n\r\ndata: [DONE]\n\n")

    def test_a_stream_to_a_server_that_is_not_the_providers_goes_on_as_it_was(self):
        body = json.dumps(CHAT | {"stream": True}).encode()
        self.assertEqual(self.ask(body=body, method="POST", headers=[("Content-Type", "application/json")]).status, 200)
        self.assertEqual(self.upstream.requests[-1].body, body, "a strict server answers 422 to what it does not know")

    def test_usage_of_all_kinds(self):
        for path, body, numbers in (("/v1/chat/completions", CHAT, (11, 7)), ("/v1/responses", CHAT, (9, 4)),
                                    ("/v1/responses", CHAT | {"stream": True}, (9, 4)), ("/v1/embeddings", CHAT, (4, None)),
                                    ("/v1/messages", CHAT, (21, 5)), ("/v1/messages", CHAT | {"stream": True}, (21, 5)),
                                    ("/v1beta/models/g:generateContent", {"contents": []}, (3, 5)),
                                    ("/v1beta/models/g:streamGenerateContent?alt=sse", {"contents": []}, (3, 5))):
            request_id = fresh_id()
            self.assertEqual(self.ask(path, body, headers=[("X-Request-ID", request_id)]).status, 200)
            details = self.event_of(request_id)["details"]
            self.assertEqual((details.get("prompt_tokens"), details.get("completion_tokens")), numbers, path)

    def details_of(self, answer, path="/v1/messages", **more):
        request_id = fresh_id()
        self.assertEqual(self.ask(path, CHAT, headers=[("X-Request-ID", request_id)], behave="says=" + json.dumps(answer), **more).status, 200)
        return self.event_of(request_id)["details"]

    def test_a_turn_with_a_large_cache_is_counted_whole(self):
        usage = {"input_tokens": 3, "cache_creation_input_tokens": 1200, "cache_read_input_tokens": 150_000, "output_tokens": 512,
                 "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 1000}, "service_tier": "standard"}
        details = self.details_of({"type": "message", "model": "claude", "usage": usage})
        names = ["prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "service_tier"]
        self.assertEqual([(name, details[name]) for name in details if name in names], list(zip(names, (151_203, 512, 150_000, 1200, 1000, "standard"))))
        self.assertNotIn("reasoning_tokens", details, "unknown is absent")
        self.assertNotIn("estimated", details)

    def test_usage_is_read_from_paths_that_nobody_lists(self):
        details = self.details_of({"usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}}, "/v1/responses/resp_1/anything")
        self.assertEqual((details["prompt_tokens"], details["completion_tokens"]), (9, 4))

    def test_the_provider_key_is_no_service_tier(self):
        details = self.details_of({"usage": {"prompt_tokens": 1}, "service_tier": "sk_upstream"}, "/v1/chat/completions")
        self.assertEqual(details["service_tier"], "sk_upstream")
        project = self.new_project(providers=[{"provider": "openai", "api_key": "only-letters-in-this-key", "base_url": self.upstream.url + "/v1"}])["id"]
        token = self.new_token(project_id=project)["token"]
        self.assertNotIn("service_tier", self.details_of({"usage": {"prompt_tokens": 1}, "service_tier": "only-letters-in-this-key"}, "/v1/chat/completions", token=token))

    def test_a_stream_that_is_cut_is_settled_from_what_passed(self):
        for path, events, numbers in (("/v1/chat/completions", 3, (-(-len(json.dumps(CHAT | {"stream": True})) // 4), 2)), ("/v1/messages", 5, (21, 3))):
            request_id = fresh_id()
            answer = self.ask(path, CHAT | {"stream": True}, headers=[("X-Request-ID", request_id)], behave=f"cut-after={events}")
            self.assertFalse(answer.whole)
            event = self.event_of(request_id)
            details = event["details"]
            self.assertEqual((event["result"], details["prompt_tokens"], details["completion_tokens"], details["estimated"]), ("error", *numbers, True), path)

    def test_a_compressed_answer_is_untouched_and_still_read(self):
        request_id = fresh_id()
        answer = self.ask(body=CHAT, behave="gzip", headers=[("X-Request-ID", request_id), ("Accept-Encoding", "gzip, br")])
        self.assertEqual(self.upstream.requests[-1].header("accept-encoding"), "identity")
        self.assertEqual(answer.header("content-encoding"), "gzip")
        self.assertEqual(json.loads(gzip.decompress(answer.body))["usage"]["prompt_tokens"], 11)
        self.assertEqual(self.event_of(request_id)["details"]["prompt_tokens"], 11)

    def test_unknown_model_text_and_bytes(self):
        request_id = fresh_id()
        self.ask("/v1/responses", {"model": "not a model name"}, headers=[("X-Request-ID", request_id)])
        details = self.event_of(request_id)["details"]
        self.assertEqual(details["model"], "invalid")
        self.assertEqual(details["request_bytes"], len(json.dumps({"model": "not a model name"})))
        self.assertGreater(details["response_bytes"], 100)


class StreamUsage(Proxy):
    """The upstream is the profile's own host; "told" has another, and says that it takes the question."""
    settings = {"API_CONFIG_PATH": "profiles.yaml"}

    @classmethod
    def start(cls):
        (cls.cwd / "profiles.yaml").write_text(f"providers:\n  openai: {{base_url: '{cls.upstream.url}/v1'}}\n"
                                               "  told: {base_url: 'http://127.0.0.1:1/v1', ask_stream_usage: true}\n"
                                               "  untold: {base_url: 'http://127.0.0.1:1/v1'}\n")
        super().start()

    def test_the_key_of_a_profile_says_whether_others_are_asked(self):
        for name, asked in (("told", {"include_usage": True}), ("untold", None)):
            project = self.new_project(providers=[{"provider": name, "api_key": KEY, "base_url": self.upstream.url + "/v1"}])["id"]
            answer = self.ask(body=CHAT | {"stream": True}, token=self.new_token(project_id=project)["token"])
            self.assertEqual((answer.status, self.upstream.requests[-1].json.get("stream_options")), (200, asked), name)

    def test_usage_is_asked_for_and_taken_out_again(self):
        request_id = fresh_id()
        answer = self.ask(body=CHAT | {"stream": True}, headers=[("X-Request-ID", request_id)])
        seen = self.upstream.requests[-1]
        self.assertEqual(seen.json["stream_options"], {"include_usage": True})
        self.assertNotIn(b'"choices": []', answer.body)
        self.assertIn(b'"usage": null', answer.body)
        self.assertTrue(answer.body.endswith(b"data: [DONE]\n\n"))
        details = self.event_of(request_id)["details"]
        self.assertEqual((details["prompt_tokens"], details["completion_tokens"], details["model"]), (11, 7, "gpt-4o"))
        # Who asks for it gets it, and the body goes on as it was.
        own = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
        answer = self.ask(body=own)
        self.assertIn(b'"choices": []', answer.body)
        self.assertEqual(self.upstream.requests[-1].json, own)

    def test_usage_is_asked_for_in_chunked_bodies_that_are_small(self):
        small = json.dumps(CHAT | {"stream": True}).encode()
        large = json.dumps(CHAT | {"stream": True, "text": "x" * (1 << 20)}).encode()
        for body, asked in ((small, {"include_usage": True}), (large, None)):
            request_id = fresh_id()
            parts = [body[at:at + 60_000] for at in range(0, len(body), 60_000)]
            client = self.raw().send(request("/v1/chat/completions", chunked(*parts), "POST", [
                ("Authorization", f"Bearer {self.token}"), ("X-Request-ID", request_id), ("Transfer-Encoding", "chunked"),
                ("Content-Type", "application/JSON")]))
            answer = client.answer()
            self.assertEqual((answer.status, answer.whole), (200, True))
            self.assertEqual(self.upstream.requests[-1].json.get("stream_options"), asked)
            details = self.event_of(request_id)["details"]
            self.assertEqual((details["model"], details["request_bytes"]), ("gpt-4o", len(body)))
            if not asked:
                self.assertEqual(self.upstream.requests[-1].body, body)


class ModelRules(Proxy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limited = cls.new_token(allowed_models=["gpt-4o*"])["token"]

    def code(self, body, content_type="application/json", path="/v1/chat/completions", more=()):
        before = self.upstream.count()
        answer = self.ask(path, body, "POST", token=self.limited, headers=[("Content-Type", content_type), *more], behave="echo")
        self.assertEqual(self.upstream.count(), before + (answer.status == 200))
        return answer.header("x-llm-proxy-error") or answer.status

    def test_allowed(self):
        body = b'{"model":"gpt-4o-mini"}'
        for sent, more in ((body, ()), (gzip.compress(body), (("Content-Encoding", "gzip"),)),
                           (zlib.compress(body), (("Content-Encoding", "deflate"),)), (b'{"mod\\u0065l":"gpt-4o"}', ()),
                           (chunked(body[:5], body[5:]), (("Transfer-Encoding", "chunked"),))):
            self.assertEqual(self.code(sent, more=more), 200)
        form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-4o-audio\r\n--b\r\n' \
               b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
        self.assertEqual(self.code(form, "multipart/form-data; boundary=b", "/v1/audio/transcriptions"), 200)
        self.assertEqual(self.ask("/v1/models", token=self.limited).status, 200)

    def test_refused(self):
        other = b'{"model":"o3"}'
        bomb = gzip.compress(b'{"model":"gpt-4o","x":"' + b" " * 20_000_000 + b'"}')
        form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%s\r\n--b--\r\n'
        twice = form[:-7] + b'\r\n' + form % b"o3"
        for sent, kind, more, code in (
                (other, "application/json", (), "model_not_allowed"),
                (other, "text/plain", (), "unsupported_body"),
                (other, "application/json; x=multipart/form-data; boundary=b", (), "model_not_allowed"),
                (b'{"model":"gpt-4o","model":"o3"}', "application/json", (), "bad_request"),
                (b'{"model":"gpt-4o","mod\\u0065l":"o3"}', "application/json", (), "bad_request"),
                (b'{"model":"gpt-4o","Model":"o3"}', "application/json", (), "bad_request"),
                (b'{"messages":[]}', "application/json", (), "model_not_allowed"),
                (b'{"model":["gpt-4o"]}', "application/json", (), "bad_request"),
                (b'not json', "application/json", (), "unsupported_body"),
                (b'[{"model":"gpt-4o"}]', "application/json", (), "unsupported_body"),
                (b'{"model":"gpt-4o"} {"model":"o3"}', "application/json", (), "unsupported_body"),
                (gzip.compress(other), "application/json", (("Content-Encoding", "gzip"),), "model_not_allowed"),
                (gzip.compress(b'{"model":"gpt-4o"}') + gzip.compress(other), "application/json", (("Content-Encoding", "gzip"),),
                 "unsupported_body"),
                (bomb, "application/json", (("Content-Encoding", "gzip"),), "unsupported_body"),
                (b'{"model":"gpt-4o"}', "application/json", (("Content-Encoding", "br"),), "unsupported_body"),
                (b'{"model":"gpt-4o"}', "application/json", (("Content-Encoding", "gzip"), ("Content-Encoding", "identity")),
                 "unsupported_body"),
                (form % b"o3", "multipart/form-data; boundary=b", (), "model_not_allowed"),
                (form % b"gpt-4o", "multipart/form-data; boundary=c; boundary=b", (), "unsupported_body"),
                (twice % b"gpt-4o", "multipart/form-data; boundary=b", (), "bad_request"),
                (b'--b\r\nContent-Disposition: form-data; name="file"; filename="x; name=\\"model\\""\r\n\r\ngpt-4o\r\n--b--\r\n',
                 "multipart/form-data; boundary=b", (), "unsupported_body"),
                (b'--b\r\nContent-Disposition: form-data; name=model\r\n\r\no3\r\n--b--\r\n', "multipart/form-data; boundary=b", (),
                 "model_not_allowed")):
            self.assertEqual(self.code(sent, kind, more=more), code, (sent[:80], kind, more))
        self.assertEqual(self.code(b'{"contents":[]}', path="/v1beta/models/gemini-2.5:generateContent"), "model_not_allowed")
        self.assertEqual(self.code(other, path="/v1/chat/completions/models/gpt-4o"), "model_not_allowed")
        for path in ("/v1beta/%6dodels/gemini-pro:generateContent", "/v1beta/tunedModels/x:generateContent"):
            self.assertEqual(self.code(b'{"model":"gpt-4o"}', path=path), "model_not_allowed")
        self.assertEqual(self.code(b'{"model":"gpt-4o","requests":[{"params":{"model":"o3"}}]}', path="/v1/messages/batches"),
                         "model_not_allowed")
        self.assertEqual(self.code(b'{"model":"gpt-4o","models":["gpt-4o","o3"]}'), "model_not_allowed")
        self.assertEqual(self.code(b'{"model":"gpt-4o","x":"' + b"x" * (17 << 20) + b'"}'), "request_too_large")

    def test_only_types_that_everybody_reads_alike(self):
        """What a provider may read otherwise than we do is not let through, whatever it says."""
        body, json_type = b'{"model":"gpt-4o"}', ("Content-Type", "application/json")
        form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n%s\r\ngpt-4o\r\n--b--\r\n'
        for kind in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
            self.assertEqual(self.code(body, kind), 200, kind)
        for kind in ("text/plain", "text/json", "application/vnd.api+json", "application/x-www-form-urlencoded", "application/json, text/plain",
                     "application/json, application/json", "application/json; charset=utf-16", "application/json; charset=utf-8; charset=utf-16", ""):
            self.assertEqual(self.code(body, kind), "unsupported_body", kind)
        self.assertEqual(self.code(body, more=[json_type]), "unsupported_body")
        self.assertEqual(self.code(body, more=[("Content-Type", "text/plain")]), "unsupported_body")
        bare = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.limited}\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = self.raw().send(bare.encode() + body).answer()
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (415, "unsupported_body"))
        for text in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
            self.assertEqual(self.code('{"model":"gpt-4o"}'.encode(text)), "unsupported_body", text)
        for more, code in ((b"", 200), (b"Content-Type: text/plain; charset=utf-8\r\n", 200), (b"Content-Type: text/plain; charset=utf-16\r\n", "bad_request"),
                           (b"Content-Transfer-Encoding: base64\r\n", "bad_request"), (b"Content-Type: multipart/mixed; boundary=c\r\n", "unsupported_body")):
            self.assertEqual(self.code(form % more, "multipart/form-data; boundary=b", "/v1/audio/transcriptions"), code, more)
        # Without a rule nobody has to read it.
        for kind in ("text/plain", "application/json; charset=utf-16"):
            answer = self.ask("/v1/files", body, "POST", headers=[("Content-Type", kind)], behave="echo")
            self.assertEqual((answer.status, answer.body), (200, body))

    def test_batches_in_every_spelling(self):
        body = b'{"model":"gpt-4o","input_file_id":"f"}'
        for path in ("/v1/batches", "/v1/batches/", "/v1/batches%20", "/v1/batches;x", "/v1/batches;x=1/", "/v1/Batches", "/v1/%62atches", "/v1/%2562atches",
                     "/v1/%c1%a2atches", "/v1/%25c1%25a2atches", "/v1%2fbatches", "/v1%252fbatches", "/v1/batches%2f", "/v1/batches%3f", "/v1/batches%2500",
                     "/v1/batches.json", "/openai/v1/batches/", "/v1/messages/batches/", "/v1beta/openai/batches;x"):
            wanted = "model_not_allowed" if path.startswith(("/v1/", "/openai/v1/", "/v1beta/")) else "endpoint_not_found"
            self.assertEqual(self.code(body, path=path), wanted, path)
            if wanted == "model_not_allowed":  # and byte for byte where no rule asks
                answer = self.ask(path, body, "POST")
                self.assertEqual((answer.status, self.upstream.requests[-1].target), (200, path.removeprefix("/openai")))
        self.assertEqual(self.ask("/v1/batches/", token=self.limited).status, 200, "a list of batches runs none")

    def test_a_model_in_the_path_in_every_spelling(self):
        limited = self.new_token(allowed_models=["gemini-*", "org*"])["token"]
        for path, code in (("/v1beta/models/gemini-2.5:generateContent", 200), ("/v1beta/models/org%2Fname:generateContent", 200),
                           ("/v1beta/models/gemini-2.5:generateContent/", 200), ("/v1beta/%6dodels/gemini-2.5:generateContent", "model_not_allowed"),
                           ("/v1beta/%256dodels/gemini-2.5:generateContent", "model_not_allowed"), ("/v1beta/models/evil%2f..:x/models/gemini-2.5:x", "model_not_allowed"),
                           ("/v1beta/models%2fevil:x/models/gemini-2.5:x", "model_not_allowed"), ("/v1beta/models/gemini-x%252f..%252fevil:x", "bad_request"),
                           ("/v1beta/models/;a=b/evil:x", "bad_request"), ("/v1beta/models;a/evil:x", "model_not_allowed"), ("/v1beta/Models/evil:x", "model_not_allowed"),
                           ("/v1beta/%c1%adodels/gemini-2.5:x", "model_not_allowed"), ("/v1beta/models/%67emini-2.5:x", 200)):
            answer = self.ask(path, b'{"contents":[]}', "POST", token=limited)
            self.assertEqual(answer.header("x-llm-proxy-error") or answer.status, code, path)


class SmallInspection(Proxy):
    settings = {"MAX_INSPECTED_BODY": "64KiB"}

    def test_a_chunked_body_that_no_rule_reads_streams(self):
        body = json.dumps(CHAT | {"stream": True, "text": "x" * 200_000}).encode()
        client = self.raw().send(request("/v1/chat/completions", chunked(*[body[at:at + 50_000] for at in range(0, len(body), 50_000)]), "POST", [
            ("Authorization", f"Bearer {self.token}"), ("Transfer-Encoding", "chunked"), ("Content-Type", "application/json")]))
        self.assertEqual(client.answer().status, 200)
        self.assertEqual(self.upstream.requests[-1].body, body)


if __name__ == "__main__":
    unittest.main()
