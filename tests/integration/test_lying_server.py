#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Each command before a server that is wrong on purpose: no crash, no hang, little memory, a sentence; nothing of what a server says
can steer a terminal, choose what a child is started with, or be asked for under a path that the server made up."""
import os
import pty
import re
import resource
import subprocess
import time
import unittest

from cli_case import BIN, Cli
from lying_server import ENTRY, KINDS, PROJECT, TOKEN, LyingServer, unseen_in

SANITIZED = os.environ.get("LLM_PROXY_SANITIZED", "")
ALL = "LLM_PROXY_LIES" in os.environ  # every command with every lie, else each lie with some
SECONDS, MEMORY = 2, 200_000  # of processor time; kB

COMMANDS = [
    ("health",), ("doctor",), ("doctor", "--json"), ("usage",), ("usage", "--json"),
    ("project", "list"), ("project", "list", "--json"), ("project", "show", "proj-1"), ("project", "show", "proj-1", "--json"),
    ("token", "list"), ("token", "list", "--json"), ("token", "show", "tk-1"), ("token", "create", "--project", "proj-1", "--ttl", "5m"), ("token", "revoke", "tk-1"),
    ("audit", "list"), ("audit", "list", "--limit", "0", "--json"), ("audit", "show", "7"), ("audit", "verify"), ("audit", "verify", "--json"), ("audit", "public-key"),
    ("audit", "export"), ("audit", "export", "--output", "slice.jsonl"), ("audit", "report"), ("audit", "review"),
]
RUN = ("run", "--project", "proj-1", "--ttl", "5m")


class LyingCase(Cli):
    def setUp(self):
        super().setUp()
        self.server = LyingServer()
        self.addCleanup(self.server.end)
        self.env["MANAGEMENT_TOKEN"] = "management-token-of-nobody-" + "m" * 20

    def ended(self, *arguments, stdout=subprocess.PIPE):
        """What a command said, how it ended, and what it took: (code, stdout, stderr, seconds of processor time, kB)."""
        limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20)))
        process = subprocess.Popen([BIN, *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=self.env, cwd=self.cwd, preexec_fn=limit)
        out, errors = process.stdout.read(64 << 20) if process.stdout else b"", b""
        if process.stdout:
            process.stdout.close()
        errors = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        return process.returncode, out, errors, used.ru_utime + used.ru_stime, used.ru_maxrss

    def command(self, words):
        return (*words, "--url", self.server.url)


class Commands(LyingCase):
    def assert_ended_well(self, what, code, out, errors, seconds, memory):
        self.assertIn(code, range(5), (what, code, errors[-2000:]))
        self.assertNotIn(b"Sanitizer", errors, what)
        self.assertTrue(code == 0 or errors.strip() or out.strip(), f"{what}: a sentence")
        self.assertFalse(unseen_in(errors), (what, errors[:500]))
        if not SANITIZED:
            self.assertLess(seconds, SECONDS, what)
            self.assertLess(memory, MEMORY, what)

    def test_every_command(self):
        for number, kind in enumerate(KINDS):
            self.server.kind = kind
            for words in COMMANDS if ALL else COMMANDS[number % 6::6]:
                with self.subTest(kind=kind, command=" ".join(words)):
                    self.server.calls.clear()
                    began = time.monotonic()
                    self.assert_ended_well((kind, words), *self.ended(*self.command(words)))
                    self.assertLess(time.monotonic() - began, 30)
                    self.assertLess(len(self.server.calls), 500, "asked for ever")

    def test_run_starts_nothing_that_the_server_made_up(self):
        """Nor asks for anything under an id that cannot be one."""
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.server.kind = kind
                self.server.calls.clear()
                mark = self.cwd / "started"
                mark.unlink(missing_ok=True)
                self.assert_ended_well((kind, "run"), *self.ended(*self.command(RUN), "--", "sh", "-c", 'printf %s "$OPENAI_API_KEY" > started'))
                if mark.exists():
                    self.assertRegex(mark.read_text(), r"\A[A-Za-z0-9_-]{8,}\Z")
                for method, path in self.server.calls:
                    self.assertRegex(path, r"\A(/[A-Za-z0-9_-]+)+(\?[^/]*)?\Z")

    def run_with(self, changes, script="env > seen"):
        self.server.kind, self.server.changes = "honest", changes
        self.server.calls.clear()
        (self.cwd / "seen").unlink(missing_ok=True)
        code, _, errors, _, _ = self.ended(*self.command(RUN), "--", "/bin/sh", "-c", script)
        seen = self.cwd / "seen"
        return code, errors.decode(), dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line) if seen.exists() else None

    def test_answers_that_make_no_command(self):
        for name, changed in (("no token", {"token": None}), ("a token of shell", {"token": "tok-aaaaaaaa; rm -rf ~"}), ("an id of a path", {"id": "../audit/cleanup"}), ("no id", {"id": None}),
                              ("a number for an id", {"id": 7.5}), ("a long id", {"id": "x" * 100})):
            with self.subTest(name):
                code, errors, seen = self.run_with({"/manage/tokens": {**ENTRY, "token": TOKEN, **changed}})
                self.assertEqual((code, seen), (1, None), errors)
                self.assertIn("was not started", errors)
                self.assertFalse([path for method, path in self.server.calls if method == "DELETE" and not path.startswith("/manage/tokens/0191d1c4")])

    def test_a_server_does_not_choose_what_a_child_loses(self):
        """Only what a secret is called; never what programs need."""
        names = ("PATH", "HOME", "SHELL", "USER", "TERM", "LANG", "LC_ALL", "HTTPS_PROXY", "http_proxy", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "EDITOR", "MY_NOTES", "OTHER_API_KEY", "GH_TOKEN")
        self.env |= {name: self.env.get(name, "kept") for name in names}
        entries = [{"provider": "openai", "api_key_masked": f"env:{name}"} for name in names]
        projects = {"items": [{**PROJECT, "providers": entries}], "next_cursor": None}
        code, errors, seen = self.run_with({"/manage/projects": projects})
        self.assertEqual(code, 0, errors)
        self.assertEqual({name for name in names if name not in seen}, {"OTHER_API_KEY", "GH_TOKEN", "SSH_AUTH_SOCK"})  # the agent: isolation takes it

    def test_our_own_server_does_not_either(self):
        """There every variable that is referenced goes, but for what programs need."""
        project = self.project(key="env:PATH")
        self.env["MY_NOTES"] = "kept"
        second = self.project(name="Second", key="env:MY_NOTES")
        self.assertTrue(second["id"])
        done = self.local("run", "--project", project["id"], "--ttl", "5m", "--", "/bin/sh", "-c", "env")
        self.assertIn("\nPATH=", "\n" + done.stdout)
        self.assertNotIn("MY_NOTES=", done.stdout)


class Terminal(LyingCase):
    """What a stranger chose is seen, and steers nothing."""

    def test_a_report_is_a_file_when_nobody_says_where(self):
        self.local("project", "create", "--name", "x", "--key-stdin", stdin="sk-demo1234567890abcdef\n")
        code, out, errors = self.to_terminal("--data-dir", str(self.data), "audit", "report")
        self.assertEqual((code, out), (0, b""), errors)
        name = re.search(rb"written to (audit-report-[0-9T-]+Z\.html)", errors).group(1).decode()
        self.assertIn("<html", (self.cwd / name).read_text())
        self.assertIn("<html", self.local("audit", "report").stdout)

    def to_terminal(self, *arguments):
        main, side = pty.openpty()
        try:
            process = subprocess.Popen([BIN, *arguments], stdin=subprocess.DEVNULL, stdout=side, stderr=subprocess.PIPE, env=self.env, cwd=self.cwd)
            os.close(side)
            out = b""
            while True:
                try:
                    part = os.read(main, 1 << 16)
                except OSError:  # EIO: the other side is closed
                    break
                if not part:
                    break
                out += part
            errors = process.communicate()[1]
            return process.returncode, out, errors
        finally:
            os.close(main)

    def test_nothing_steers_a_terminal(self):
        self.server.kind = "invisible texts"
        for words in COMMANDS:
            if "--output" in words:
                continue
            with self.subTest(" ".join(words)):
                code, out, errors = self.to_terminal(*self.command(words))
                self.assertIn(code, range(5), errors)
                self.assertEqual((unseen_in(out), unseen_in(errors)), ([], []), out[:500])

    def test_json_says_what_it_is(self):
        self.server.kind = "invisible texts"
        for words in (("audit", "list", "--json"), ("audit", "export"), ("project", "list", "--json")):
            code, out, errors = self.to_terminal(*self.command(words))
            self.assertEqual(code, 0, errors)
            for escaped in (b"\\u009d", b"\\u202e", b"\\u200b", b"\\u001b", b"\\udb40\\udc41"):
                self.assertIn(escaped, out, words)

    def test_a_pipe_gets_the_exact_bytes(self):
        self.server.kind = "invisible texts"
        for words in (("audit", "list", "--json"), ("audit", "export"), ("audit", "report")):
            code, out, errors, _, _ = self.ended(*self.command(words))
            self.assertEqual(code, 0, errors)
            self.assertIn("\u009d0;owned\u009c\u2066".encode(), out)

    def test_a_sequence_that_is_cut_in_two(self):
        """An export comes in pieces, whose ends are anywhere."""
        self.server.kind = "honest"
        code, out, errors = self.to_terminal(*self.command(("audit", "export")))
        self.assertEqual((code, out.count(b"token.access")), (0, 3), errors)
        self.assertTrue(re.search(rb'"seq": 7', out))


if __name__ == "__main__":
    unittest.main()
