#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Files and directories that are not ours: another program's database, an audit log that is none, what others placed in the data
directory. They are refused by name, and not one byte of them changes."""
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from cli_case import BIN, KEY, Cli
from disk_case import Disk
from proxy_case import MANAGEMENT, SANITIZED, until

NOBODY = 65534
MARK = b"LLMP"  # application_id, at offset 68
IS_ROOT = os.geteuid() == 0


def seen(folder):
    """What is in a folder: names, kinds, modes and contents."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        info = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(info.st_mode) else None
        found[str(path.relative_to(folder))] = (stat.S_IFMT(info.st_mode), info.st_mode, info.st_size if content else 0, content)
    return found


class Own(Cli):
    def refused(self, *arguments, names=(), code=2, stdin="", env=None):
        """The command is refused with these words, and the folder is as it was."""
        before = seen(self.cwd)
        done = self.cli(*arguments, code=code, stdin=stdin, env=env)
        for name in names:
            self.assertIn(name, done.stderr, arguments)
        self.assertEqual(seen(self.cwd), before, arguments)
        return done

    def create(self, *arguments, **more):
        return self.cli(*arguments, "project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", **more)


class AnotherProgramsDatabase(Own):
    def setUp(self):
        super().setUp()
        self.app = self.cwd / "app.db"
        (self.cwd / ".env").write_text("DATABASE_PATH=./app.db\n")
        os.chmod(self.cwd / ".env", 0o600)

    def fill(self, *statements):
        link = sqlite3.connect(self.app)
        self.addCleanup(link.close)
        for statement in statements or ("CREATE TABLE users (name TEXT)", "INSERT INTO users VALUES ('me')"):
            link.execute(statement)
        link.commit()
        return link

    def refuses(self):
        names = ("DATABASE_PATH", "app.db", "nothing was changed")
        for command in (("project", "list"), ("token", "list"), ("audit", "verify"), ("doctor",)):
            self.refused(*command, names=names)
        self.refused("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", names=names)
        self.refused("--serve", "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": MANAGEMENT}, names=names)

    def test_it_stays_as_it_is(self):
        self.fill().close()
        self.refuses()

    def test_one_that_is_open_in_wal_mode(self):
        self.fill("PRAGMA journal_mode = WAL", "CREATE TABLE users (name TEXT)", "INSERT INTO users VALUES ('me')")
        self.assertTrue(Path(f"{self.app}-wal").stat().st_size > 0)
        self.refuses()

    def test_forms_of_it(self):
        for statements in (("PRAGMA application_id = 252006673", "CREATE TABLE meta (a)"),
                           ("PRAGMA user_version = 7", "CREATE TABLE meta (a)", "CREATE TABLE projects (a)", "CREATE TABLE tokens (a)"),
                           ("PRAGMA user_version = 7",), ("CREATE TABLE a (b)", "DROP TABLE a")):
            with self.subTest(statements=statements):
                self.fill(*statements).close()
                self.refused("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", names=("DATABASE_PATH", "app.db"))
                self.app.unlink()
        for content in (b"Dear diary,\n", b"SQLite format 3\0", b"\0" * 4096):
            with self.subTest(content=content[:20]):
                self.app.write_bytes(content)
                self.refused("project", "list", names=("DATABASE_PATH", "app.db"))

    def test_what_is_left_of_one(self):
        """A write-ahead log without its database, which SQLite would remove."""
        Path(f"{self.app}-wal").write_bytes(b"something")
        self.refused("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", names=("DATABASE_PATH", "app.db"))

    def test_an_empty_file_becomes_ours(self):
        self.app.touch(0o600)
        self.create()
        self.assertEqual(self.app.read_bytes()[68:72], MARK)

    def test_data_dir_on_the_command_line_wins(self):
        (self.cwd / ".env").write_text("DATABASE_PATH=./app.db\nAUDIT_LOG_FILE=./app.log\n")
        self.fill().close()
        (self.cwd / "app.log").write_text("12:00 the app started\n")
        before = {name: what for name, what in seen(self.cwd).items() if name.startswith("app")}
        self.create("--data-dir", "data")
        self.assertEqual({name: what for name, what in seen(self.cwd).items() if name.startswith("app")}, before)
        self.assertEqual((self.data / "llm-proxy.db").read_bytes()[68:72], MARK)
        self.assertTrue((self.data / "audit.log").exists())
        # What the command line names itself counts.
        self.refused("--data-dir", "data", "--database-path", "app.db", "project", "list", names=("app.db",))


