#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""llm-proxy run: the environment of its command, exit codes, signals, and that no token stays behind."""
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

from certificates import Authority
from cli_case import BIN, KEY, TOKEN, Cli, free_port
from proxy_case import until
from upstream import Upstream


class RunCase(Cli):
    def run_it(self, *command, **more):
        return self.local("run", "--project", self.id, "--", *command, **more)

    def live(self):
        return self.json("token", "list", "--state", "live")["items"]

    def says(self, process, sentence):
        """After the line about isolation."""
        self.assertIn("isolation: on", process.stderr.readline())
        self.assertIn(sentence, process.stderr.readline())

    @contextlib.contextmanager
    def children_end(self, process):
        """The guard process, which revokes, is a child of run, as the command is; an orphan is waited for through its pid."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        descriptors = [os.pidfd_open(int(c)) for c in children]
        yield
        for fd in descriptors:
            self.assertTrue(select.select([fd], [], [], 60)[0], "a child of run did not end")
            os.close(fd)


class Run(RunCase):
    def setUp(self):
        super().setUp()
        self.id = self.project("--id", "runs")["id"]

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
        with self.children_end(process):
            process.kill()
            process.stdin.close()
            process.stdin = None
        self.assertEqual(self.live(), [])

    def test_with_a_running_server(self):
        port = free_port()
        self.serve("--data-dir", str(self.data), "--listen-addr", f"127.0.0.1:{port}", env={"MANAGEMENT_TOKEN": "m" * 40})
        self.assertEqual(self.run_it("sh", "-c", "echo $ANTHROPIC_BASE_URL").stdout, f"http://127.0.0.1:{port}\n")
        done = self.cli("run", "--project", self.id, "--url", f"http://127.0.0.1:{port}", "--", "sh", "-c", "exit 3",
                        env={"MANAGEMENT_TOKEN": "m" * 40}, code=3)
        self.assertIn("requests", done.stderr)
        self.assertEqual(self.live(), [])


ASKS = """
import http.client, os, sys
link = http.client.HTTPConnection(os.environ["ANTHROPIC_BASE_URL"].removeprefix("http://"), timeout=20)
for path, token in (("/v1/models", os.environ["OPENAI_API_KEY"]), ("/v1/models", "tok-none"), ("/manage/overview", "m" * 40), ("/health", "")):
    link.request("GET", path, headers={"Authorization": "Bearer " + token, "X-Forwarded-For": "10.1.2.3"})
    answer = link.getresponse()
    answer.read()
    print(answer.status)
