#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The forms of HTTP/1.1 that clients use: HEAD, 1.0, Expect, pipelines, half-closes, trailers, slow readers."""
import json
import select
import time
import unittest

from proxy_case import CHAT, SANITIZED, Proxy, fresh_id, request, until
from raw_client import RawClient


class SlowReader(Proxy):
    settings = {"KEEPALIVE_TIMEOUT": "100ms"}

    def test_an_answer_on_its_way_is_no_idle_connection(self):
        # The provider is done at once; what is left lies in the kernel and here. Sizes around the kernel's buffer.
        for size in range(2_600_000, 3_000_000, 25_000):
            request_id = fresh_id()
            client = self.raw(receive_buffer=4096)
            client.send(request("/v1/x", headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", f"download={size}"),
                                                  ("X-Request-ID", request_id)]))
            until(lambda: [e for e in self.events() if e["request_id"] == request_id] or self.has_begun(client), "the answer has begun")
            since = time.monotonic()
            until(lambda: time.monotonic() - since > 0.15, "KEEPALIVE_TIMEOUT is over")
            answer = client.answer()
            self.assertEqual((len(answer.body), answer.whole), (size, True))

    @staticmethod
    def has_begun(client):
        return False if client.sock.fileno() < 0 else bool(select.select([client.sock], [], [], 0)[0])


