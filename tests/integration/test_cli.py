#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The commands as a user types them: exit codes, output, .env. Most need no running engine."""
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import time
import unittest
import urllib.request
from pathlib import Path

from certificates import Authority
from cli_case import BIN, KEY, TOKEN, Cli, free_port
from proxy_case import request, until
from raw_client import RawClient

LEAVES = ("setup", "run", "health", "doctor", "audit list", "audit show",
          *(f"project {c}" for c in ("list", "show", "create", "update", "rotate-key", "activate", "deactivate")),
          *(f"token {c}" for c in ("list", "show", "create", "update", "revoke", "refresh", "validate")))


class Usage(Cli):
    def test_version(self):
        self.assertRegex(self.cli("--version").stdout, r"^llm-proxy \d+\.\d+\.\d+\n$")

    def test_every_command_has_help(self):
        text = self.cli("--help").stdout
        for word in ("--serve", "--demo", "--listen-addr", "--data-dir", "project", "token", "audit", "doctor"):
            self.assertIn(word, text)
        self.assertNotIn("--management-token ", text, "secrets have no flag")
        self.assertNotIn("--encryption-key ", text)
        for leaf in LEAVES:
            self.assertIn("--help", self.cli(*leaf.split(), "--help").stdout, leaf)
        for group in ("project", "token", "audit"):
            self.cli(group, code=2)
            self.cli(group, "--help")

    def test_wrong_usage_is_2_and_nothing_is_made(self):
        for arguments in (["nonsense"], ["--nonsense"], ["project", "show"], ["token", "create"],
                          ["project", "create", "--name", "x", "--key", "env:A", "--key-stdin"],
                          ["token", "create", "--project", "p", "--ttl", "soon"],
                          ["token", "create", "--project", "p", "--ttl", "1h", "--expires-at", "2030-01-01T00:00:00Z"],
                          ["token", "revoke"], ["token", "revoke", "a", "--project", "b"], ["project", "show", "a/b"],
                          ["project", "list", "--", "x"], ["run", "--project", "p"], ["audit", "show", "x"],
                          ["project", "list", "--url", "ftp://x"], ["--serve", "project", "list"]):
            done = self.cli(*arguments, code=2)
            self.assertTrue(done.stderr, arguments)
            self.assertEqual(done.stdout, "", arguments)
        self.assertEqual(os.listdir(self.cwd), [])

    def test_console_is_missing(self):
        if list(Path(BIN).resolve().parent.glob("libllm-proxy-ui.so")):
            self.skipTest("the console is built")
        self.assertIn("console", self.cli(code=2).stderr)

    def test_problems_all_at_once(self):
        done = self.cli("--serve", "--listen-addr", "nowhere", "--max-connections", "many", code=2)
        for name in ("LISTEN_ADDR=nowhere:", "MAX_CONNECTIONS=many:", "MANAGEMENT_TOKEN is not set"):
            self.assertIn(name, done.stderr)
        self.assertIn("openssl rand -base64 32", done.stderr)
        self.assertEqual(os.listdir(self.cwd), [])
        (self.cwd / "profiles.yaml").write_text("providers:\n  x:\n    colour: red\n")
        (self.cwd / "key").write_text("nothing of a key")
        (self.cwd / "key").chmod(0o600)
        before = sorted(os.listdir(self.cwd))
        done = self.cli("--serve", "--api-config-path", "profiles.yaml", "--encryption-key-file", "key",
                        "--token-max-lifetime", "1h", "--https-proxy", "ftp://proxy", code=2)
        for text in ("API_CONFIG_PATH=profiles.yaml:", "colour", "ENCRYPTION_KEY_FILE=key:", "base64 of 32 bytes", "TOKEN_MAX_LIFETIME=1h:",
                     "TOKEN_DEFAULT_LIFETIME, which is 24h", "HTTPS_PROXY=ftp://proxy:", "MANAGEMENT_TOKEN is not set"):
            self.assertIn(text, done.stderr)
        self.assertEqual(sorted(os.listdir(self.cwd)), before)
        done = self.local("project", "list", env={"LOG_LEVEL": "loud"}, code=2)
        self.assertIn("LOG_LEVEL=loud:", done.stderr)

    def test_keys_are_no_arguments(self):
        done = self.local("project", "create", "--name", "A", "--key", KEY, code=2)
        self.assertIn("--key-stdin", done.stderr)
        done2 = self.local("project", "create", "--name", "A", "--api-key", KEY, code=2)
        for text in (done.stderr, done2.stderr):
            self.assertNotIn(KEY, text)
        self.assertIn("id", self.local("token", "show", "tok-" + "0" * 38, code=2).stderr)

    def test_env_file_of_others_is_not_read(self):
        self.project()
        (self.cwd / ".env").write_text("LOG_LEVEL=loud\n")
        os.chmod(self.cwd / ".env", 0o666)
        self.assertIn(".env is not read", self.local("project", "list").stderr)
        os.chmod(self.cwd / ".env", 0o600)
        self.local("project", "list", code=2)
        self.cli("--serve", "--env", "missing.env", code=2)


