#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Half a gigabyte in each direction, by length and in chunks: the proxy's memory does not notice."""
import threading
import unittest

from proxy_case import Proxy, request

SIZE = 512_000_000
LIMIT = 16 << 20
PART = bytes(range(256)) * 1024


class Large(Proxy):
    def setUp(self):
        for _ in range(5):
            self.ask(body={"model": "m"})
        self.before = self.memory()
        self.most = 0

    def watch(self):
        self.most = max(self.most, self.memory())

    def upload(self, framing, behave=None):
        client = self.raw(timeout=120)
        fields = [("Authorization", f"Bearer {self.token}"), ("Content-Type", "application/octet-stream"), ("X-Keep", "no"), framing]
        client.send(request("/v1/files/up", b"", "POST", fields + ([("X-Behave", behave)] if behave else [])))
        chunked = framing[0] == "Transfer-Encoding"
        sent = 0
        while sent < SIZE:
            part = PART[:SIZE - sent]
            client.send(b"%x\r\n" % len(part) + part + b"\r\n" if chunked else part)
            sent += len(part)
            if sent % (32 << 20) < len(PART):
                self.watch()
                if behave and sent > 1 << 20:
                    self.upstream.open_gate("large")
        if chunked:
            client.send(b"0\r\n\r\n")
        answer = client.answer()
        self.assertEqual((answer.status, answer.body), (200, b'{"path": "/v1/files/up", "bytes": %d}' % SIZE))

    def grew_little(self):
        self.watch()
        grown = self.most - self.before
        print(f"{self.id().rsplit('.', 1)[1]}: {grown / (1 << 20):.1f} MiB more")
        self.assertLess(grown, LIMIT)

    def test_upload_by_length(self):
        self.upload(("Content-Length", str(SIZE)))
        self.grew_little()

    def test_upload_in_chunks(self):
        self.upload(("Transfer-Encoding", "chunked"))
        self.grew_little()

    def test_upload_to_a_provider_that_waits(self):
        timer = threading.Timer(0.5, lambda: self.upstream.open_gate("large"))
        timer.start()
        self.addCleanup(timer.join)
        self.upload(("Content-Length", str(SIZE)), "slow-body=large")
        self.grew_little()

    def test_download(self):
        client = self.raw(timeout=120)
        client.send(request("/v1/files/x/content", headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", f"download={SIZE}")]))
        client.head()
        got = 0
        while part := client.chunk():
            got += len(part)
            if got % (32 << 20) < len(part):
                self.watch()
        self.assertEqual(got, SIZE)
        self.grew_little()

    def test_one_byte_more_than_allowed(self):
        answer = self.ask("/v1/files/up", b"", "POST", headers=[("Content-Length", str(SIZE + 1))])
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (413, "request_too_large"))


if __name__ == "__main__":
    unittest.main()
