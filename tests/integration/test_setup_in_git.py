#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""llm-proxy setup in a git work tree offers to keep the secrets in the data directory: .env names the token's file and has none, and everything
works with them. Elsewhere, and for scripts that do not ask for it, they go to .env."""
import json
import os
import signal
import stat
import subprocess
import unittest

from cli_case import BIN, KEY, Cli
from proxy_case import until

IS_ROOT = os.geteuid() == 0
NOBODY = 65534


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


class SetupInGit(Cli):
    def setUp(self):
        super().setUp()
        (self.cwd / ".git").mkdir()
        self.envfile, self.key, self.token = self.cwd / ".env", self.data / "encryption.key", self.data / "management-token"
        self.env["LISTEN_ADDR"] = "127.0.0.1:0"

    def set_up(self, *options, **more):
        chosen = () if "--secrets-in" in options else ("--secrets-in", "data")
        return json.loads(self.cli("setup", "--non-interactive", "--json", *chosen, *options, **more).stdout)

    def values(self):
        return dict(line.split("=", 1) for line in self.envfile.read_text().splitlines() if "=" in line and not line.startswith("#"))

    def asked(self, answers, *options):
        """On a terminal; what it said."""
        terminal, inside = os.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([BIN, "setup", *options], env=self.env, cwd=self.cwd, stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(inside)
        os.write(terminal, answers.encode())
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, said)
        return said

    def is_apart(self):
        self.assertEqual([mode_of(path) for path in (self.data, self.key, self.token, self.envfile)], [0o700, 0o600, 0o600, 0o600])
        self.assertEqual(self.values(), {"MANAGEMENT_TOKEN_FILE": "./data/management-token"})
        secrets = [path.read_text().strip() for path in (self.key, self.token)]
        self.assertEqual([len(secret) for secret in secrets], [44, 43])
        for secret in secrets:
            self.assertNotIn(secret, self.envfile.read_text())
        return secrets

    def is_in_env(self):
        self.assertEqual(set(self.values()), {"MANAGEMENT_TOKEN", "ENCRYPTION_KEY"})
        self.assertFalse(self.data.exists())

    def test_what_is_written_and_said(self):
        inner = self.cwd / "inner"
        inner.mkdir()
        answer = self.set_up(cwd=inner)
        self.assertEqual(answer, {"env_file": ".env", "data_dir": "./data", "secret_files": ["./data/encryption.key", "./data/management-token"],
                                  "added": ["MANAGEMENT_TOKEN_FILE"], "changed": [], "kept": []})
        done = self.cli("setup", "--non-interactive", "--secrets-in", "data")
        for secret in self.is_apart():
            self.assertNotIn(secret, done.stdout + done.stderr)
        for path in ("./data/encryption.key", "./data/management-token"):
            self.assertIn(path, done.stdout)
        self.assertIn(".env and data/ should be in", done.stderr)
        self.assertEqual((self.data / "env-files").read_text(), f"{self.envfile}\n")
        self.assertEqual(sorted(os.listdir(self.data)), ["encryption.key", "env-files", "management-token"], "no temporary file stays")

    def test_everything_works_with_it(self):
        self.set_up("--gitignore")
        self.assertEqual((self.cwd / ".gitignore").read_text(), ".env\ndata/\n")
        made = json.loads(self.cli("project", "create", "--name", "A", "--key-stdin", "--json", stdin=KEY + "\n").stdout)
        self.assertFalse((self.cwd / ".local").exists())
        self.cli("run", "--project", made["id"], "--", "true")
        items = {one["id"]: one for one in json.loads(self.cli("doctor", "--json", code=None).stdout)["items"]}
        self.assertEqual([items[name]["state"] for name in ("permissions", "env_tracked", "management_token_strength")], ["pass"] * 3)
        server, text = self.serve()
        url = "http://" + json.loads(next(line for line in text.splitlines() if "listening" in line))["address"]
        self.assertEqual(len(json.loads(self.cli("project", "list", "--url", url, "--json").stdout)["items"]), 1, "with the token of the file")
        self.cli("project", "list", "--url", url, env={"MANAGEMENT_TOKEN": "another-management-token-of-forty-characters"}, code=3)
        self.cli("run", "--project", made["id"], "--", "true")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(60), 0)

    def test_the_console(self):
        if not (os.path.exists(os.path.join(os.path.dirname(BIN), "libllm-proxy-ui.so"))) or os.environ.get("LLM_PROXY_SANITIZED"):
            self.skipTest("built without the console, or with sanitizers")
        self.set_up()
        self.cli("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n")
        with open(self.cwd / "console.log", "wb") as log:
            console = subprocess.Popen([BIN], env=self.env | {"QT_QPA_PLATFORM": "offscreen"}, cwd=self.cwd, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(console.wait)
        self.addCleanup(console.kill)
        until(lambda: (self.data / "control.sock").exists() or console.poll() is not None, "the engine beside the console")
        self.assertIsNone(console.poll(), (self.cwd / "console.log").read_text())
        console.send_signal(signal.SIGTERM)
        self.assertEqual(console.wait(40), 0)

    def test_a_second_run_replaces_nothing(self):
        self.set_up()
        before = self.is_apart()
        self.assertEqual(self.set_up(), {"env_file": ".env", "data_dir": "./data", "secret_files": [], "added": [], "changed": [], "kept": ["MANAGEMENT_TOKEN_FILE"]})
        self.assertEqual(self.is_apart(), before)
        self.envfile.unlink() # a lost .env: the secrets are still there
        self.assertEqual(self.set_up()["secret_files"], [])
        self.assertEqual(self.is_apart(), before)
        self.envfile.unlink()
        self.set_up("--secrets-in", "env")
        self.assertEqual(self.is_apart(), before, "no second token beside the one that is there")
        self.key.unlink()
        self.assertEqual(self.set_up()["secret_files"], ["./data/encryption.key"])
        self.assertEqual(self.is_apart()[1], before[1])
        self.cli("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n")
        self.key.unlink() # a database whose key is lost gets no other one
        self.assertEqual(self.set_up()["secret_files"], [])
        self.assertFalse(self.key.exists())

    def test_values_of_an_earlier_run_stay(self):
        token = "kept-" + "k" * 40
        self.envfile.write_text(f"MANAGEMENT_TOKEN={token}\n")
        self.envfile.chmod(0o600)
        answer = self.set_up()
        self.assertEqual((answer["secret_files"], answer["added"], answer["kept"]), (["./data/encryption.key"], [], ["MANAGEMENT_TOKEN"]))
        self.assertEqual(self.values(), {"MANAGEMENT_TOKEN": token})
        self.assertFalse(self.token.exists())

    def test_a_token_file_that_is_no_token(self):
        self.data.mkdir(0o700)
        self.token.write_text("short\n")
        self.token.chmod(0o600)
        done = self.cli("setup", "--non-interactive", "--secrets-in", "data", code=2)
        self.assertIn("MANAGEMENT_TOKEN_FILE", done.stderr)
        self.assertEqual((self.token.read_text(), self.key.exists(), self.envfile.exists()), ("short\n", False, False))

    def test_the_option(self):
        self.set_up("--secrets-in", "env")
        self.is_in_env()
        self.envfile.unlink()
        self.set_up("--secrets-in", "data")
        self.is_apart()
        self.cli("setup", "--non-interactive", "--secrets-in", "elsewhere", code=2)

    def test_scripts_find_them_in_env(self):
        done = self.cli("setup", "--non-interactive")
        self.assertIn("--secrets-in data", done.stderr)
        self.is_in_env()

    def test_outside_a_work_tree(self):
        (self.cwd / ".git").rmdir()
        done = self.cli("setup", "--non-interactive", "--json")
        self.assertNotIn("--secrets-in", done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["secret_files"], answer["added"]), ([], ["MANAGEMENT_TOKEN", "ENCRYPTION_KEY"]))
        self.is_in_env()
        self.envfile.unlink()
        self.set_up("--secrets-in", "data")
        self.is_apart()

    def test_it_asks_a_person(self):
        said = self.asked("\n\n\n")
        self.assertIn("git work tree", said)
        self.is_apart()
        self.assertNotIn("Keep the secrets", self.asked("\n\n\n"), "there is nothing to place any more")
        for path in (self.envfile, self.key, self.token, self.data / "env-files"):
            path.unlink()
        self.data.rmdir()
        (self.cwd / ".gitignore").unlink(missing_ok=True)
        self.asked("\nno\n\n")
        self.is_in_env()
        self.envfile.unlink()
        self.assertNotIn("Keep the secrets", self.asked("\n\n", "--secrets-in", "data"))
        self.is_apart()

    def test_another_data_directory(self):
        place = self.cwd / "elsewhere" / "state"
        answer = self.set_up("--data-dir", str(place))
        self.assertEqual(answer["secret_files"], [f"{place}/encryption.key", f"{place}/management-token"])
        self.assertEqual((mode_of(place), self.values()), (0o700, {"DATA_DIR": str(place), "MANAGEMENT_TOKEN_FILE": f"{place}/management-token"}))
        self.assertFalse(self.data.exists())
        self.serve()

    def test_given_key_and_token_files(self):
        for name, text in (("own.key", "A" * 43 + "="), ("own.token", "t0ken" * 9)):
            (self.cwd / name).write_text(text + "\n")
            (self.cwd / name).chmod(0o600)
        answer = self.set_up("--encryption-key-file", "own.key", "--management-token-file", "own.token")
        self.assertEqual((answer["secret_files"], sorted(answer["added"])), ([], ["ENCRYPTION_KEY_FILE", "MANAGEMENT_TOKEN_FILE"]))
        self.assertFalse(self.data.exists())

    @unittest.skipUnless(IS_ROOT, "only root can give a folder away")
    def test_a_data_directory_of_another_user(self):
        self.data.mkdir(0o700)
        os.chown(self.data, NOBODY, NOBODY)
        done = self.cli("setup", "--non-interactive", "--secrets-in", "data", code=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("belongs to", done.stderr)
        self.assertEqual((os.listdir(self.data), self.envfile.exists()), ([], False))


if __name__ == "__main__":
    unittest.main()