class Setup(Cli):
    def values(self, path=None):
        lines = (path or self.cwd / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def test_writes_what_is_missing(self):
        done = self.cli("setup", "--non-interactive")
        path = self.cwd / ".env"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        values = self.values()
        self.assertGreaterEqual(len(values["MANAGEMENT_TOKEN"]), 32)
        self.assertEqual(len(values["ENCRYPTION_KEY"]), 44)
        for secret in values.values():
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertEqual(os.listdir(self.cwd), [".env"], "no temporary file stays")

    def test_keeps_what_is_there(self):
        path = self.cwd / ".env"
        token = "kept-" + "k" * 40
        path.write_text(f"# mine\nexport MANAGEMENT_TOKEN='{token}'\nOTHER=1\nENCRYPTION_KEY=\n")
        os.chmod(path, 0o644)
        answer = json.loads(self.cli("setup", "--non-interactive", "--json").stdout)
        self.assertEqual(answer["added"], ["ENCRYPTION_KEY"])
        self.assertIn("MANAGEMENT_TOKEN", answer["kept"])
        text = path.read_text()
        self.assertTrue(text.startswith(f"# mine\nexport MANAGEMENT_TOKEN='{token}'\nOTHER=1\nENCRYPTION_KEY="))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(json.loads(self.cli("setup", "--non-interactive", "--json").stdout)["added"], [])
        self.assertEqual(path.read_text(), text)

    def test_a_directory_keeps_its_key(self):
        self.project()
        self.assertTrue((self.data / "encryption.key").is_file())
        self.cli("setup", "--non-interactive")
        self.assertNotIn("ENCRYPTION_KEY", self.values())
        self.local("project", "list")

    def test_gitignore(self):
        os.mkdir(self.cwd / ".git")
        inner = self.cwd / "inner"
        inner.mkdir()
        (self.cwd / ".gitignore").write_text("/data/\n*.o")
        done = self.cli("setup", "--non-interactive", cwd=inner)
        self.assertIn(".gitignore", done.stderr)
        self.assertEqual((self.cwd / ".gitignore").read_text(), "/data/\n*.o", "offered only")
        self.cli("setup", "--non-interactive", "--gitignore", cwd=inner)
        self.assertEqual((self.cwd / ".gitignore").read_text(), "/data/\n*.o\n.env\n")

    def asked(self, answers, code=0):
        """setup on a terminal, with these answers; what it said."""
        terminal, inside = os.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([BIN, "setup"], env=self.env, cwd=self.cwd, stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(inside)
        os.write(terminal, answers.encode())
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, code, said)
        return said

    def test_an_address_that_the_server_will_refuse(self):
        done = self.cli("setup", "--non-interactive", "--listen-addr", "0.0.0.0:8443", code=2)
        self.assertIn("LISTEN_ADDR=0.0.0.0:8443:", done.stderr)
        self.assertLess(done.stderr.index("TLS_CERT_FILE"), done.stderr.index("ALLOW_INSECURE_LISTEN"))
        self.assertEqual(os.listdir(self.cwd), [])
        self.cli("setup", "--non-interactive", "--listen-addr", "0.0.0.0:8443", "--tls-cert-file", "none.pem", "--tls-key-file", "none.key", code=2)
        self.cli("setup", "--non-interactive", "--max-connections", "many", code=2)
        self.assertEqual(os.listdir(self.cwd), [])
        self.cli("setup", "--non-interactive", "--listen-addr", "0.0.0.0:8443", "--allow-insecure-listen", "true")
        self.assertIn("LISTEN_ADDR=0.0.0.0:8443", (self.cwd / ".env").read_text())

    def test_tls_is_offered_for_a_public_address(self):
        said = self.asked("0.0.0.0:8443\n\n127.0.0.1:9000\n")
        self.assertIn("needs TLS", said)
        self.assertIn("LISTEN_ADDR=127.0.0.1:9000", (self.cwd / ".env").read_text())
        (self.cwd / ".env").unlink()
        certificate, key = Authority(self.cwd).certificate("server", "DNS:proxy.example")
        said = self.asked(f"0.0.0.0:8443\nnone.pem\n{key}\n0.0.0.0:8443\n{certificate}\n{key}\n")
        self.assertIn("none.pem", said)
        values = self.values()
        self.assertEqual((values["LISTEN_ADDR"], values["TLS_CERT_FILE"], values["TLS_KEY_FILE"]), ("0.0.0.0:8443", str(certificate), str(key)))

    def test_a_second_run_corrects_an_answer(self):
        """What was answered before is the default, and secrets stay."""
        self.asked("127.0.0.1:9000\n")
        before = self.values()
        self.asked("\n")
        self.assertEqual(self.values(), before)
        certificate, key = Authority(self.cwd).certificate("server", "DNS:proxy.example")
        said = self.asked(f"0.0.0.0:9443\n{certificate}\n{key}\n")
        self.assertIn("[127.0.0.1:9000]", said)
        self.assertIn("certbot", said)
        after = self.values()
        self.assertEqual((after["LISTEN_ADDR"], after["TLS_CERT_FILE"]), ("0.0.0.0:9443", str(certificate)))
        self.assertEqual([after[name] for name in ("MANAGEMENT_TOKEN", "ENCRYPTION_KEY")], [before[name] for name in ("MANAGEMENT_TOKEN", "ENCRYPTION_KEY")])
        self.asked("\n\n\n")
        self.assertEqual(self.values(), after)
        (self.cwd / ".env").write_text((self.cwd / ".env").read_text() + "LISTEN_ADDR=not an address\n")
        self.asked("127.0.0.1:9001\n")
        text = (self.cwd / ".env").read_text()
        self.assertEqual((text.count("LISTEN_ADDR="), self.values()["LISTEN_ADDR"]), (1, "127.0.0.1:9001"))
        said = self.asked("192.0.2.1:9000\n127.0.0.1:9002\n")
        self.assertIn("no network interface of this machine has that address", said)
        said = self.asked("no-such-host.invalid:9000\nlocalhost:9003\n")
        self.assertIn("the name cannot be resolved", said)
        self.assertEqual(self.values()["LISTEN_ADDR"], "localhost:9003")

    def test_a_project_after_setup_is_the_servers(self):
        """Before the server was started once: no second installation in the home directory."""
        self.cli("setup", "--non-interactive")
        self.cli("project", "create", "--name", "A", "--key-stdin", stdin=KEY)
        self.assertTrue((self.cwd / "data" / "llm-proxy.db").exists())
        self.assertFalse((self.cwd / ".local").exists())

    def test_named_file_and_wrong_ones(self):
        self.cli("setup", "--non-interactive", "--env", "other.env")
        self.assertIn("MANAGEMENT_TOKEN", self.values(self.cwd / "other.env"))
        self.cli("setup", code=2)
        (self.cwd / ".env").write_text("MANAGEMENT_TOKEN='not closed\n")
        self.cli("setup", "--non-interactive", code=2)
        self.assertEqual((self.cwd / ".env").read_text(), "MANAGEMENT_TOKEN='not closed\n")


class Commands(Cli):
    """In-process: no engine runs."""

    def test_project(self):
        made = self.project("--environment", "test", "--allowed-model", "gpt-4*", "--allowed-model", "o1")
        self.assertRegex(made["id"], r"^proj-[0-9A-Za-z]{12}$")
        self.assertEqual(made["allowed_models"], ["gpt-4*", "o1"])
        self.assertNotIn("api_key", made)
        self.assertNotIn(KEY, json.dumps(made))
        self.assertEqual(self.json("project", "show", made["id"])["name"], "Alpha")
        self.assertEqual(self.json("project", "update", made["id"], "--name", "Beta")["name"], "Beta")
        self.assertEqual(self.json("project", "update", made["id"], "--allowed-model", "")["allowed_models"], [])
        rotated = self.json("project", "rotate-key", made["id"], "--key-stdin", stdin="sk-demo9876543210fedcba")
        self.assertNotEqual(rotated["api_key_masked"], made["api_key_masked"])
        self.assertFalse(self.json("project", "deactivate", made["id"])["is_active"])
        self.assertEqual([p["id"] for p in self.json("project", "list", "--state", "inactive")["items"]], [made["id"]])
        self.assertTrue(self.json("project", "activate", made["id"])["is_active"])
        lines = self.local("project", "list").stdout.splitlines()
        self.assertEqual(lines[0].split()[:2], ["ID", "NAME"])
        self.assertEqual(lines[0].index("NAME"), lines[1].index("Beta"), "columns are aligned")
        self.assertEqual(self.json("project", "create", "--name", "C", "--id", "mine", "--key", "env:SOME_KEY",
                                   env={"SOME_KEY": KEY})["id"], "mine")

    def test_a_command_without_a_server_sees_the_key_of_a_file(self):
        secrets = self.data / "secrets"
        self.data.mkdir(mode=0o700)
        secrets.mkdir(mode=0o700)
        (secrets / "key").write_text(KEY)
        self.local("project", "create", "--name", "File", "--key", f"file:{secrets}/key", "--provider", "openai")
        for _ in range(5):
            self.assertIn(f"file:{secrets}/key", self.local("project", "list").stdout)
        item = next(i for i in json.loads(self.local("doctor", "--json", code=1).stdout)["items"] if i["id"] == "provider_key_usable")
        self.assertEqual(item["state"], "pass")

    def test_a_key_that_is_needed_again_is_marked(self):
        self.local("project", "create", "--name", "Gone", "--key", "env:NOT_SET_ANYWHERE", "--provider", "openai")
        self.assertIn("needs its key again (openai)", self.local("project", "list").stdout)
        item = next(i for i in json.loads(self.local("doctor", "--json", code=1).stdout)["items"] if i["id"] == "provider_key_usable")
        self.assertEqual(item["state"], "fail")

    def test_exit_codes_of_answers(self):
        self.local("project", "show", "proj-000000000000", code=1)
        self.assertIn("project", self.local("token", "create", "--project", "nobody", code=1).stderr)
        self.project("--id", "one")
        self.local("project", "create", "--name", "B", "--id", "one", "--key-stdin", stdin=KEY, code=1)
        self.local("project", "update", "one", "--environment", "moon", code=2)
        self.local("project", "rotate-key", "one", "--key-stdin", stdin="", code=2)
        self.cli("project", "list", "--url", f"http://127.0.0.1:{free_port()}", env={"MANAGEMENT_TOKEN": "m" * 40},
                 code=4)
        self.assertIn("MANAGEMENT_TOKEN", self.cli("project", "list", "--url", "http://127.0.0.1:1", code=2).stderr)
        self.cli("health", "--url", f"http://127.0.0.1:{free_port()}", code=4)

    def test_token(self):
        project = self.project()["id"]
        done = self.local("token", "create", "--project", project, "--ttl", "1h", "--name", "n", "--max-requests", "5")
        token = TOKEN.search(done.stdout).group()
        self.assertEqual(done.stdout.count(token), 1)
        self.assertNotIn(token, done.stderr)
        made = self.json("token", "create", "--project", project, "--allowed-ip", "10.0.0.0/8", "--rate-limit", "7")
        self.assertRegex(made["token"], TOKEN)
        self.assertEqual((made["allowed_ips"], made["rate_limit"]), (["10.0.0.0/8"], 7))
        shown = self.local("token", "show", made["id"]).stdout + self.local("token", "list").stdout
        self.assertNotRegex(shown, TOKEN)
        self.assertEqual(len(self.json("token", "list", "--project", project)["items"]), 2)
        self.assertEqual(self.json("token", "update", made["id"], "--note", "hello")["note"], "hello")
        self.assertTrue(self.json("token", "validate", stdin=made["token"] + "\n")["valid"])
        fresh = self.json("token", "refresh", made["id"], "--grace", "0")
        self.assertNotEqual(fresh["token"], made["token"])
        self.assertEqual(self.json("token", "revoke", fresh["id"])["state"], "revoked")
        self.assertFalse(self.json("token", "validate", stdin=fresh["token"], code=1)["valid"])
        self.assertEqual(self.json("token", "revoke", "--project", project)["revoked_count"], 1)
        self.assertEqual(self.json("token", "list", "--state", "live")["items"], [])

    def test_lists_follow_cursors(self):
        project = self.project()["id"]
        server, _ = self.serve("--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0",
                               env={"MANAGEMENT_TOKEN": "m" * 40})
        for number in range(3):
            self.local("token", "create", "--project", project, "--name", str(number))
        for limit, count in (("2", 2), ("0", 3)):
            self.assertEqual(len(self.json("token", "list", "--limit", limit)["items"]), count)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(30), 0)

    def test_audit(self):
        project = self.project()["id"]
        events = self.json("audit", "list", "--action", "project.")["items"]
        self.assertEqual([(e["action"], e["actor"], e["project_id"]) for e in events],
                         [("project.create", "cli", project)])
        self.assertEqual(self.json("audit", "show", str(events[0]["seq"]))["hash"], events[0]["hash"])
        self.assertIn("project.create", self.local("audit", "list", "--limit", "5").stdout)
        self.local("audit", "show", "999999", code=1)
        self.assertNotIn(KEY, (self.data / "audit.log").read_text())

    def checks(self, *arguments, **more):
        return {item["id"]: item for item in json.loads(self.cli("doctor", "--json", *arguments, code=None, **more).stdout)["items"]}

    def test_doctor_says_what_it_looked_at(self):
        evidence = self.checks()["installation"]["evidence"]
        self.assertIn("There is no database in", evidence)
        self.assertIn("No settings files", evidence)
        self.project()
        (self.cwd / ".env").write_text("LOG_LEVEL=info\n")
        (self.cwd / ".env").chmod(0o600)
        (self.data / "settings.env").write_text("MAX_HEADER_COUNT=50\n")
        (self.data / "settings.env").chmod(0o600)
        for more in ({}, {"cwd": "/"}):
            arguments = () if not more else ("--data-dir", str(self.data))
            item = self.checks(*arguments, **more)["installation"]
            self.assertIn(str(self.data), item["evidence"])
            self.assertIn(str(self.data / "settings.env"), item["evidence"])
            self.assertEqual(str(self.cwd / ".env") in item["evidence"], not more)

    def test_a_generated_key_can_be_moved_as_doctor_says(self):
        self.project()
        item = self.checks("--data-dir", str(self.data))["encryption_key"]
        self.assertEqual((item["state"], "symbolic link" in item["fix"]), ("warn", True))
        elsewhere = self.cwd / "keys"
        elsewhere.mkdir(0o700)
        (self.data / "encryption.key").rename(elsewhere / "encryption.key")
        (self.data / "encryption.key").symlink_to(elsewhere / "encryption.key")
        self.assertEqual(self.checks("--data-dir", str(self.data))["encryption_key"]["state"], "pass")
        self.assertEqual(self.json("project", "list")["items"][0]["providers"][0]["key_state"], "ready")

    def test_an_expired_token_is_removed_as_doctor_says(self):
        made = self.json("token", "create", "--project", self.project()["id"])
        self.local("token", "revoke", "--purge", made["id"], code=1)
        self.local("token", "revoke", made["id"])
        self.local("token", "revoke", "--purge", made["id"])
        self.assertEqual(self.json("token", "list")["items"], [])

    def test_doctor(self):
        done = self.local("doctor", env={"AUDIT_FSYNC": "never"}, code=1)
        self.assertRegex(done.stdout, r"(?m)^fail ")
        self.assertIn("fix:", done.stdout)
        items = self.json("doctor", env={"AUDIT_FSYNC": "never"}, code=1)["items"]
        self.assertTrue(all(i["fix"] for i in items if i["state"] != "pass"))


