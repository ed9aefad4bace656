#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The official clients for Node.js of OpenAI, Anthropic, Google and Ollama, and Vercel's "ai", from npm by the lock file, against the
running program and an upstream that misbehaves. What they must see stands in *.test.mjs; what the upstream must see, here."""
import os
import subprocess
import unittest

from azure_case import AzureCase
from cli_case import KEY
from node_packages import NODE, install, node
from proxy_case import Proxy, until


class Node:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install()

    def node(self, script, **variables):
        environment = self.env | {"PATH": os.environ["PATH"]} | variables
        ran = subprocess.run([node(), "--test", script], cwd=NODE, env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertRegex(ran.stdout, r"\n# fail 0\n|\nℹ fail 0\n")


class Sdks(Node, Proxy):
    def behaving(self, behaviour, path):
        return [r for r in self.upstream.requests if r.header("x-behave") == behaviour and r.target.startswith(path)]

    def test_openai(self):
        since, before = self.last_seq(), self.upstream.count()
        limited = self.new_token(max_requests=1, allowed_models=["gpt-4o"])["token"]
        self.node("openai.test.mjs", OPENAI_BASE_URL=f"http://127.0.0.1:{self.port}/v1", OPENAI_API_KEY=self.token, LIMITED_TOKEN=limited)
        for aborted in ("stall", "endless"):
            (seen,) = self.behaving(aborted, "/v1/chat/")
            self.upstream.wait_end(seen)
        self.assertEqual([len(self.behaving(b, "/v1/chat/")) for b in ("status=503x2", "reset")], [3, 1])
        self.everything_is_on_record(since, before)

    def test_anthropic(self):
        self.node("anthropic.test.mjs", ANTHROPIC_BASE_URL=f"http://127.0.0.1:{self.port}", ANTHROPIC_AUTH_TOKEN=self.token)
        (seen,) = self.behaving("stall-after-head", "/v1/messages")
        self.upstream.wait_end(seen)
        beta = next(r for r in self.upstream.requests if r.header("anthropic-beta"))
        self.assertEqual(beta.header("anthropic-beta"), "one-2025-01-01,two-2025-01-01")
        self.assertTrue(beta.header("anthropic-version"))
        for request in self.upstream.requests:
            if "/messages" in request.target:
                self.assertEqual(request.header("x-api-key"), KEY)
                self.assertIsNone(request.header("authorization"))

    def only_the_key_is_seen(self, since, name, value=KEY):
        """The provider gets its key, where it expects it, and nobody's token."""
        seen = self.upstream.requests[since:]
        self.assertTrue(seen)
        for request in seen:
            self.assertEqual(request.header(name), value, request.target)
            self.assertNotIn(self.token, str(request.headers) + request.target)

    def test_google(self):
        since = self.upstream.count()
        self.node("genai.test.mjs", GOOGLE_GEMINI_BASE_URL=f"http://127.0.0.1:{self.port}", GEMINI_API_KEY=self.token)
        self.only_the_key_is_seen(since, "x-goog-api-key")

    def test_ollama(self):
        since = self.upstream.count()
        self.node("ollama.test.mjs", OLLAMA_HOST=f"http://127.0.0.1:{self.port}/ollama", OLLAMA_API_KEY=self.token)
        self.only_the_key_is_seen(since, "authorization", f"Bearer {KEY}")

    def test_ai(self):
        since, before = self.last_seq(), self.upstream.count()
        self.node("ai.test.mjs", PROXY=f"http://127.0.0.1:{self.port}", PROXY_TOKEN=self.token)
        self.everything_is_on_record(since, before)
        self.assertNotIn(self.token, str([r.headers for r in self.upstream.requests[before:]]))

    def everything_is_on_record(self, since, before):
        """As many requests as the upstream has parsed have left an event that says forwarded."""
        def forwarded():
            return [e for e in self.events(since=since) if e["details"]["forwarded"]]
        parsed = self.upstream.count() - before
        until(lambda: len(forwarded()) >= parsed, "an event for each request")
        self.assertEqual(len(forwarded()), parsed)


class AzureSdk(Node, AzureCase):
    def test_azure(self):
        self.node("azure.test.mjs", **self.variables())
        self.is_azure_as_it_should_be()


if __name__ == "__main__":
    unittest.main()