class Forms(Proxy):
    def test_head_and_bodyless(self):
        client = self.raw()
        client.send(request("/v1/models", method="HEAD", headers=[("Authorization", f"Bearer {self.token}")]))
        answer = client.answer(head_request=True)
        self.assertEqual((answer.status, answer.header("content-length")), (200, "1234"))
        client.send(request("/v1/models", headers=[("Authorization", f"Bearer {self.token}")]))
        self.assertEqual(client.answer().status, 200)
        client.send(request("/health", method="HEAD"))
        answer = client.answer(head_request=True)
        self.assertEqual(answer.status, 200)
        client.send(request("/nobody", method="HEAD"))
        self.assertEqual(client.answer(head_request=True).status, 404)
        client.send(request("/health"))
        self.assertEqual(client.answer().body, b'{"status":"ok"}')

    def test_expect_continue(self):
        client = self.raw()
        client.send(request("/v1/files", b"", "POST", [("Authorization", f"Bearer {self.token}"), ("Content-Length", "5"),
                                                       ("Expect", "100-continue")]))
        self.assertEqual(client.head()[0], 100)
        client.send(b"hello")
        self.assertEqual(client.answer().status, 200)
        client.send(request("/v1/files", b"", "POST", [("Content-Length", "5"), ("Expect", "100-continue")]))
        status, headers = client.head()
        self.assertEqual(status, 401, "no 100 before the credential is known to be good")
        self.assertIn(("Connection", "close"), headers)
        self.assertEqual(self.raw().send(request("/v1/files", b"", "POST", [("Content-Length", "5"), ("Expect", "more")])).answer().status, 417)

    def test_http_1_0(self):
        fields = [("Authorization", f"Bearer {self.token}"), ("X-Behave", "ping")]
        client = self.raw()
        client.send(request(body=CHAT | {"stream": True}, headers=fields, version="1.0"))
        answer = client.answer()
        self.assertEqual((answer.status, answer.header("transfer-encoding"), answer.header("connection")), (200, None, "close"))
        self.assertTrue(answer.body.endswith(b"data: [DONE]\n\n"))
        client = self.raw()
        for _ in range(2):
            client.send(request("/v1/models", headers=[*fields[:1], ("Connection", "keep-alive")], version="1.0"))
            self.assertEqual(client.answer().header("connection"), "keep-alive")
        client = self.raw().send(f"GET /v1/models HTTP/1.0\r\nAuthorization: Bearer {self.token}\r\n\r\n")
        self.assertEqual(client.answer().status, 200)
        self.assertEqual(client.ended(), "fin")

    def test_pipelined_requests_are_answered_in_order(self):
        before = self.upstream.count()
        sent = b"".join(request(f"/v1/models?n={n}", headers=[("Authorization", f"Bearer {self.token}")]) for n in range(20))
        sent += request("/v1/nothing", headers=[("Authorization", "Bearer nobody")])
        sent += request("/v1/x?last", headers=[("Authorization", f"Bearer {self.token}"), ("Connection", "close")])
        client = self.raw().send(sent)
        for n in range(20):
            self.assertEqual(client.answer().status, 200)
            self.assertEqual(self.upstream.requests[before + n].target, f"/v1/models?n={n}")
        self.assertEqual(client.answer().status, 401)
        self.assertEqual(json.loads(client.answer().body)["path"], "/v1/x?last")
        self.assertEqual(client.ended(), "fin")

    def test_pipelined_requests_before_a_half_close(self):
        sent = b"".join(request(f"/v1/x?n={n}", headers=[("Authorization", f"Bearer {self.token}")]) for n in range(5))
        client = self.raw().send(sent).fin()
        for n in range(5):
            self.assertEqual(json.loads(client.answer().body)["path"], f"/v1/x?n={n}")
        self.assertEqual(client.ended(), "fin")

    def test_more_than_one_read_before_a_half_close(self):
        sent = b"".join(request(f"/v1/x?n={n}", headers=[("Authorization", f"Bearer {self.token}"), ("X-Pad", "p" * 500)]) for n in range(150))
        sent += request("/v1/x?last", b"x" * 140_000, headers=[("Authorization", f"Bearer {self.token}")])
        client = self.raw().send(sent).fin()
        for n in range(150):
            self.assertEqual(json.loads(client.answer().body)["path"], f"/v1/x?n={n}")
        self.assertEqual(json.loads(client.answer().body)["bytes"], 140_000)
        self.assertEqual(client.ended(), "fin")

    def test_the_end_of_chunks_is_read_strictly(self):
        fields = [("Authorization", f"Bearer {self.token}"), ("Transfer-Encoding", "chunked")]
        for end, status in ((b"0\r\n\r\n", 200), (b"0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", 200), (b"0\r\n\n", 400), (b"0\n\r\n", 400),
                            (b"0\r\nX: a\r\n b\r\n\r\n", 400), (b"0\r\n: y\r\n\r\n", 400), (b"0\r\n" + b"A: b\r\n" * 200 + b"\r\n", 400),
                            (b"0\r\nA: " + b"b" * 40_000 + b"\r\n\r\n", 400), (b"0\r\nX: a\nY: b\r\n\r\n", 400)):
            client = self.raw().send(request("/v1/x", b"2\r\n{}\r\n" + end, "POST", fields) + request("/health"))
            self.assertEqual(client.answer().status, status, end[:40])
            if status == 200:
                self.assertEqual(client.answer().body, b'{"status":"ok"}')
            for cut in range(1, 8):  # the same in pieces
                client = self.raw().send(request("/v1/x", b"2\r\n{}\r\n" + end[:cut], "POST", fields)).send(end[cut:])
                self.assertEqual(client.answer().status, status, (end[:40], cut))

    def test_a_head_in_single_bytes(self):
        for byte in (client := self.raw(), request("/v1/x?bytes", headers=[("Authorization", f"Bearer {self.token}")]))[1]:
            client.send(bytes([byte]))
        self.assertEqual(client.answer().status, 200)

    def test_a_bad_request_after_a_good_one_is_answered(self):
        for bad in (b"GET / HTTP/1.1\nHost: x\n\n", b"nonsense\r\n\r\n", request("/v1/models", headers=[("Host", "b")])):
            client = self.raw().send(request("/v1/models", headers=[("Authorization", f"Bearer {self.token}")]))
            self.assertEqual(client.answer().status, 200)
            client.send(bad)
            answer = client.answer()
            self.assertEqual((answer.status, answer.header("x-llm-proxy-error"), answer.header("connection")), (400, "bad_request", "close"))
            self.assertNotEqual(answer.header("x-request-id"), None)
            self.assertEqual(client.ended(), "fin")

    def test_a_head_that_is_too_large_is_refused_in_the_form_of_its_path(self):
        much = "x" * 40_000
        for path, more, begin in (("/v1/chat/completions", "", b'{"error":{"message":'), ("/v1/messages", "", b'{"type":"error",'), ("/gemini/v1beta/models", "", b'{"error":{"code":431,'),
                                  ("/manage/tokens?limit=1", "", b'{"error":{"code":"headers_too_large",'), ("http://localhost/anthropic/v1/models", "", b'{"type":"error",'),
                                  ("/v1/models", "Anthropic-Version: 2023-06-01\r\n", b'{"type":"error",'), ("/v1/models", "X-Y: anthropic-version:\r\n", b'{"error":{"message":'),
                                  ("/v1/models", "x-goog-api-client: a\r\n", b'{"error":{"code":431,')):
            for head in (f"X-A: {much}\r\n\r\n", "X-A: b\r\n" * 101 + "\r\n"):
                answer = self.raw().send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}{head}".encode()).answer()
                self.assertEqual((answer.status, answer.body[:len(begin)]), (431, begin), (path, head[:10]))

    def test_empty_lines_before_a_request(self):
        client = self.raw().send(b"\r").send(b"\n").send(b"\r\n" + request("/health"))
        self.assertEqual(client.answer().status, 200)

    def test_until_close_upstream(self):
        for version in ("1.0", "1.1"):
            client = self.raw().send(request(body=CHAT, version=version, headers=[("Authorization", f"Bearer {self.token}"),
                                                                                  ("X-Behave", "until-close")]))
            answer = client.answer()
            self.assertEqual((answer.whole, answer.body), (True, b"until the close"))

    def test_answers_without_a_body(self):
        for status in (204, 304):
            client = self.raw()
            for _ in range(2):
                client.send(request("/v1/x", headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", f"bodyless={status}")]))
                self.assertEqual(client.answer().status, status)

    def test_websockets_get_426(self):
        for offers in (["h2c, WebSocket/13"], ["h2c", "websocket"]):
            fields = [("Connection", "Upgrade"), *(("Upgrade", o) for o in offers)]
            self.assertEqual(self.ask("/v1/responses", headers=fields).status, 426)
        answer = self.ask("/v1/responses", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")])
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (426, "upgrade_required"))

    def test_other_hosts_get_421(self):
        for host, status in (("evil.example", 421), ("localhost:1", 401), ("LOCALHOST.", 401), ("127.0.0.1", 401), ("[::1]:8080", 401),
                             ("a.localhost", 401), ("10.1.2.3:80", 401)):
            client = RawClient(self.port).send(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n")
            self.assertEqual(client.answer().status, status, host)
            client.sock.close()

    def test_a_slow_reader_bounds_the_upstream(self):
        # 64 MiB from the provider, nobody reads: the provider is stopped long before it has sent it all.
        client = RawClient(self.port, receive_buffer=4096)
        client.send(request("/v1/x", headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "download=67108864")]))
        client.head()
        before = self.memory()
        total = 0
        while part := client.chunk():
            total += len(part)
            if total > 1 << 20:
                break
        self.assertLess(self.memory() - before, (8 if not SANITIZED else 32) << 20)
        client.reset()


if __name__ == "__main__":
    unittest.main()