class OurDatabase(Own):
    def setUp(self):
        super().setUp()
        self.project()
        self.path = self.data / "llm-proxy.db"

    def unmark(self):
        with sqlite3.connect(self.path) as link:
            link.execute("PRAGMA application_id = 0")
        link.close()
        self.assertEqual(self.path.read_bytes()[68:72], bytes(4))

    def names(self):
        return [p["name"] for p in self.json("project", "list")["items"]]

    def test_an_older_one_is_marked_by_what_changes_something(self):
        self.unmark()
        self.refused("--data-dir", "data", "project", "list", code=1, names=("older version", "llm-proxy --serve"))
        self.project(name="Beta")
        self.assertEqual(self.path.read_bytes()[68:72], MARK)
        self.assertEqual(sorted(self.names()), ["Alpha", "Beta"])

    def test_an_older_one_that_is_only_in_its_log(self):
        """As a process leaves it that was killed before its first checkpoint."""
        self.unmark()
        with sqlite3.connect(self.path) as link:
            dump = [line for line in link.iterdump() if "sqlite_sequence" not in line]
            version = link.execute("PRAGMA user_version").fetchone()[0]
        link.close()
        work = Path(tempfile.mkdtemp(dir=self.cwd))
        link = sqlite3.connect(work / "llm-proxy.db", isolation_level=None)
        link.execute("PRAGMA journal_mode = WAL")
        link.execute("PRAGMA wal_autocheckpoint = 0")
        link.executescript("\n".join(dump))
        link.execute(f"PRAGMA user_version = {version}")
        for end in ("", "-wal"):
            shutil.copy(work / f"llm-proxy.db{end}", f"{self.path}{end}")
        link.close()
        self.assertEqual(self.path.read_bytes()[60:64], bytes(4), "the file itself knows nothing of it")
        self.project(name="Beta")
        self.assertEqual(self.path.read_bytes()[68:72], MARK)
        self.assertEqual(sorted(self.names()), ["Alpha", "Beta"])

    def test_reading_changes_no_older_schema(self):
        with sqlite3.connect(self.path) as link:
            link.execute("PRAGMA user_version = 3")
        link.close()
        for command in (("project", "list"), ("token", "list"), ("audit", "export"), ("doctor",), ("usage",)):
            self.refused("--data-dir", "data", *command, code=1, names=("older version",))


class NothingThere(Own):
    def test_reading_creates_nothing(self):
        for options in ((), ("--data-dir", "data"), ("--data-dir", "some/where")):
            for command in (("project", "list"), ("token", "list"), ("audit", "list"), ("project", "update", "p", "--name", "x"), ("project", "deactivate", "p"),
                            ("token", "create", "--project", "p"), ("token", "revoke", "t"), ("audit", "review"), ("project", "show", "p"), ("token", "show", "p"), ("audit", "show", "1"), ("audit", "verify"), ("audit", "export"),
                            ("audit", "public-key"), ("usage",), ("run", "--project", "p", "--", "true")):
                where = options[1] if options else ".local/share/llm-proxy"
                self.refused(*options, *command, code=1, names=("there is no database at", where + "/llm-proxy.db", "--data-dir"))
            # What it can say of the settings, it says.
            self.assertIn("Management token", self.refused(*options, "doctor", code=1, names=("there is no database at",)).stdout)
        self.assertEqual(os.listdir(self.cwd), [])


    def test_a_new_place_is_not_made_in_silence(self):
        said = self.create("--data-dir", "data").stderr
        self.assertIn("data/llm-proxy.db", said)
        self.assertIn("data/encryption.key", said)
        self.assertNotIn("creating", self.create("--data-dir", "data").stderr)


