#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What commands say about what was typed: options by their names, the word that was meant, empty lists, help where it is."""
import base64
import json
import os
import unittest

from certificates import Authority
from cli_case import KEY, Cli
from proxy_case import MANAGEMENT


class Mistakes(Cli):
    def says(self, *arguments, code=2, words=(), without=(), **more):
        done = self.local(*arguments, code=code, **more)
        for word in words:
            self.assertIn(word, done.stderr, arguments)
        for word in without:
            self.assertNotIn(word, done.stderr, arguments)
        return done

    def test_options_are_called_as_they_were_typed(self):
        project = self.project()["id"]
        for option, value, field in (("--ttl", "400d", "duration_minutes"), ("--allowed-ip", "nowhere", "allowed_ips"), ("--expires-at", "soon", "expires_at"),
                                     ("--max-requests", "-1", "max_requests"), ("--allowed-endpoint", "\u200b", "allowed_endpoints")):
            self.says("token", "create", "--project", project, option, value, words=(option,), without=(field,))
        self.says("audit", "cleanup", "--older-than", "soon", words=("--older-than",), without=("older_than",))
        self.says("project", "update", project, "--base-url", "nowhere", words=("--base-url",), without=("base_url",))
        self.says("project", "update", project, "--environment", "moon", words=("--environment", "production"))
        self.says("token", "create", "--project", "nobody", code=1, without=("project_id",))

    def test_an_unknown_word_is_named_with_what_was_probably_meant(self):
        self.says("projct", "list", words=("projct", "did you mean project?", "setup", "doctor", "llm-proxy --help"))
        self.says("project", "lst", words=("lst", "did you mean list?", "rotate-key", "llm-proxy project --help"))
        self.says("token", "create", "--project", "p", "--tll", "1h", words=("--tll", "did you mean --ttl?", "llm-proxy token create --help"))
        self.says("project", "list", "--listn-addr", "x", words=("--listn-addr", "did you mean --listen-addr?"))
        self.says("backup", words=("'backup' is not available yet",))
        self.says("project", "show", words=("llm-proxy project show --help",))
        self.says(KEY, words=("llm-proxy --help",), without=(KEY, KEY[4:12]))
        self.says("project", "list", "--" + KEY, without=(KEY,))

    def test_an_unknown_provider_gets_the_list(self):
        self.says("project", "create", "--name", "A", "--provider", "opnai", "--key-stdin", stdin=KEY, words=("--provider", "anthropic", "openai", "gemini"))

    def test_an_empty_filter_is_not_everything(self):
        self.project()
        for command in (("project", "list", "--state"), ("project", "list", "--q"), ("token", "list", "--project"), ("token", "list", "--state"),
                        ("audit", "list", "--action"), ("audit", "list", "--project"), ("usage", "--model"), ("audit", "export", "--result"), ("token", "revoke", "--project")):
            self.says(*command, "", words=(command[-1],))
            self.says(*command[:-1], command[-1] + "=", words=(command[-1],))

    def test_empty_lists_say_so(self):
        project = self.project()["id"]
        self.says("token", "list", code=0, words=("there are no tokens",))
        self.says("project", "list", "--q", "nothing", code=0, words=("no projects match the filter",))
        self.says("audit", "list", "--action", "token.create", code=0, words=("no audit events match the filter",))
        self.says("usage", code=0, words=("no requests",))
        self.says("token", "list", "--project", project, code=0, words=("no tokens match the filter",))
        self.assertEqual(self.json("token", "list"), {"items": []})

    def test_unknown_ids(self):
        self.project()
        for command in (("token", "list", "--project", "nobody"), ("audit", "list", "--project", "nobody"), ("usage", "--project", "nobody"), ("usage", "--token", "nobody"),
                        ("project", "show", "nobody"), ("token", "show", "nobody"), ("audit", "show", "999999"), ("token", "list", "--project", "nobody", "--json")):
            self.says(*command, code=1)
        self.says("audit", "show", "abc", words=("whole number", "audit list"), without=("convert",))

    def test_times(self):
        self.project()
        for time in ("1h", "24h", "7d", "yesterday", "today", "2020-01-01T00:00:00Z"):
            self.assertTrue(self.json("audit", "list", "--from", time)["items"], time)
            self.json("usage", "--from", time if time[:2] != "20" else "1h")
        self.assertEqual(self.json("audit", "list", "--to", "24h")["items"], [])
        self.says("audit", "list", "--from", "tomorrow morning", words=("--from", "yesterday"))

    def test_columns_align_with_wide_characters(self):
        for name in ("日本語のプロジェクト", "plain", "e\u0301\u0301x", "🚀🚀"):
            self.project(name=name)
        lines = self.local("project", "list").stdout.splitlines()
        wide = lambda text: sum(0 if c in "\u0301\u0301" else 2 if ord(c) > 0x2000 else 1 for c in text)
        column = lines[0].index("STATE")
        for line in lines[1:]:
            self.assertEqual(wide(line[:line.index(" active")]) + 1, column, line)

    def test_names_that_nobody_can_see(self):
        project = self.project()["id"]
        for name in ("\u200b", "\u2060\u200d", "\u3164", "\u2800\u2800", "\u00ad", " \u200b ", "\ufe0f", "\u115f"):
            self.says("project", "create", "--name", name, "--key-stdin", stdin=KEY, words=("--name",))
            self.says("token", "create", "--project", project, "--name", name, words=("--name",))
        self.project(name="👨‍👩‍👧 \u2764\ufe0f")

    def test_the_database_is_elsewhere(self):
        elsewhere = str(self.cwd / "elsewhere.db")
        self.local("--database-path", elsewhere, "project", "create", "--name", "A", "--key-stdin", stdin=KEY)
        self.says("project", "create", "--name", "B", "--key-stdin", stdin=KEY, code=1, words=("DATABASE_PATH", "llm-proxy.db"))
        self.says("project", "list", code=1, words=("llm-proxy.db",))
        self.assertFalse((self.data / "llm-proxy.db").exists())
        self.assertEqual(len(json.loads(self.local("--database-path", elsewhere, "project", "list", "--json").stdout)["items"]), 1)

    def test_an_encryption_key_that_is_gone_is_looked_for_where_it_was(self):
        """The user set it in the environment, and starts again without it: no file is to be looked for."""
        key = base64.b64encode(os.urandom(32)).decode()
        file = self.cwd / "own.key"
        file.write_text(key)
        file.chmod(0o600)
        for name, value in (("ENCRYPTION_KEY", key), ("ENCRYPTION_KEY_FILE", str(file))):
            data = str(self.cwd / name)
            self.cli("--data-dir", data, "project", "create", "--name", "A", "--key-stdin", stdin=KEY, env={name: value})
            said = self.cli("--data-dir", data, "project", "create", "--name", "B", "--key-stdin", stdin=KEY, code=2).stderr
            self.assertIn(f"{name} is not set", said)
            self.assertNotIn("encryption.key", said)
            other = base64.b64encode(os.urandom(32)).decode()
            said = self.cli("--data-dir", data, "project", "list", env={"ENCRYPTION_KEY": other}, code=2).stderr
            self.assertIn("ENCRYPTION_KEY is not the one", said)
            self.assertEqual("which was in ENCRYPTION_KEY_FILE" in said, name == "ENCRYPTION_KEY_FILE")

    def test_settings_have_their_own_help(self):
        self.assertNotIn("--max-connections", self.cli("--help").stdout)
        text = self.cli("--help", "settings").stdout
        for word in ("MAX_CONNECTIONS", "MANAGEMENT_TOKEN", "--listen-addr"):
            self.assertIn(word, text)

    def test_health_names_the_setting_for_an_own_authority(self):
        certificate, key = Authority(self.cwd).certificate("server", "DNS:localhost,IP:127.0.0.1")
        _, said = self.serve("--data-dir", "data", "--listen-addr", "127.0.0.1:0", "--tls-cert-file", str(certificate), "--tls-key-file", str(key), env={"MANAGEMENT_TOKEN": MANAGEMENT})
        url = "https://" + json.loads(next(line for line in said.splitlines() if "listening" in line))["address"]
        self.assertIn("SSL_CERT_FILE", self.cli("health", "--url", url, code=4).stderr)
        self.cli("health", "--url", url, env={"SSL_CERT_FILE": str(self.cwd / "ca.pem")})


if __name__ == "__main__":
    unittest.main()
