#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Inside `llm-proxy run`, isolated, with the variables that run sets and no others: packages from npm and PyPI, and coding agents from npm by
the lock file. Codex with its own sandbox on, in which a command of its model is really run."""
import json
import os
import re
import subprocess
import unittest

from cli_case import KEY
from node_packages import MODULES, first_of, install, node
from provider_answers import sse
from run_works import ORDINARY, RunWorks, only_root
from upstream import Upstream

# How this machine reaches its registries; not what packages are.
REGISTRIES = re.compile(r"PIP_|npm_config_|(HTTPS?|ALL|NO)_PROXY$|SSL_CERT_|NODE_EXTRA_CA_CERTS$|REQUESTS_CA_BUNDLE$", re.IGNORECASE)
CODEX = """model = "gpt-4o"
model_provider = "proxy"
[model_providers.proxy]
name = "LLM Proxy"
base_url = "{url}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[sandbox_workspace_write]
exclude_slash_tmp = true
exclude_tmpdir_env_var = true
"""


class Scripted(Upstream):
    """As OpenAI, with a model that asks for a shell command before it says hello."""
    command = None

    async def _answer(self, request, reader, writer, argument):
        if not request.target.split("?")[0].endswith("/responses") or not self.command or "function_call_output" in request.body.decode():
            return await super()._answer(request, reader, writer, argument)
        names = [tool.get("name") for tool in request.json["tools"]]
        name, arguments = next((n, a) for n, a in (("exec_command", {"cmd": self.command, "yield_time_ms": 30000}), ("shell_command", {"command": self.command}),
                                                   ("shell", {"command": ["sh", "-c", self.command]})) if n in names)
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": json.dumps(arguments), "status": "completed"}
        whole = {"id": "resp_0", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-4o", "output": [call], "error": None,
                 "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 7}}
        events = [("response.created", {"response": whole | {"status": "in_progress", "output": [], "usage": None}}), ("response.output_item.added", {"output_index": 0, "item": call}),
                  ("response.output_item.done", {"output_index": 0, "item": call}), ("response.completed", {"response": whole})]
        return await self._stream(writer, [sse({"type": kind, "sequence_number": number} | fields, kind) for number, (kind, fields) in enumerate(events)])


class Clients(RunWorks):
    @classmethod
    def setUpClass(cls):
        install()
        super().setUpClass()
        cls.upstream = Scripted()
        cls.upstream.__enter__()
        cls.addClassCleanup(cls.upstream.__exit__)
        for provider in ("openai", "anthropic", "gemini"):
            done = cls.start_run([cls.bin, "--data-dir", cls.data, "project", "create", "--name", provider, "--id", provider, "--provider", provider, "--base-url",
                                  cls.upstream.url + ("/v1" if provider == "openai" else ""), "--key-stdin"], cwd=cls.home, stdin=subprocess.PIPE)
            out, errors = done.communicate(KEY + "\n", timeout=60)
            assert done.returncode == 0, out + errors

    def setUp(self):
        super().setUp()
        self.since = self.upstream.count()
        if self.user and subprocess.run([node(), "--version"], capture_output=True, **self.as_user()).returncode:
            self.skipTest(f"{MODULES} is closed to an ordinary user")

    def agent(self, provider, *command, **variables):
        for folder in ("tmp", "home"):
            (self.cwd / folder).mkdir(exist_ok=True)
        self.give_to_user(self.cwd)
        self.line = [*type(self).line[:-1], provider]
        # Codex puts nothing below a folder for temporary files.
        env = {"HOME": str(self.cwd / "home"), "TMPDIR": str(self.cwd / "tmp"), "TERM": "dumb", "LANG": "C.UTF-8"} | variables
        return self.inside(*command, env=env, cwd=self.cwd)

    def asked(self, path, header, key=KEY):
        seen = [r for r in self.upstream.requests[self.since:] if r.method == "POST" and r.target.startswith(path)]
        self.assertTrue(seen, [r.target for r in self.upstream.requests[self.since:]])
        for request in seen:
            self.assertEqual(request.header(header), key)
        return seen

    def test_npm(self):
        found = {name: value for name, value in os.environ.items() if REGISTRIES.match(name)}
        (self.cwd / "package.json").write_text('{"name": "x", "private": true}')
        self.give_to_user(self.cwd)
        done = self.shell("npm install --no-audit --no-fund --silent is-number@7.0.0 && node -p 'require(\"is-number\")(5)'", env=found)
        self.assertEqual(done.stdout.split()[-1], "true", done.stderr)

    def test_pip(self):
        found = {name: value for name, value in os.environ.items() if REGISTRIES.match(name)}
        done = self.shell("/usr/bin/python3 -m venv made && made/bin/pip install -q --disable-pip-version-check six==1.16.0 && made/bin/python -c 'import six; print(six.__version__)'", env=found)
        self.assertEqual(done.stdout, "1.16.0\n", done.stderr)

    def test_claude_code(self):
        program = first_of(*(MODULES / f"@anthropic-ai/claude-code-linux-{kind}/claude" for kind in ("x64", "arm64")))
        done = self.agent("anthropic", program, "-p", "Say hello", "--model", "claude-sonnet-4-5", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_AUTOUPDATER="1")
        self.assertEqual(done.stdout.strip(), "Hello", done.stderr)
        self.asked("/v1/messages?beta=true", "x-api-key")

    def test_gemini_cli(self):
        settings = self.cwd / "home/.gemini/settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}))
        done = self.agent("gemini", node(), MODULES / "@google/gemini-cli/bundle/gemini.js", "-p", "Say hello", "-m", "gemini-2.5-flash", "--skip-trust")
        self.assertEqual(done.stdout.strip(), "Hi", done.stderr)
        self.asked("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "x-goog-api-key")

    def codex(self, *options):
        """Its configuration takes no variables, so a shell inside writes run's address into it."""
        (self.cwd / "home/.codex").mkdir(parents=True)
        (self.cwd / "config").write_text(CODEX)
        script = 'mkdir -p tree && sed "s,{url},$OPENAI_BASE_URL," config >home/.codex/config.toml && cd tree && exec "$@"'
        return self.agent("openai", "sh", "-c", script, "sh", node(), MODULES / "@openai/codex/bin/codex.js", "exec", "--skip-git-repo-check", *options, "Say hello")

    def test_codex_with_its_sandbox(self):
        probe = "import socket,os,sys; open('made','w').write('m')\ntry: open(sys.argv[1],'w')\nexcept OSError as e: print('outside:', e.strerror)\n" \
                "try: socket.create_connection(('127.0.0.1', 9))\nexcept OSError as e: print('network:', e.strerror)\nprint('keys:', open(sys.argv[2]).read(17) if os.path.exists(sys.argv[2]) else 'none')"
        (self.cwd / "probe.py").write_text(probe)
        self.upstream.command = f"/usr/bin/python3 {self.cwd}/probe.py {self.cwd}/outside {self.data}/encryption.key"
        self.addCleanup(setattr, self.upstream, "command", None)
        done = self.codex("--sandbox", "workspace-write")
        self.assertEqual(done.stdout.strip(), "Hello", done.stderr)
        last = self.asked("/v1/responses", "authorization", f"Bearer {KEY}")[-1].json
        output = json.dumps([item for item in last["input"] if item["type"] == "function_call_output"])
        for line in ("outside: Read-only file system", "network: ", "keys: none"):
            self.assertIn(line, output, done.stderr)
        self.assertNotIn("Connection refused", output)
        self.assertEqual((self.cwd / "tree/made").read_text(), "m")
        self.assertFalse((self.cwd / "outside").exists())


@only_root
class ClientsOfOrdinaryUser(Clients):
    user = ORDINARY


if __name__ == "__main__":
    unittest.main()