class NoAuditLog(Own):
    def test_what_is_no_audit_log_is_refused(self):
        self.data.mkdir(0o700)
        log = self.data / "audit.log"
        for content in (b"Dear diary,\n", b'{"timestamp":"x"}\n', b"no line", b'{"time":"2026-01-01T00:00:00.000Z","level":"info"}\n'):
            log.write_bytes(content)
            os.chmod(log, 0o644)
            done = self.local("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", code=2)
            self.assertIn("audit.log", done.stderr)
            self.assertEqual((log.read_bytes(), stat.S_IMODE(log.stat().st_mode)), (content, 0o644))

    def test_a_half_written_first_line_is_ours(self):
        self.data.mkdir(0o700)
        (self.data / "audit.log").write_bytes(b'{"timestamp":"2026-01-0')
        self.project()
        self.local("audit", "verify")

    @unittest.skipUnless(IS_ROOT, "only root makes devices")
    def test_a_device_keeps_its_mode(self):
        device = self.cwd / "null"
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chmod(device, 0o666)
        for name in ("audit-log-file", "database-path", "log-file"):
            done = self.refused("--data-dir", "data", f"--{name}", str(device), "--serve", "--listen-addr", "127.0.0.1:0",
                                env={"MANAGEMENT_TOKEN": MANAGEMENT}) if name != "audit-log-file" else \
                self.cli("--data-dir", "data", f"--{name}", str(device), "project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", code=2)
            self.assertIn("not a regular file", done.stderr)
            self.assertEqual(stat.S_IMODE(device.stat().st_mode), 0o666)


class ServerCase(Own):
    def start(self, **settings):
        # Not through ready lines: the log may be elsewhere.
        process = subprocess.Popen([BIN, "--serve", "--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0"], cwd=self.cwd, stdin=subprocess.DEVNULL,
                                   env=self.env | {"MANAGEMENT_TOKEN": MANAGEMENT, "LOG_FILE": str(self.cwd / "log")} | settings)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: process.poll() is not None or f'"pid":"{process.pid}"' in self.log(), "the server listens", 60)
        self.assertIsNone(process.poll())
        return process

    def log(self):
        return (self.cwd / "log").read_text() if (self.cwd / "log").exists() else ""

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)


