#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A .env that other programs use too: their lines never stop a command, and what concerns us is named with file and line."""
import json
import unittest

from cli_case import Cli, free_port
from proxy_case import MANAGEMENT

THEIRS = """set -a
source ./more.env
DATABASE_URL="postgres://u@localhost/db" # local
PRIVATE_KEY="-----BEGIN OPAQUE TEXT-----
LOG_LEVEL=verbose
-----END OPAQUE TEXT-----"
NOTE='don't'
FOO
[section]
"""


class EnvFile(Cli):
    def setUp(self):
        super().setUp()
        self.project()

    def write(self, text):
        path = self.cwd / ".env"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def test_lines_of_other_programs(self):
        self.write(THEIRS + "MAX_CONNECTIONS=many\n")
        done = self.local("project", "list", code=2)
        self.assertIn("MAX_CONNECTIONS=many:", done.stderr)
        self.assertIn(".env, line 10", done.stderr)
        self.write(THEIRS)
        self.assertNotIn("line", self.local("project", "list").stderr)

    def test_a_quote_that_is_not_closed(self):
        self.write('FOO="abc\nBAR=x\n')
        done = self.local("project", "list")
        self.assertIn("warning: .env, line 1:", done.stderr)
        self.assertNotIn("abc", done.stderr)
        self.write('FOO="abc\nBAR=x\nMAX_CONNECTIONS=5\n')
        done = self.local("project", "list", code=2)
        for word in (".env", "line 1", "line 3", "MAX_CONNECTIONS"):
            self.assertIn(word, done.stderr)

    def test_a_name_that_another_program_uses_too(self):
        self.write("A=1\nLOG_LEVEL=verbose\n")
        for command in (("project", "list"), ("--serve",)):
            done = self.local(*command, code=2)
            for word in ("LOG_LEVEL=verbose:", ".env, line 2", "--log-level", "LOG_LEVEL in the environment"):
                self.assertIn(word, done.stderr)
        self.local("project", "list", env={"LOG_LEVEL": "info"})
        self.local("--log-level", "info", "project", "list")

    def test_a_huge_file_is_refused_unread(self):
        path = self.write("A=1\n")
        with open(path, "r+b") as file:
            file.truncate(3_000_000_000)
        self.assertIn("1 MiB", self.local("project", "list", code=2).stderr)

    def test_health_of_a_named_server_reads_none(self):
        token = {"MANAGEMENT_TOKEN": MANAGEMENT}
        port = free_port()
        self.serve("--data-dir", "data", "--listen-addr", f"127.0.0.1:{port}", env=token)
        self.write('LOG_LEVEL=verbose\nLISTEN_ADDR="nowhere\n')
        (self.data / "settings.env").write_text("MAX_CONNECTIONS=many\n")
        self.cli("health", "--url", f"http://127.0.0.1:{port}")
        self.cli("health", code=2)
        self.cli("health", "--url", f"http://127.0.0.1:{port}", "--max-connections", "many", code=2)
        self.cli("health", "--url", f"http://127.0.0.1:{port}", env={"SSL_CERT_FILE": "/not/there"}, code=2)

    def test_setup_keeps_what_others_wrote(self):
        text = THEIRS + 'MULTI="a\nMANAGEMENT_TOKEN=\nb"\nMANAGEMENT_TOKEN=\n'
        path = self.write(text)
        answer = json.loads(self.cli("setup", "--non-interactive", "--json").stdout)
        self.assertEqual(answer["added"], ["MANAGEMENT_TOKEN"])
        self.assertTrue(path.read_text().startswith(text[:-1]))
        self.assertRegex(path.read_text(), r"(?m)^MANAGEMENT_TOKEN=[0-9A-Za-z]{43}$")
        self.local("project", "list")
        path.write_text(path.read_text() + 'UNCLOSED="\nLISTEN_ADDR=127.0.0.1:1\n')
        before = path.read_text()
        self.assertIn("LISTEN_ADDR", self.cli("setup", "--non-interactive", code=2).stderr)
        self.assertEqual(path.read_text(), before)


if __name__ == "__main__":
    unittest.main()
