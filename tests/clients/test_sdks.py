#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The official OpenAI and Anthropic clients for Node.js, from npm by the lock file, against the running program and an
upstream that misbehaves. What they must see stands in *.test.mjs; what the upstream must see, here."""
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from cli_case import KEY
from proxy_case import Proxy, until

HERE = Path(__file__).resolve().parent
NODE = Path(os.environ["LLM_PROXY_NODE_DIR"])


def install():
    """node_modules beside the lock file's copy, once per lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    done = NODE / "installed-lock.json"
    if not done.exists() or done.read_bytes() != lock:
        NODE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, NODE / name)
        for attempt in (1, 2, 3):
            ran = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, capture_output=True, text=True, timeout=200)
            if ran.returncode == 0:
                break
            if attempt == 3:
                raise AssertionError("npm ci failed:\n" + ran.stdout + ran.stderr)
        done.write_bytes(lock)
    for script in HERE.glob("*.test.mjs"):
        shutil.copyfile(script, NODE / script.name)


class Sdks(Proxy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install()

    def node(self, script, **variables):
        environment = self.env | {"PATH": os.environ["PATH"]} | variables
        ran = subprocess.run(["node", "--test", script], cwd=NODE, env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertRegex(ran.stdout, r"\n# fail 0\n|\nℹ fail 0\n")

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

    def everything_is_on_record(self, since, before):
        """As many requests as the upstream has parsed have left an event that says forwarded."""
        def forwarded():
            return [e for e in self.events(since=since) if e["details"]["forwarded"]]
        parsed = self.upstream.count() - before
        until(lambda: len(forwarded()) >= parsed, "an event for each request")
        self.assertEqual(len(forwarded()), parsed)


if __name__ == "__main__":
    unittest.main()
