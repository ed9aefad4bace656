#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Providers that are broken or worse: what they send is relayed as it came or refused, costs no memory, and the key stays here.
How they fail on the way stands in integration/test_upstream_faults.py."""
import gzip
import json
import threading
import unittest

from proxy_case import KEY, SANITIZED, Proxy, fresh_id, request
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


if __name__ == "__main__":
    unittest.main()
