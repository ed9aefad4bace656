#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Providers that are broken or worse: what they send is relayed as it came or refused, costs no memory, and the key stays here.
How they fail on the way stands in integration/test_upstream_faults.py."""
import gzip
import json
import threading
import unittest

from certificates import Authority
from flights import CLOSE_NOTIFY, Flights
from proxy_case import KEY, SANITIZED, Proxy, fresh_id, request, until
from upstream import Upstream

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


class Upstreams(Proxy):
    def test_ten_megabytes_on_one_line_of_a_stream(self):
        """Whole, with its end, and without ten megabytes of memory: lines are not gathered."""
        self.ask(body=BODY)
        before, size = self.memory(), 10 << 20
        client = self.raw().send(request(body=BODY | {"stream": True}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", f"long-line={size}")]))
        self.assertEqual(client.head()[0], 200)
        got, most = b"", before
        while part := client.chunk():
            got += part
            most = max(most, self.memory())
        self.assertEqual(got, b'data: {"a":1}\n\ndata: ' + b"x" * size + b"\n\ndata: [DONE]\n\n")
        if not SANITIZED:
            self.assertLess(most - before, 4 << 20)

    def test_a_compressed_answer_that_grows_a_thousandfold(self):
        """Its bytes arrive as they were; what it holds is looked at under a cap, and beyond it unknown, never 0."""
        self.ask(body=BODY)
        before = self.memory()
        for size, known in ((1000, True), (100 << 20, False)):
            request_id = fresh_id()
            answer = self.ask(body=BODY, behave=f"bomb={size}", headers=[("X-Request-ID", request_id)])
            self.assertEqual((answer.status, answer.header("content-encoding")), (200, "gzip"))
            self.assertEqual(json.loads(gzip.decompress(answer.body))["usage"]["prompt_tokens"], 3)
            self.assertEqual(self.event_of(request_id)["details"].get("prompt_tokens"), 3 if known else None)
        if not SANITIZED:
            self.assertLess(self.memory() - before, 24 << 20)

    def test_numbers_of_tokens_that_no_request_has(self):
        """Unknown, never a sum that turns negative: of the event, the token and all of the usage."""
        token = self.new_token()
        for number, known in (("9223372036854775807", None), ("1000000001", None), ("99999999999999999999999", None), ("-5", None), ("1e300", None),
                              ("1.5", None), ("1000000000", 1_000_000_000)):
            for _ in range(3):
                request_id = fresh_id()
                self.ask(body=BODY, behave=f"usage={number}", token=token["token"], headers=[("X-Request-ID", request_id)])
            details = self.event_of(request_id)["details"]
            self.assertEqual((details.get("prompt_tokens"), details.get("completion_tokens")), (known, known), number)
        status, record = self.manage("GET", f"/manage/tokens/{token['id']}")
        self.assertEqual((status, record["prompt_tokens"], record["completion_tokens"]), (200, 3_000_000_000, 3_000_000_000))
        until(lambda: [i["prompt_tokens"] for i in self.manage("GET", "/manage/usage?by=token")[1]["items"] if i["key"] == token["id"]] == [3_000_000_000],
              "the usage is counted")

    def test_a_connection_option_takes_no_content_type_away(self):
        answer = self.ask(body=BODY, behave="headers=content-type")
        self.assertEqual((answer.status, answer.header("content-type"), answer.header("x-hop")), (200, "application/json", None))

    def test_a_redirect_to_another_server_never_sees_the_key(self):
        with Upstream() as other:
            seen = len(other.requests)
            answer = self.ask(body=BODY, behave="redirect")
            self.assertIn(answer.status, (307, 502))
            self.assertEqual(len(other.requests), seen)

    def test_every_malformed_head_ends_in_one_refusal(self):
        """CR, LF and NUL in headers, lengths that differ, a coding that is none: 502 once, and the next request is well."""
        for kind in ("version", "garbage", "lengths", "both", "nul", "barelf", "folded", "switching", "chunks"):
            with self.subTest(kind):
                before = self.upstream.count()
                answer = self.ask(body=BODY, behave=f"bad-head={kind}")
                self.assertEqual(answer.status, 502)
                self.assertNotIn(KEY.encode(), answer.body)
                self.assertEqual(self.upstream.count(), before + 1)
                self.assertEqual(self.ask(body=BODY).status, 200)

    def test_endless_heads_and_interim_answers_of_many_at_once(self):
        self.ask(body=BODY)
        before = self.memory()
        answers = []

        def one(behave):
            answers.append((behave, self.ask(body=BODY, behave=behave).status))
        threads = [threading.Thread(target=one, args=(b,)) for b in ("endless-head", "interim=100000") for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({status for behave, status in answers if behave == "endless-head"}, {502})
        self.assertLessEqual({status for behave, status in answers if behave != "endless-head"}, {200, 502})
        if not SANITIZED:
            self.assertLess(self.memory() - before, 16 << 20)


def answer_of(text):
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


WELL, OTHERS = '{"of":"this request"}', '{"of":"another project"}'
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(WELL), WELL.encode())
# What answers the first request: its method, and the answer itself.
FIRST = {"head": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"), "get": ("GET", answer_of(WELL)),
         "no content": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"), "length": ("POST", answer_of(WELL)), "chunked": ("POST", CHUNKED)}
# What stands behind it, in the same flight.
BEHIND = {"a whole answer": answer_of(OTHERS), "one byte": b"H", "a close_notify": CLOSE_NOTIFY}


class BeyondTheAnswer(Proxy):
    """What a provider sends behind an answer is nobody's: the request of another project gets its own answer, on another connection."""
    settings = {"ENGINE_THREADS": "1"}  # one pool

    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.authority = Authority(folder)
        cls.authority.certificate("good", "IP:127.0.0.1")
        cls.settings = cls.settings | {"SSL_CERT_FILE": str(cls.authority.file)}
        super().setUpClass()

    def token_for(self, url):
        project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": url + "/v1"}])["id"]
        return self.new_token(project_id=project)["token"]

    def two_projects(self, first, behind, context):
        """The connections on which the provider saw the two requests."""
        method, answer = FIRST[first]

        def script(head):
            return [answer, *behind] if "/first" in head else [answer_of(WELL)]
        with Flights(script, context) as provider:
            one, other = self.token_for(provider.url), self.token_for(provider.url)
            given = self.ask("/v1/first", BODY if method == "POST" else b"", method, token=one)
            self.assertIn(given.status, (200, 204))
            self.assertNotIn(b"another", given.body)
            own = self.ask("/v1/second", BODY, token=other)
            self.assertEqual((own.status, own.body), (200, WELL.encode()))
            self.assertEqual(len(provider.requests), 2)
            return [number for number, _, _ in provider.requests]

    def test_what_follows_an_answer_over_tls_reaches_nobody(self):
        for first in FIRST:
            for what, behind in BEHIND.items():
                with self.subTest(first=first, behind=what):
                    self.assertEqual(self.two_projects(first, [behind], self.authority.server_context("good")), [1, 2])

    def test_what_follows_an_answer_on_a_bare_connection_reaches_nobody(self):
        for first in FIRST:
            with self.subTest(first=first):
                self.assertEqual(self.two_projects(first, [BEHIND["a whole answer"]], None), [1, 2])

    def test_a_connection_with_nothing_behind_its_answer_is_used_again(self):
        for first in FIRST:
            for context in (None, self.authority.server_context("good")):
                with self.subTest(first=first, tls=context is not None):
                    self.assertEqual(self.two_projects(first, [], context), [1, 1])


if __name__ == "__main__":
    unittest.main()
