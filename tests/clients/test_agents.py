#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Coding agents as their users run them, from npm by the lock file: Claude Code, Codex and Gemini CLI answer one question each through the
proxy. The upstream sees the provider's key and nobody's token; the log, what was used."""
import json
import os
import subprocess
import unittest

from cli_case import KEY
from node_packages import MODULES, first_of, install, node
from proxy_case import Proxy, until

CODEX = """model = "gpt-4o"
model_provider = "proxy"
[model_providers.proxy]
name = "LLM Proxy"
base_url = "http://127.0.0.1:{port}/v1"
env_key = "PROXY_TOKEN"
wire_api = "responses"
"""


class Agents(Proxy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install()

    def setUp(self):
        self.home = self.cwd / self.id().rsplit(".", 1)[1]
        self.home.mkdir()
        self.since, self.seq = self.upstream.count(), self.last_seq()

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir()
        path.write_text(text)

    def says(self, *command, **variables):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb", "LANG": "C.UTF-8"} | variables
        ran = subprocess.run([str(part) for part in command], cwd=self.home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return ran.stdout.strip()

    def asked(self, path, header, key=KEY):
        """Of the question: that it came whole, with the key and without the token, and is on record with these tokens."""
        seen = [r for r in self.upstream.requests[self.since:] if r.method == "POST" and r.target.startswith(path)]
        self.assertTrue(seen, [r.target for r in self.upstream.requests[self.since:]])
        for request in seen:
            self.assertEqual(request.header(header), key)
            self.assertNotIn(self.token, str(request.headers) + request.target + request.body.decode())
            self.assertIn("Say hello", json.dumps(request.json))
        found = until(lambda: [e for e in self.events(since=self.seq) if e["details"]["endpoint"].startswith(path.split("?")[0])], "its event")
        return found[0]["details"]

    def claude(self, **variables):
        program = first_of(*(MODULES / f"@anthropic-ai/claude-code-linux-{kind}/claude" for kind in ("x64", "arm64")))
        said = self.says(program, "-p", "Say hello", "--model", "claude-sonnet-4-5", ANTHROPIC_BASE_URL=f"http://127.0.0.1:{self.port}",
                         CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_AUTOUPDATER="1", **variables)
        self.assertEqual(said, "Hello")
        details = self.asked("/v1/messages?beta=true", "x-api-key")
        self.assertEqual((details["status"], details["prompt_tokens"], details["completion_tokens"]), (200, 21, 5))

    def test_claude_code(self):
        self.claude(ANTHROPIC_AUTH_TOKEN=self.token)

    def test_claude_code_with_a_key(self):
        self.claude(ANTHROPIC_API_KEY=self.token)

    def test_claude_code_with_a_helper(self):
        """Sends the token twice, as Authorization and as x-api-key."""
        (self.home / "token").write_text(self.token)
        self.write(".claude/settings.json", json.dumps({"apiKeyHelper": f"cat {self.home}/token"}))
        self.claude()

    def test_codex(self):
        self.write(".codex/config.toml", CODEX.format(port=self.port))
        said = self.says(node(), MODULES / "@openai/codex/bin/codex.js", "exec", "--skip-git-repo-check", "Say hello", PROXY_TOKEN=self.token)
        self.assertEqual(said, "Hello")
        details = self.asked("/v1/responses", "authorization", f"Bearer {KEY}")
        self.assertEqual((details["status"], details["prompt_tokens"], details["completion_tokens"]), (200, 9, 4))

    def test_gemini_cli(self):
        self.write(".gemini/settings.json", json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}))
        said = self.says(node(), MODULES / "@google/gemini-cli/bundle/gemini.js", "-p", "Say hello", "-m", "gemini-2.5-flash", "--skip-trust",
                         GOOGLE_GEMINI_BASE_URL=f"http://127.0.0.1:{self.port}", GEMINI_API_KEY=self.token)
        self.assertEqual(said, "Hi")
        details = self.asked("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "x-goog-api-key")
        self.assertEqual((details["status"], details["prompt_tokens"], details["completion_tokens"]), (200, 3, 5))


if __name__ == "__main__":
    unittest.main()
