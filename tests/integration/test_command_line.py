#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What commands say about what was typed: options by their names, the word that was meant, empty lists, help where it is."""
import base64
import json
import os
import signal
import socket
import subprocess
import termios
import unittest
from datetime import datetime, timedelta, timezone

from certificates import Authority
from cli_case import BIN, KEY, Cli, free_port
from proxy_case import MANAGEMENT, until


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
        self.says("token", "frobnicate", words=("'frobnicate'", "list, show, create", "llm-proxy token --help"))
        self.says("token", words=("llm-proxy token needs one of its commands: list, show, create", "llm-proxy token --help"))
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

    def test_times_from_now_on_and_ages(self):
        project = self.project()["id"]
        now = datetime.now(timezone.utc)
        for option, text, hours in (("--expires-at", "24h", 24), ("--expires", "7d", 168), ("--expires-at", (now + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ"), 3)):
            expires = datetime.fromisoformat(self.json("token", "create", "--project", project, option, text)["expires_at"])
            self.assertLess(abs(expires - now - timedelta(hours=hours)), timedelta(minutes=2), text)
        self.says("token", "create", "--project", project, "--expires-at", "soon", words=("--expires-at", "24h", "yesterday"))
        self.assertEqual(self.json("audit", "list", "--since", "1h", "--until", "today", "--limit", "1")["items"], [])
        for age in ("90d", "yesterday", "2020-01-01T00:00:00Z"):
            self.assertEqual(self.json("audit", "cleanup", "--older-than", age)["rows"], 0, age)
        self.says("audit", "cleanup", "--older-than", "2120-01-01T00:00:00Z", words=("--older-than", "in the past"))

    def test_an_error_says_which_data_directory_was_asked(self):
        """Most often the command was started in the wrong folder."""
        project = self.project()["id"]
        self.says("project", "show", "nobody", code=1, words=(f"(data directory {self.data})",))
        self.says("token", "create", "--project", project, "--ttl", "400d", words=(f"(data directory {self.data})",))
        self.says("token", "list", code=0, words=(f"there are no tokens (data directory {self.data})",))
        self.serve("--data-dir", "data", "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": MANAGEMENT})
        self.says("project", "show", "nobody", code=1, words=(f"(data directory {self.data})",))

    def test_a_wrong_option_points_to_the_help_of_its_command(self):
        project = self.project()["id"]
        self.says("token", "create", "--project", project, "--ttl", "soon", words=("llm-proxy token create --help",))
        self.says("audit", "cleanup", "--older-than", "soon", words=("llm-proxy audit cleanup --help",))
        self.says("--listen-addr", "nowhere", "--serve", words=("llm-proxy --help settings",))

    def test_a_command_says_what_it_waits_for(self):
        def waits(arguments, line, stdin=None, env=None):
            process = subprocess.Popen([BIN, *arguments], cwd=self.cwd, env=self.env | (env or {}), stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(lambda: (process.kill(), process.communicate()))
            seen = process.stderr.readline()
            self.assertIn(f"waiting for {line}", seen)
        waits(["project", "create", "--name", "A", "--key-stdin"], "the provider key on standard input", subprocess.PIPE)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            waits(["health", "--url", url], url)
            waits(["project", "list", "--url", url], url, env={"MANAGEMENT_TOKEN": MANAGEMENT})

    def test_a_key_is_asked_for_and_not_shown(self):
        """--key-stdin typed at a terminal, with nothing behind it."""
        terminal, inside = os.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([BIN, "--data-dir", str(self.data), "project", "create", "--name", "A", "--key-stdin"], cwd=self.cwd, env=self.env, stdin=inside,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(inside)
        self.assertEqual(process.stderr.read(len("provider key: ")), "provider key: ")
        until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, "the terminal shows nothing more")
        os.write(terminal, f"{KEY}\n".encode())
        said, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertIn("sk-demo****cdef", said)
        os.set_blocking(terminal, False)
        try:
            self.assertNotIn(KEY.encode(), os.read(terminal, 10_000))
        except OSError:
            pass  # nothing was shown at all

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

    def test_health_asks_the_server_of_the_folder(self):
        """Whatever it listens on, with TLS or without; and no other one that has the address."""
        said = self.cli("health", code=4).stderr
        self.assertIn("no server runs with the data directory", said)
        certificate, key = Authority(self.cwd).certificate("server", "DNS:proxy.example")
        (self.cwd / ".env").write_text(f"LISTEN_ADDR=127.0.0.1:{free_port()}\nMANAGEMENT_TOKEN={MANAGEMENT}\n")
        (self.cwd / ".env").chmod(0o600)
        said = self.cli("health", code=4).stderr
        self.assertIn(str(self.data), said)
        server, _ = self.serve("--listen-addr", "127.0.0.1:0", "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
        self.assertEqual(json.loads(self.cli("health", "--json").stdout), {"status": "ok"})
        self.assertEqual(self.cli("health").stdout.split(), [str(self.data), "ok"])
        self.cli("health", code=4, cwd="/")
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        self.cli("health", code=4)

    def test_what_a_server_that_cannot_be_asked_has_wrong(self):
        authority = Authority(self.cwd)
        certificate, key = authority.certificate("server", "DNS:proxy.example")
        _, said = self.serve("--data-dir", "data", "--listen-addr", "127.0.0.1:0", "--tls-cert-file", str(certificate), "--tls-key-file", str(key), env={"MANAGEMENT_TOKEN": MANAGEMENT})
        tls = json.loads(next(line for line in said.splitlines() if "listening" in line))["address"]
        _, said = self.serve("--data-dir", "other", "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": MANAGEMENT})
        plain = json.loads(next(line for line in said.splitlines() if "listening" in line))["address"]
        trusting = {"SSL_CERT_FILE": str(authority.file)}
        for url, env, words, code in ((f"http://127.0.0.1:{free_port()}", {}, ("connection refused",), 4), ("http://no-such-host.invalid", {}, ("Cannot resolve no-such-host.invalid",), 4),
                                      (f"https://{tls}", {}, ("not signed by a trusted authority", "SSL_CERT_FILE"), 4), (f"https://{tls}", trusting, ("for another name than 127.0.0.1",), 4),
                                      (f"https://{plain}", trusting, ("does not speak TLS", f"http://{plain}"), 4), (f"http://{tls}", {}, ("TLS", "https://"), 2)):
            for command in (("health",), ("project", "list")):
                text = self.cli(*command, "--url", url, env=env | {"MANAGEMENT_TOKEN": MANAGEMENT}, code=code).stderr
                for word in words:
                    self.assertIn(word, text, (command, url))
                self.assertNotIn("SSL peer certificate", text)

    def test_health_names_the_setting_for_an_own_authority(self):
        certificate, key = Authority(self.cwd).certificate("server", "DNS:localhost,IP:127.0.0.1")
        _, said = self.serve("--data-dir", "data", "--listen-addr", "127.0.0.1:0", "--tls-cert-file", str(certificate), "--tls-key-file", str(key), env={"MANAGEMENT_TOKEN": MANAGEMENT})
        url = "https://" + json.loads(next(line for line in said.splitlines() if "listening" in line))["address"]
        self.assertIn("SSL_CERT_FILE", self.cli("health", "--url", url, code=4).stderr)
        self.cli("health", "--url", url, env={"SSL_CERT_FILE": str(self.cwd / "ca.pem")})


if __name__ == "__main__":
    unittest.main()