class Server(Cli):
    def test_socket_and_url(self):
        secret = "m" * 40
        env = {"MANAGEMENT_TOKEN": secret}
        port = free_port()
        server, _ = self.serve("--data-dir", str(self.data), "--listen-addr", f"127.0.0.1:{port}", env=env)
        url = f"http://127.0.0.1:{port}"
        project = self.project()["id"]
        self.assertEqual(self.json("audit", "list", "--action", "project.create")["items"][0]["actor"], "cli")
        there = json.loads(self.cli("project", "list", "--url", url, "--json", env=env).stdout)
        self.assertEqual([p["id"] for p in there["items"]], [project])
        self.cli("project", "list", "--url", url, env={"MANAGEMENT_TOKEN": "x" * 40}, code=3)
        self.cli("project", "show", "nothing", "--url", url, env=env, code=1)
        self.assertIn("ok", self.cli("health", "--url", url).stdout)
        self.assertEqual(json.loads(self.cli("health", "--json", "--listen-addr", f"127.0.0.1:{port}").stdout)["status"],
                         "ok")
        second = self.cli("--serve", "--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0", env=env, code=1)
        self.assertIn(str(server.pid), second.stderr)
        other = self.cli("--serve", "--data-dir", str(self.cwd / "b"), "--listen-addr", f"127.0.0.1:{port}", env=env,
                         code=1)
        self.assertIn(f"127.0.0.1:{port}", other.stderr)
        self.assertNotIn(secret, Path(f"/proc/{server.pid}/cmdline").read_text())
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(30), 0)

    def test_a_server_goes_on_with_the_token_that_it_had(self):
        """MANAGEMENT_TOKEN is gone from its environment: the hash is stored, and the token stays valid."""
        secret, other = "the-servers-own-token-" + "t" * 20, "the-token-of-some-other-server-" + "o" * 20
        start = ("--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0")
        self.cli("--serve", *start, code=2)
        self.assertFalse(self.data.exists())
        server, _ = self.serve(*start, env={"MANAGEMENT_TOKEN": secret})
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(30), 0)
        self.local("project", "create", "--name", "A", "--key-stdin", stdin=KEY, env={"MANAGEMENT_TOKEN": other})  # a command's is no server's
        server, text = self.serve(*start)
        self.assertIn("MANAGEMENT_TOKEN is not set", text)
        url = "http://" + json.loads(next(line for line in text.splitlines() if "listening" in line))["address"]
        self.cli("project", "list", "--url", url, env={"MANAGEMENT_TOKEN": secret})
        self.cli("project", "list", "--url", url, env={"MANAGEMENT_TOKEN": other}, code=3)
        strength = next(i for i in json.loads(self.cli("doctor", "--url", url, "--json", env={"MANAGEMENT_TOKEN": secret}, code=None).stdout)["items"] if i["id"] == "management_token_strength")
        self.assertEqual(strength["state"], "pass")

    def test_setup_asks_again_for_what_it_cannot_use(self):
        folder = self.cwd / "asked"
        folder.mkdir()
        terminal, inside = os.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([BIN, "setup"], env=self.env, cwd=folder, stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(inside)
        os.write(terminal, b"not an address\n127.0.0.1:9000\n")
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("LISTEN_ADDR: ", said)
        self.assertIn("LISTEN_ADDR=127.0.0.1:9000", (folder / ".env").read_text())
        self.assertNotIn("not an address", (folder / ".env").read_text())

    def test_demo(self):
        server, text = self.serve("--demo", "--listen-addr", "127.0.0.1:0", ready="Try it")
        values = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("DEMO_"))
        self.assertEqual(set(values), {"DEMO_DATA_DIR", "DEMO_MANAGEMENT_TOKEN", "DEMO_TOKEN", "DEMO_URL"})
        self.assertRegex(values["DEMO_TOKEN"], TOKEN)
        there = self.cli("token", "list", "--json", "--url", values["DEMO_URL"],
                         env={"MANAGEMENT_TOKEN": values["DEMO_MANAGEMENT_TOKEN"]})
        self.assertEqual(len(json.loads(there.stdout)["items"]), 1)
        folder = Path(values["DEMO_DATA_DIR"])
        self.assertTrue(folder.is_dir())
        ask = urllib.request.Request(values["DEMO_URL"] + "/manage/providers/check", b'{"provider":"demo"}', {
            "Authorization": "Bearer " + values["DEMO_MANAGEMENT_TOKEN"], "Content-Type": "application/json"})
        checked = json.loads(urllib.request.urlopen(ask, timeout=30).read())
        self.assertEqual((checked["reason"], checked["models"][0]), ("ok", "claude-3-5-haiku-latest"))
        server.send_signal(signal.SIGTERM)
        stdout, _ = server.communicate(timeout=30)
        self.assertEqual(server.returncode, 0)
        self.assertFalse(folder.exists())
        self.assertNotIn(values["DEMO_TOKEN"], stdout)
        self.assertNotIn(values["DEMO_MANAGEMENT_TOKEN"], stdout)

    def demo(self):
        """A demo with a temporary folder, and that folder."""
        server, text = self.serve("--demo", "--listen-addr", "127.0.0.1:0", ready="Try it")
        values = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("DEMO_"))
        folder = Path(values["DEMO_DATA_DIR"])
        self.assertTrue(folder.is_dir())
        return server, folder, values

    def test_a_killed_demo_leaves_no_folder(self):
        server, folder, _ = self.demo()
        server.kill()
        server.wait()
        until(lambda: not folder.exists(), "its guard removes the folder")

    def test_a_second_signal_at_once_changes_nothing(self):
        """A terminal's Ctrl-C and a script's kill arrive together."""
        server, folder, _ = self.demo()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            server.send_signal(number)
        stdout, _ = server.communicate(timeout=30)
        self.assertEqual(server.returncode, 0, stdout)
        self.assertIn('"message":"stopped"', stdout)
        self.assertFalse(folder.exists())

    def test_a_later_second_signal_ends_a_drain_at_once(self):
        server, folder, values = self.demo()
        host, port = values["DEMO_URL"].removeprefix("http://").split(":")
        with RawClient(int(port)) as held:  # a body that never comes: the drain would take 30 s
            held.send(request(body=b"{", headers=[("Authorization", f"Bearer {values['DEMO_TOKEN']}"), ("Content-Length", "10")]))
            until(lambda: json.loads(self.cli("token", "list", "--json", "--data-dir", values["DEMO_DATA_DIR"]).stdout)["items"], "it runs")
            server.send_signal(signal.SIGTERM)
            began = time.monotonic()
            until(lambda: server.poll() is not None or server.send_signal(signal.SIGTERM) is not None, "it ends", pause=0.05)
            self.assertGreaterEqual(time.monotonic() - began, 1.9)
        self.assertEqual(server.returncode, -signal.SIGTERM)
        self.assertIn("stopped at once by a second signal", server.communicate()[0])
        until(lambda: not folder.exists(), "its guard removes the folder")

    def test_a_demo_beside_another_server_takes_a_free_port(self):
        with contextlib.suppress(OSError):  # then somebody else has it
            self.enterContext(socket.create_server(("127.0.0.1", 8080)))
        _, text = self.serve("--demo", ready="Try it")
        url = next(line for line in text.splitlines() if line.startswith("DEMO_URL=")).split("=", 1)[1]
        self.assertNotEqual(url, "http://127.0.0.1:8080")
        self.assertEqual(urllib.request.urlopen(url + "/health", timeout=30).status, 200)


if __name__ == "__main__":
    unittest.main()