class TheDataDirectory(ServerCase):
    def refuses(self, *names, code=2):
        self.refused("--data-dir", "data", "project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", names=names, code=code)
        self.refused("--data-dir", "data", "--serve", "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": MANAGEMENT}, names=names, code=code)

    def test_others_cannot_write_it(self):
        self.data.mkdir()
        os.chmod(self.data, 0o777)
        self.refuses("DATA_DIR", "other users can write it", "chmod o-w")

    def test_its_group_may_with_a_warning(self):
        self.data.mkdir()
        os.chmod(self.data, 0o2770)
        server = self.start()
        self.assertIn("can be written by its group", self.log())
        self.end(server)

    def test_links_that_others_can_have_placed(self):
        victim = self.cwd / "victim"
        victim.write_text("Dear diary,\n")
        self.data.mkdir()
        if IS_ROOT:  # whose own group has nobody else in it
            os.chown(self.data, 0, NOBODY)
        os.chmod(self.data, 0o770)
        for name in ("llm-proxy.lock", "llm-proxy.db", "encryption.key", "audit.log"):
            (self.data / name).symlink_to("../victim")
            done = self.local("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", code=2)
            self.assertIn(name, done.stderr)
            self.assertIn("symbolic link", done.stderr)
            self.assertEqual(victim.read_text(), "Dear diary,\n")
            (self.data / name).unlink()

    def test_links_of_ours_are_followed(self):
        real = self.cwd / "real"
        real.mkdir(0o700)
        self.data.symlink_to("real")
        (real / "audit.log").symlink_to("../elsewhere.log")
        self.project()
        self.assertTrue((self.cwd / "elsewhere.log").stat().st_size > 0)
        self.local("audit", "verify")

    def test_a_lock_that_is_none(self):
        self.data.mkdir(0o700)
        (self.data / "llm-proxy.lock").write_text("Dear diary,\n")
        self.refuses("llm-proxy.lock", "nothing was changed")

    @unittest.skipUnless(IS_ROOT, "only root gives files to others")
    def test_a_planted_key_is_not_used(self):
        self.data.mkdir(0o700)
        key = self.data / "encryption.key"
        key.write_text("A" * 43 + "=\n")
        os.chmod(key, 0o600)
        os.chown(key, NOBODY, NOBODY)
        done = self.local("project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", code=2)
        self.assertIn("belongs to the user nobody", done.stderr)

    @unittest.skipUnless(IS_ROOT, "only root works in another user's folder")
    def test_root_in_another_users_directory(self):
        os.chmod(self.cwd, 0o755)
        self.data.mkdir(0o700)
        os.chown(self.data, NOBODY, NOBODY)
        self.refuses("runuser -u nobody -- llm-proxy", "belongs to the user nobody", code=3)
        for command in (("project", "list"), ("health",), ("doctor",), ("audit", "verify")):
            self.refused("--data-dir", "data", *command, names=("runuser -u nobody -- llm-proxy", str(self.data)), code=3)
        # With an engine of that user running there root may ask it.
        server = subprocess.Popen([BIN, "--serve", "--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0"], cwd=self.data, user=NOBODY, group=NOBODY,
                                  extra_groups=[], env=self.env | {"MANAGEMENT_TOKEN": MANAGEMENT, "HOME": str(self.data)}, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        for line in server.stdout:
            if '"listening"' in line:
                break
        (self.data / "settings.env").write_text("LOG_MAX_BACKUPS=7\n")
        os.chown(self.data / "settings.env", NOBODY, NOBODY)
        self.assertEqual(self.json("project", "list")["items"], [])
        self.assertEqual((self.data / "llm-proxy.db").stat().st_uid, NOBODY)

    @unittest.skipUnless(IS_ROOT, "gives a folder to a group")
    def test_a_volume_of_root_that_a_group_may_write(self):
        """As Kubernetes mounts one with fsGroup."""
        os.chmod(self.cwd, 0o755)
        self.data.mkdir()
        os.chown(self.data, 0, NOBODY)
        os.chmod(self.data, 0o2770)
        said = self.serve("--data-dir", str(self.data), "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": MANAGEMENT}, cwd=self.data,
                          user=NOBODY, group=NOBODY, extra_groups=[])[1]
        self.assertIn("can be written by its group", said)
        self.assertIn('"listening"', said)

    def test_an_anchor_file_that_is_none(self):
        diary = self.cwd / "diary"
        diary.write_text("Dear diary,\n")
        server = self.start(AUDIT_ANCHORS=f"file:{diary}")
        self.end(server)  # writes a checkpoint
        self.assertEqual(diary.read_text(), "Dear diary,\n")
        self.assertIn("its last line is no checkpoint", self.log())
        server = self.start(AUDIT_ANCHORS=f"file:{self.cwd / 'anchors'}")
        self.end(server)
        self.assertIn("audit.checkpoint", (self.cwd / "anchors").read_text())

    @unittest.skipUnless(IS_ROOT, "takes the place of another user")
    def test_a_stranger_in_our_directory(self):
        os.chmod(self.cwd, 0o755)
        self.project()
        before = seen(self.data)
        for folder, names in ((self.data, ("encryption.key", "llm-proxy")),):
            done = subprocess.run([BIN, "--data-dir", str(folder), "project", "list"], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
                                  env=self.env | {"HOME": "/nonexistent"}, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("belongs to the user root", done.stderr)
        self.assertEqual(seen(self.data), before)


@unittest.skipIf(SANITIZED, "a preloaded library and a sanitizer's runtime would both have to be the first one")
class NoSockets(ServerCase):
    """A file system that has no sockets: bind(2) fails below it."""

    def setUp(self):
        super().setUp()
        self.disk = Disk(self.cwd)
        self.run_dir = self.cwd / "run"
        self.run_dir.mkdir(0o700)
        self.disk.fails("bind EPERM /data/control.sock")
        self.env |= self.disk.environment | {"XDG_RUNTIME_DIR": str(self.run_dir)}

    def test_the_socket_is_elsewhere(self):
        server = self.start()
        pid, path = (self.data / "llm-proxy.lock").read_text().split()
        self.assertEqual(int(pid), server.pid)
        self.assertEqual(Path(path).parent, self.run_dir)
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        del self.env["XDG_RUNTIME_DIR"]  # whoever calls
        self.assertEqual(self.json("project", "list")["items"], [])
        self.project()
        self.assertEqual(len(self.json("project", "list")["items"]), 1)
        self.end(server)
        self.assertFalse(Path(path).exists())
        self.assertEqual(len(self.json("project", "list")["items"]), 1, "without an engine")

    def test_a_folder_of_others_is_not_used(self):
        os.chmod(self.run_dir, 0o777)
        server = self.start()
        path = Path((self.data / "llm-proxy.lock").read_text().split()[1])
        self.assertNotEqual(path.parent, self.run_dir)
        self.end(server)
        self.assertFalse(path.exists())


if __name__ == "__main__":
    unittest.main()
