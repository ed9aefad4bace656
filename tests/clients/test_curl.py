#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""curl against the proxy: -N, -T -, a large body with Expect, --http1.0, HEAD, compressed, connection reuse."""
import hashlib
import os
import subprocess
import unittest

from proxy_case import Proxy

CHAT = '{"model":"gpt-4o","messages":[],"stream":true}'


class Curl(Proxy):
    def curl(self, *arguments, path="/v1/chat/completions", stdin=None, code=0, token=True):
        config = self.cwd / "curlrc"
        if token:
            config.write_text(f'header = "Authorization: Bearer {self.token}"\n')  # not on the command line
        ran = subprocess.run(["curl", "-sS", "-q", "--max-time", "60", *(["-K", str(config)] if token else []), *arguments,
                              f"http://127.0.0.1:{self.port}{path}"], input=stdin, capture_output=True,
                             env={"PATH": os.environ["PATH"], "HOME": str(self.cwd)})
        self.assertEqual(ran.returncode, code, ran.stderr.decode())
        return ran.stdout

    def test_streamed(self):
        out = self.curl("-N", "-H", "Content-Type: application/json", "-d", CHAT)
        self.assertTrue(out.endswith(b"data: [DONE]\n\n"))

    def test_streamed_1_0(self):
        out = self.curl("-N", "--http1.0", "-H", "Content-Type: application/json", "-d", CHAT)
        self.assertTrue(out.endswith(b"data: [DONE]\n\n"))

    def test_upload_from_a_pipe(self):
        body = os.urandom(3_000_000)
        out = self.curl("-T", "-", "-X", "POST", "-H", "Content-Type: application/octet-stream", path="/v1/files/up", stdin=body)
        self.assertIn(b'"bytes": 3000000', out)
        seen = self.upstream.requests[-1]
        self.assertEqual(seen.header("transfer-encoding"), "chunked")
        self.assertEqual(hashlib.sha256(seen.body).digest(), hashlib.sha256(body).digest())

    def test_large_body_expects_continue(self):
        body = os.urandom(8 << 20)
        out = self.curl("-v", "--data-binary", "@-", "-H", "Content-Type: application/octet-stream", "-H", "Expect: 100-continue",
                        path="/v1/files/up", stdin=body)
        self.assertIn(b'"bytes": 8388608', out)
        self.assertEqual(hashlib.sha256(self.upstream.requests[-1].body).digest(), hashlib.sha256(body).digest())
        self.assertIsNone(self.upstream.requests[-1].header("expect"))

    def test_multipart(self):
        (self.cwd / "f.txt").write_bytes(b"content of the file\n")
        out = self.curl("-F", "purpose=user_data", "-F", f"file=@{self.cwd}/f.txt", path="/v1/files")
        self.assertIn(b'"bytes": 20', out)

    def test_head_and_reuse(self):
        out = self.curl("-I", path="/v1/models").decode()
        self.assertIn("200 OK", out)
        self.assertIn("Content-Length: 1234", out)
        url = f"http://127.0.0.1:{self.port}/v1/models"
        out = self.curl("-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects}", url, url, path="/v1/models")
        self.assertEqual(out, b"100")

    def test_refusals(self):
        out = self.curl("-w", "%{http_code}", "--data-binary", "@-", token=False, stdin=os.urandom(4 << 20), path="/v1/files")
        self.assertTrue(out.endswith(b"401"), out)
        self.curl("--fail", token=False, path="/v1/models", code=22)
        out = self.curl("--compressed", path="/v1/models")
        self.assertIn(b"gpt-4o", out)


if __name__ == "__main__":
    unittest.main()
