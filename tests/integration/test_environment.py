#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Secrets that came in the environment are not in /proc/PID/environ any more when a command works with them, nor in the process
that guards its end."""
import base64
import json
import os
import socket
import subprocess
import unittest
from pathlib import Path

from cli_case import BIN, KEY, Cli
from proxy_case import MANAGEMENT, SANITIZED, until

CONSOLE = Path(BIN).parent / "libllm-proxy-ui.so"


def family(pid):
    """The process and its descendants."""
    found = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if int(text[text.rindex(")") + 2:].split()[1]) == pid:
            found += family(int(path.parent.name))
    return found


class Environment(Cli):
    def setUp(self):
        super().setUp()
        self.key = base64.b64encode(os.urandom(32)).decode()
        self.secrets = {"MANAGEMENT_TOKEN": MANAGEMENT, "ENCRYPTION_KEY": self.key}

    def begin(self, *arguments, **more):
        process = subprocess.Popen([BIN, *arguments], env=self.env | self.secrets | more, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def is_clean(self, process, least=1):
        pids = family(process.pid)
        self.assertGreaterEqual(len(pids), least)
        for pid in pids:
            try:
                text = Path(f"/proc/{pid}/environ").read_bytes()
            except PermissionError:
                self.skipTest("reading another process's environment needs CAP_SYS_PTRACE")
            self.assertIn(b"HOME=", text)
            for name in ("MANAGEMENT_TOKEN", "ENCRYPTION_KEY"):
                self.assertFalse(self.secrets[name].encode() in text, f"{name} of {process.args}, process {pid}")

    def test_while_commands_wait_for_a_server(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        server.settimeout(30)
        url = ("--url", f"http://127.0.0.1:{server.getsockname()[1]}")
        for command in (("project", "list"), ("project", "create", "--name", "A", "--key", "env:KEY"), ("project", "show", "p"), ("token", "list"),
                        ("token", "create", "--project", "p"), ("token", "revoke", "t"), ("audit", "list"), ("audit", "verify"), ("audit", "export"),
                        ("doctor",), ("usage",), ("health",), ("run", "--project", "p", "--", "true")):
            with self.subTest(command=command):
                at = command.index("--") if "--" in command else len(command)
                process = self.begin(*command[:at], *url, *command[at:])
                link = server.accept()[0]
                with link:
                    self.is_clean(process, 2 if command[0] == "run" else 1)
                process.wait(30)

    def test_while_a_command_runs(self):
        created = self.cli("--data-dir", "data", "project", "create", "--name", "A", "--key", "env:KEY", "--json", env=self.secrets | {"KEY": KEY})
        ready = self.cwd / "ready"
        process = self.begin("--data-dir", "data", "run", "--project", json.loads(created.stdout)["id"], "--", "sh", "-c", f"touch {ready}; exec sleep 60")
        until(lambda: ready.exists() or process.poll() is not None, "the command runs", 30)
        self.is_clean(process, 3)
        process.terminate()  # killed, its guard would still work in the folder
        process.wait(30)

    @unittest.skipIf(SANITIZED, "the desktop's own libraries leak what they keep to the end")
    @unittest.skipUnless(CONSOLE.exists(), "built without the console")
    def test_of_a_console(self):
        (self.cwd / "run").mkdir(mode=0o700)
        process = self.begin("--data-dir", "data", QT_QPA_PLATFORM="offscreen", XDG_RUNTIME_DIR=str(self.cwd / "run"), LISTEN_ADDR="127.0.0.1:0")
        until(lambda: (self.data / "control.sock").exists() or process.poll() is not None, "its engine", 60)
        self.is_clean(process)


if __name__ == "__main__":
    unittest.main()
