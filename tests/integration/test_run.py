#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""llm-proxy run: the environment of its command, exit codes, signals, and that no token stays behind."""
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from cli_case import BIN, KEY, TOKEN, Cli, free_port


class Run(Cli):
    def setUp(self):
        super().setUp()
        self.id = self.project("--id", "runs")["id"]

    def run_it(self, *command, **more):
        return self.local("run", "--project", self.id, "--", *command, **more)

    def live(self):
        return self.json("token", "list", "--state", "live")["items"]

    def test_environment(self):
        self.json("project", "create", "--name", "R", "--key", "env:UPSTREAM_KEY", env={"UPSTREAM_KEY": KEY})
        show = "import json, os; print(json.dumps(dict(os.environ)))"
        hidden = {"MANAGEMENT_TOKEN": "m" * 40, "ENCRYPTION_KEY_X": "x", "VAULT_TOKEN": "x", "UPSTREAM_KEY": KEY,
                  "ANTHROPIC_API_KEY": "x", "GOOGLE_API_KEY": "x", "OPENAI_ORG_ID": "x", "OPENAI_PROJECT_ID": "x",
                  "CLAUDE_CODE_USE_BEDROCK": "1"}
        done = self.run_it(sys.executable, "-c", show,
                           env=hidden | {"OPENAI_API_KEY": "mine", "NO_PROXY": "a.example", "KEPT": "1"})
        env = json.loads(done.stdout)
        self.assertEqual([n for n in hidden if n in env], [])
        for name in ("OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY"):
            self.assertRegex(env[name], TOKEN)
        url = env["ANTHROPIC_BASE_URL"]
        self.assertRegex(url, r"^http://127\.0\.0\.1:\d+$")
        self.assertEqual(env["OPENAI_BASE_URL"], url + "/v1")
        self.assertEqual(env["GOOGLE_GEMINI_BASE_URL"], url + "/gemini")
        self.assertEqual((env["NO_PROXY"], env["KEPT"]), ("a.example,127.0.0.1", "1"))
        self.assertIn("0 requests", done.stderr)
        self.assertNotIn(env["OPENAI_API_KEY"], done.stderr)
        self.assertEqual(self.live(), [])

    def test_exit_codes(self):
        self.run_it("sh", "-c", "exit 7", code=7)
        self.run_it("sh", "-c", "kill -KILL $$", code=128 + signal.SIGKILL)
        self.run_it("/nonexistent/command", code=127)
        self.local("run", "--project", "nobody", "--", "true", code=1)
        self.local("run", "--project", self.id, "--ttl", "never", "--", "true", code=2)
        self.assertEqual(self.live(), [])

    def test_arguments_reach_the_command(self):
        self.assertEqual(self.run_it("printf", "%s|", "--json", "--", "a b", "").stdout, "--json|--|a b||")

    def test_env_file_of_the_folder_is_not_read(self):
        (self.cwd / ".env").write_text("LOG_LEVEL=loud\n")
        os.chmod(self.cwd / ".env", 0o600)
        self.run_it("true")

    def started(self, script, **more):
        process = subprocess.Popen([BIN, "run", "--project", self.id, "--data-dir", str(self.data), "--", sys.executable,
                                    "-c", script], env=self.env, cwd=self.cwd, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True, **more)

        def end():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the command too, when run is gone
            process.communicate()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_signals_are_handed_on(self):
        process = self.started("import signal; print('ready', flush=True); signal.pause()")
        self.assertEqual(len(self.live()), 1, "over the control socket")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        self.assertEqual(self.live(), [])

    def test_killed_run_leaves_no_token(self):
        process = self.started("import sys; print('ready', flush=True); sys.stdin.read()", stdin=subprocess.PIPE)
        self.assertEqual(len(self.live()), 1)
        # The guard process is a child of run; an orphan is waited for through its pid.
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        guards = [os.pidfd_open(int(c)) for c in children]
        process.kill()
        process.stdin.close()
        process.stdin = None
        for fd in guards:
            self.assertTrue(select.select([fd], [], [], 60)[0], "a child of run did not end")
            os.close(fd)
        self.assertEqual(self.live(), [])

    def test_with_a_running_server(self):
        port = free_port()
        self.serve("--data-dir", str(self.data), "--listen-addr", f"127.0.0.1:{port}", env={"MANAGEMENT_TOKEN": "m" * 40})
        self.assertEqual(self.run_it("sh", "-c", "echo $ANTHROPIC_BASE_URL").stdout, f"http://127.0.0.1:{port}\n")
        done = self.cli("run", "--project", self.id, "--url", f"http://127.0.0.1:{port}", "--", "sh", "-c", "exit 3",
                        env={"MANAGEMENT_TOKEN": "m" * 40}, code=3)
        self.assertIn("requests", done.stderr)
        self.assertEqual(self.live(), [])


if __name__ == "__main__":
    unittest.main()