print(os.environ["ANTHROPIC_BASE_URL"])
"""
WAITS = """
import os, sys
print(os.environ["ANTHROPIC_BASE_URL"], flush=True)
print("ready", flush=True)
sys.stdin.read()
"""


STREAMS = """
import http.client, os
url = os.environ["ANTHROPIC_BASE_URL"]
link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
print(url, flush=True)
link.request("GET", "/v1/models", headers={"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "X-Behave": "gate=end"})
print("ready", flush=True)
answer = link.getresponse()
print(answer.status, len(answer.read()) > 0, flush=True)
"""


class BesideTls(RunCase):
    """The server's certificate fits its name alone, so the command gets a listener of its own."""

    def setUp(self):
        super().setUp()
        authority = Authority(self.cwd)
        certificate, key = authority.certificate("server", "DNS:proxy.example")
        self.port = free_port()
        self.upstream = Upstream()
        self.upstream.__enter__()
        self.addCleanup(self.upstream.__exit__)
        self.id = self.project("--id", "tls", "--base-url", self.upstream.url + "/v1")["id"]
        self.server, _ = self.serve("--data-dir", str(self.data), "--listen-addr", f"127.0.0.1:{self.port}", "--tls-cert-file", str(certificate),
                                    "--tls-key-file", str(key), "--trusted-proxies", "127.0.0.1", "--keepalive-timeout", "1s", "--request-head-timeout", "500ms", "--request-body-timeout", "500ms",
                                    "--client-write-timeout", "500ms", env={"MANAGEMENT_TOKEN": "m" * 40})

    def listeners(self):
        """The ports that the server listens on."""
        shown = subprocess.run(["ss", "-ltnpH"], check=True, capture_output=True, text=True).stdout
        return sorted({line.split()[3] for line in shown.splitlines() if f"pid={self.server.pid}," in line})

    def events(self):
        return [json.loads(line) for line in (self.data / "audit.log").read_text().splitlines() if line.endswith("}")]

    def only_the_server_listens(self):
        until(lambda: self.listeners() == [f"127.0.0.1:{self.port}"], "the command's listener is gone")

    def started(self, script=WAITS, others=(), options=()):
        process = subprocess.Popen([BIN, "run", "--project", self.id, "--data-dir", str(self.data), *options, "--", sys.executable, "-c", script],
                                   env=self.env, cwd=self.cwd, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)

        def end():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        self.addCleanup(end)
        address = process.stdout.readline().strip().removeprefix("http://")
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.assertEqual(self.listeners(), sorted([f"127.0.0.1:{self.port}", address, *(f"{host}:{port}" for host, port in others)]), "and nothing else")
        host, port = address.split(":")
        return process, (host, int(port))

    def ends_without_a_server(self, process):
        with self.children_end(process):
            process.communicate("")
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.live(), [], "its token is revoked all the same")

    def refuses(self, address):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(address, timeout=20).close()

    def test_tokens_and_nothing_else(self):
        *statuses, url = self.run_it(sys.executable, "-c", ASKS).stdout.split()
        self.assertEqual(statuses, ["200", "401", "404", "404"], "a token, no token, management, health")
        self.assertRegex(url, r"^http://127\.0\.0\.1:\d+$")
        self.assertNotEqual(url, f"http://127.0.0.1:{self.port}")
        self.only_the_server_listens()
        access = [e for e in self.events() if e["action"] == "token.access"]
        self.assertEqual([(e["result"], e["client_ip"]) for e in access[:2]], [("success", "127.0.0.1"), ("failure", "127.0.0.1")], "no proxy is in front of it")
        self.assertEqual(self.live(), [])

    def test_curl(self):
        done = self.run_it("sh", "-c", 'curl -sf -o answer -H "Authorization: Bearer $OPENAI_API_KEY" "$OPENAI_BASE_URL/models"')
        self.assertIn("1 request,", done.stderr)

    def test_each_command_has_its_own(self):
        first, one = self.started()
        second, two = self.started(others=[one])
        first.communicate("")
        until(lambda: self.listeners() == sorted(f"{host}:{port}" for host, port in (("127.0.0.1", self.port), two)), "one of two is gone")
        self.refuses(one)
        socket.create_connection(two, timeout=20).close()
        second.communicate("")
        self.assertEqual((first.returncode, second.returncode), (0, 0))
        self.only_the_server_listens()

    def test_a_kept_connection_ends_with_it(self):
        process, address = self.started()
        with socket.create_connection(address, timeout=20) as kept:
            process.communicate("")
            self.assertEqual(kept.recv(1), b"")
        self.assertEqual(process.returncode, 0)
        self.only_the_server_listens()

    def test_it_outlives_every_timeout(self):
        process, address = self.started()
        with socket.create_connection(address, timeout=20) as idle:
            idle.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while idle.recv(4096):
                pass  # KEEPALIVE_TIMEOUT has passed; the connection that holds the listener is older
        socket.create_connection(address, timeout=20).close()
        process.communicate("")
        self.assertEqual(process.returncode, 0)

    def test_a_stream_is_cut_with_its_token(self):
        # An isolated command ends with run, and its requests with it; this one goes on, without a token.
        process, _ = self.started(STREAMS.replace("gate=end", "stall-mid-stream"), options=["--no-isolation"])
        self.upstream.wait_request()
        process.kill()
        self.upstream.wait_end(self.upstream.requests[0])
        access = until(lambda: [e for e in self.events() if e["action"] == "token.access"], "the request's event")
        self.assertEqual((access[0]["result"], access[0]["details"]["reason"]), ("error", "stream_cut"))
        self.only_the_server_listens()

    def test_a_request_of_an_isolated_command_ends_with_it(self):
        process, _ = self.started(STREAMS.replace("gate=end", "stall-mid-stream"))
        self.upstream.wait_request()
        process.kill()
        self.upstream.wait_end(self.upstream.requests[0])
        until(lambda: not self.live(), "its token is revoked")

    def test_a_killed_run_leaves_no_listener(self):
        process, address = self.started()
        process.kill()
        self.only_the_server_listens()
        self.refuses(address)
        until(lambda: not self.live(), "its token is revoked")

    def test_the_server_stops_first(self):
        process, address = self.started()
        self.server.send_signal(signal.SIGTERM)
        self.says(process, "the server has stopped; the command's requests are refused from now on")
        self.refuses(address)
        self.assertIsNone(process.poll(), "the command goes on")
        self.assertEqual(self.server.wait(60), 0)
        self.ends_without_a_server(process)

    def test_a_killed_server(self):
        process, address = self.started()
        self.server.kill()
        self.says(process, "the server has stopped")
        self.refuses(address)
        self.server.wait(60)
        self.ends_without_a_server(process)

    def test_what_runs_when_the_server_stops_is_finished(self):
        process, _ = self.started(STREAMS)
        self.upstream.wait_request()
        self.server.send_signal(signal.SIGTERM)
        self.says(process, "the server has stopped")
        self.upstream.open_gate("end")
        self.assertEqual(process.stdout.readline(), "200 True\n")
        self.assertEqual(self.server.wait(60), 0)
        self.ends_without_a_server(process)


if __name__ == "__main__":
    unittest.main()
