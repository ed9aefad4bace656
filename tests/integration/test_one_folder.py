#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Setup, project create, run, doctor, the console and the server work together in one folder: whoever reads no ./.env finds the encryption
key in the one beside the data directory, takes nothing else from it, and no other key."""
import base64
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import unittest
from pathlib import Path

from cli_case import BIN, KEY, Cli
from proxy_case import until

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
HAS_CONSOLE = (Path(BIN).parent / "libllm-proxy-ui.so").exists() and not os.environ.get("LLM_PROXY_SANITIZED")


class OneFolder(Cli):
    def setUp(self):
        super().setUp()
        self.envfile = self.cwd / ".env"
        self.register = self.data / "env-files"
        self.env["LISTEN_ADDR"] = "127.0.0.1:0"

    def set_up(self, *options):
        self.cli("setup", "--non-interactive", *options)
        made = self.cli("project", "create", "--name", "A", "--key-stdin", "--json", stdin=KEY + "\n")
        self.id = json.loads(made.stdout)["id"]

    def run_command(self, *options, code=0, **more):
        return self.cli("run", *options, "--project", self.id, "--", "true", code=code, **more)

    def encryption_key(self):
        return next(line for line in self.envfile.read_text().splitlines() if line.startswith("ENCRYPTION_KEY="))


class Together(OneFolder):
    def test_commands_and_server(self):
        self.set_up()
        self.assertIn("ENCRYPTION_KEY=", self.envfile.read_text())
        self.assertTrue((self.data / "llm-proxy.db").exists())
        self.assertFalse((self.data / "encryption.key").exists())
        self.run_command()
        # From another folder too, where no .env is read.
        away = self.cwd / "away"
        away.mkdir()
        self.run_command("--data-dir", str(self.data), cwd=away)
        self.assertEqual(len(json.loads(self.cli("project", "list", "--data-dir", str(self.data), "--json", cwd=away).stdout)["items"]), 1)
        self.cli("audit", "verify", "--data-dir", str(self.data), cwd=away)
        items = {one["id"]: one for one in json.loads(self.cli("doctor", "--json", "--data-dir", str(self.data), cwd=away, code=None).stdout)["items"]}
        self.assertEqual((items["encryption_key"]["state"], items["permissions"]["state"]), ("pass", "pass"))
        self.assertIn(f"in {self.envfile}, beside the data directory", items["encryption_key"]["evidence"])
        self.serve()
        self.run_command()

    @unittest.skipUnless(HAS_CONSOLE, "built without the console, or with sanitizers")
    def test_the_console(self):
        self.set_up()
        with open(self.cwd / "console.log", "wb") as log:
            console = subprocess.Popen([BIN], env=self.env | {"QT_QPA_PLATFORM": "offscreen"}, cwd=self.cwd, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(console.wait)
        self.addCleanup(console.kill)
        until(lambda: (self.data / "control.sock").exists() or console.poll() is not None, "the engine beside the console")
        self.assertEqual([one["id"] for one in json.loads(self.cli("project", "list", "--json").stdout)["items"]], [self.id])
        self.run_command()
        self.assertIsNone(console.poll(), (self.cwd / "console.log").read_text())
        console.send_signal(signal.SIGTERM)
        self.assertEqual(console.wait(40), 0)
        self.assertFalse((self.cwd / ".local").exists(), "one installation")

    def test_a_key_file_of_the_folder(self):
        (self.cwd / "own.key").write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
        (self.cwd / "own.key").chmod(0o600)
        self.set_up("--encryption-key-file", "./own.key")
        away = self.cwd / "away"
        away.mkdir()
        self.run_command("--data-dir", str(self.data), cwd=away)

    @unittest.skipUnless(shutil.which("bwrap"), "needs bubblewrap")
    def test_run_hides_the_env_file_that_it_found_the_key_in(self):
        (self.cwd / "own.key").write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
        (self.cwd / "own.key").chmod(0o600)
        self.set_up("--encryption-key-file", "./own.key")
        (self.data / "env-files").unlink()
        away = self.cwd / "away"
        away.mkdir()
        for folder, options in ((self.cwd, ()), (away, ("--data-dir", str(self.data)))):
            done = self.cli("run", *options, "--project", self.id, "--", "cat", str(self.envfile), str(self.cwd / "own.key"), cwd=folder, code=None)
            if "isolation: on" not in done.stderr:
                self.skipTest("no isolation here: " + done.stderr)
            self.assertEqual(done.stdout.count("hidden by llm-proxy run"), 2, done.stdout)
            self.assertNotIn("MANAGEMENT_TOKEN", done.stdout)

    def test_nothing_else_is_taken_from_it(self):
        self.set_up()
        with open(self.envfile, "a") as file:
            file.write("DATABASE_PATH=./elsewhere.db\nAUDIT_LOG_FILE=./elsewhere.log\nLOG_FILE=./elsewhere.txt\n")
        self.run_command()
        self.assertEqual([p.name for p in self.cwd.iterdir() if p.name.startswith("elsewhere")], [])

    def test_it_makes_no_database(self):
        """The key of an .env that was not named does not become the key of new data."""
        self.cli("setup", "--non-interactive")
        away = self.cwd / "away"
        away.mkdir()
        self.cli("project", "create", "--name", "A", "--key-stdin", "--data-dir", str(self.data), cwd=away, stdin=KEY + "\n")
        self.assertTrue((self.data / "encryption.key").exists())

    def test_an_administrative_command_before_there_is_data(self):
        self.envfile.write_text("LOG_LEVEL=info\nNOT_OURS=1\n")
        self.envfile.chmod(0o600)
        self.cli("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n")
        self.assertTrue((self.data / "llm-proxy.db").exists())
        self.assertFalse((self.cwd / ".local").exists())
        other = self.cwd / "other"
        other.mkdir()
        (other / ".env").write_text("NOT_OURS=1\n")
        self.cli("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", cwd=other)
        self.assertFalse((other / "data").exists())
        self.assertTrue((self.cwd / ".local/share/llm-proxy/llm-proxy.db").exists())


class Attacks(OneFolder):
    def setUp(self):
        super().setUp()
        self.set_up()

    def refused(self, *words):
        before = self.key_ring()
        said = self.run_command(code=2).stderr
        for word in ("The encryption key is missing: ENCRYPTION_KEY is not set", str(self.envfile), *words):
            self.assertIn(word, said)
        self.assertNotIn(self.key_text, said)
        self.assertEqual(self.key_ring(), before)
        self.assertFalse((self.data / "encryption.key").exists())

    def key_ring(self):
        with contextlib.closing(sqlite3.connect(self.data / "llm-proxy.db")) as link:
            return link.execute("SELECT * FROM key_ring").fetchall()

    @property
    def key_text(self):
        return self.encryption_key().split("=", 1)[1]

    def test_another_key(self):
        other = base64.b64encode(os.urandom(32)).decode()
        self.envfile.write_text(self.envfile.read_text().replace(self.encryption_key(), f"ENCRYPTION_KEY={other}"))
        self.refused("has another key")

    def test_writable_by_others(self):
        for mode in (0o660, 0o602):
            self.envfile.chmod(mode)
            self.refused("was not read")
        self.envfile.chmod(0o600)
        self.run_command()

    @unittest.skipUnless(IS_ROOT, "only root can give a file away")
    def test_of_another_user(self):
        os.chown(self.envfile, NOBODY, NOBODY)
        self.refused("was not read")

    def test_a_symbolic_link_in_a_folder_of_everybody(self):
        kept = self.cwd / "kept"
        self.envfile.rename(kept)
        self.envfile.symlink_to(kept)
        self.run_command()
        self.cwd.chmod(0o777)
        self.addCleanup(self.cwd.chmod, 0o700)
        self.refused("which others can have placed")

    def test_what_is_no_file(self):
        self.envfile.rename(self.cwd / "kept")
        os.mkfifo(self.envfile, 0o600)
        said = self.run_command(code=2).stderr
        self.assertIn("it is not a regular file", said)
        self.envfile.unlink()
        self.assertIn("which does not exist", self.run_command(code=2).stderr)


class Register(OneFolder):
    """$DATA_DIR/env-files: what run hides."""

    def remembered(self):
        return self.register.read_text().splitlines() if self.register.exists() else []

    def test_engines_remember_what_they_read(self):
        self.set_up()
        self.assertEqual(self.remembered(), [str(self.envfile)])
        self.assertEqual(stat.S_IMODE(self.register.stat().st_mode), 0o600)
        other = self.cwd / "other.env"
        shutil.copy(self.envfile, other)
        server, _ = self.serve("--env", "other.env")
        self.assertEqual(self.remembered(), [str(self.envfile), str(other)])
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        self.run_command() # given none, it found the key in one
        self.assertEqual(self.remembered(), [str(other), str(self.envfile)])

    def test_setup_remembers_what_it_writes(self):
        self.set_up()
        self.register.unlink()
        self.cli("setup", "--non-interactive")
        self.assertEqual(self.remembered(), [str(self.envfile)])
        self.cli("setup", "--non-interactive", "--env", "second.env")
        self.assertEqual(self.remembered(), [str(self.envfile), str(self.cwd / "second.env")])

    def test_reading_writes_nothing(self):
        self.set_up()
        self.register.unlink()
        for command in (("project", "list"), ("doctor",), ("audit", "list")):
            self.cli(*command, code=None)
        self.assertFalse(self.register.exists())

    def test_doctor_looks_at_all_of_them(self):
        self.set_up()
        state = lambda: next(one for one in json.loads(self.local("doctor", "--json", code=None, cwd="/").stdout)["items"] if one["id"] == "permissions")
        self.assertEqual(state()["state"], "pass")
        self.envfile.chmod(0o644)
        self.assertIn(f"{self.envfile} 0644", state()["evidence"])
        self.envfile.chmod(0o600)
        self.register.chmod(0o644)
        self.assertIn(f"{self.register} 0644", state()["evidence"])

    def test_one_that_cannot_be_written_stops_nothing(self):
        self.set_up()
        self.register.unlink()
        self.register.mkdir()
        self.run_command()
        self.cli("setup", "--non-interactive")


if __name__ == "__main__":
    unittest.main()
