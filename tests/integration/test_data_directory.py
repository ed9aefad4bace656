#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Whose directory it is, and who answers there: an engine's socket that another user's lock file names, volumes as Kubernetes mounts
them, folders in /tmp, and root in another user's folder."""
import fcntl
import grp
import json
import os
import pwd
import re
import shlex
import signal
import socket
import stat
import subprocess
import threading
import unittest
from pathlib import Path

from cli_case import BIN, KEY, Cli
from proxy_case import MANAGEMENT, until

NOBODY = 65534
UNNAMED = 4321  # no passwd entry
IS_ROOT = os.geteuid() == 0


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def private_user():
    """A user whose group nobody else is in, and who is not root."""
    users = pwd.getpwall()
    for user in users:
        try:
            group = grp.getgrgid(user.pw_gid)
        except KeyError:
            continue
        if user.pw_uid and group.gr_name == user.pw_name and not group.gr_mem and sum(u.pw_gid == user.pw_gid for u in users) == 1:
            return user
    raise unittest.SkipTest("no user has a group to itself")


class Case(Cli):
    def setUp(self):
        super().setUp()
        os.chmod(self.cwd, 0o755)

    def folder(self, path, mode=0o700, user=None, group=None):
        path.mkdir()
        os.chown(path, -1 if user is None else user, -1 if group is None else group)
        os.chmod(path, mode)
        return path

    def start(self, data=None, user=None, group=None, cwd=None, **settings):
        """A server, and what it logged until it listened."""
        place = {} if user is None else {"user": user, "group": group, "extra_groups": []}
        return self.serve("--data-dir", str(data or self.data), "--listen-addr", "127.0.0.1:0", env={"MANAGEMENT_TOKEN": MANAGEMENT} | settings, cwd=cwd or self.cwd, **place)

    def end(self, server):
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(60), 0)

    def create(self, code, data=None, **more):
        return self.cli("--data-dir", str(data or self.data), "project", "create", "--name", "A", "--key-stdin", stdin=KEY + "\n", code=code, **more)


class Listener:
    """A unix socket of this process, and what came over it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        os.chmod(path, 0o777)
        self.socket.listen()
        self.received, self.connections = b"", 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                link = self.socket.accept()[0]
            except OSError:
                return
            with link:
                self.connections += 1
                link.settimeout(20)
                while block := link.recv(65536):
                    self.received += block
                    if b"\r\n\r\n" in self.received:
                        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"items\":[]}")
                        break

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(20)


@unittest.skipUnless(IS_ROOT, "root is the one who is lured")
class TheSocketOfALockFile(Case):
    def lock(self, folder, path, user):
        """A lock file of that user that names a socket, held by a process."""
        lock = folder / "llm-proxy.lock"
        lock.write_text(f"{os.getpid()}\n{path}\n")
        os.chown(lock, user, user)
        held = os.open(lock, os.O_RDONLY)
        self.addCleanup(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)

    def listener(self, path):
        found = Listener(path)
        self.addCleanup(found.close)
        return found

    def test_root_sends_nothing_to_a_socket_that_another_user_serves(self):
        self.folder(self.data, user=NOBODY, group=NOBODY)
        path = self.cwd / "elsewhere.sock"
        listener = self.listener(path)  # served by root
        self.lock(self.data, path, NOBODY)
        for done in (self.create(3), self.local("project", "list", code=3), self.local("audit", "export", code=3)):
            self.assertIn(f"the control socket {path} is not used", done.stderr)
            self.assertIn("the user root serves it", done.stderr)
            self.assertIn("belongs to the user nobody; nothing was sent", done.stderr)
        until(lambda: listener.connections == 3, "each was connected to")
        self.assertEqual(listener.received, b"")

    def test_a_lock_of_somebody_else_counts_as_none(self):
        path = self.cwd / "elsewhere.sock"
        listener = self.listener(path)
        self.folder(self.data, user=NOBODY, group=NOBODY)
        self.lock(self.data, path, 1)
        done = self.create(3)
        self.assertIn("runuser -u nobody -- llm-proxy", done.stderr)
        self.assertEqual(listener.connections, 0)

    def test_the_engine_of_a_groups_volume_is_asked(self):
        self.folder(self.data, 0o2770, 0, NOBODY)
        self.start(user=NOBODY, group=NOBODY, cwd=self.data)
        self.assertEqual(self.json("project", "list")["items"], [])

    def test_ones_own_engine_with_a_lock_file_of_roots(self):
        """root worked in the volume once, and the mount gave the group its files."""
        self.folder(self.data, 0o2770, 0, NOBODY)
        lock = self.data / "llm-proxy.lock"
        lock.touch()
        os.chown(lock, 0, NOBODY)
        os.chmod(lock, 0o660)
        self.start(user=NOBODY, group=NOBODY, cwd=self.data)
        done = subprocess.run([BIN, "--data-dir", str(self.data), "project", "list", "--json"], user=NOBODY, group=NOBODY, extra_groups=[], cwd=self.data,
                              env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["items"], [])

    def test_the_engine_of_the_directorys_owner_is_asked(self):
        self.folder(self.data, user=NOBODY, group=NOBODY)
        self.start(user=NOBODY, group=NOBODY, cwd=self.data)
        self.create(0)
        self.assertEqual(len(self.json("project", "list")["items"]), 1)


class Volumes(Case):
    def test_a_link_into_a_groups_volume_is_followed_with_a_warning(self):
        volume = self.folder(self.cwd / "volume", 0o2770, group=NOBODY if IS_ROOT else None)
        self.data.symlink_to("volume/inside")
        self.folder(volume / "inside", 0o2770, group=NOBODY if IS_ROOT else None)
        server, log = self.start()
        self.assertIn("can be written by its group", log)
        self.end(server)
        self.assertTrue((volume / "inside" / "llm-proxy.db").exists())

    @unittest.skipUnless(IS_ROOT, "takes the place of a user")
    def test_links_in_folders_made_with_umask_002(self):
        user = private_user()
        home = self.folder(self.cwd / "home", 0o775, user.pw_uid, user.pw_gid)
        place = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "umask": 0o002}
        subprocess.run(["sh", "-c", "mkdir real && ln -s real data && ln -s ../elsewhere.log real/audit.log"], cwd=home, check=True, **place)
        command = [BIN, "--data-dir", "data", "project", "create", "--name", "A", "--key-stdin"]

        def run():
            return subprocess.run(command, cwd=home, input=KEY + "\n", text=True, capture_output=True, timeout=60, env=self.env | {"HOME": str(home)}, **place)
        done = run()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((home / "elsewhere.log").stat().st_size > 0)
        # The same folder, with a group that others are in.
        os.chown(home / "real", user.pw_uid, NOBODY)
        done = run()
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("symbolic link", done.stderr)

    def restart_after(self, change, user=None, settings=()):
        volume = self.folder(self.data, 0o2770, 0 if IS_ROOT else None, user)
        place = {} if user is None else {"user": user, "group": user, "cwd": volume}
        server, _ = self.start(**place)
        self.end(server)
        (volume / "settings.env").write_text("LOG_MAX_BACKUPS=7\n")
        os.chmod(volume / "settings.env", 0o600)
        if user is not None:
            os.chown(volume / "settings.env", user, user)
        for path in volume.iterdir():
            change(path)
        server, log = self.start(**place)
        self.end(server)
        return log

    def test_what_kubernetes_makes_of_the_modes_is_taken_back(self):
        """kubelet gives an fsGroup read and write on every file, at each mount."""
        log = self.restart_after(lambda path: os.chmod(path, path.stat().st_mode | 0o660), NOBODY if IS_ROOT else None)
        for name in ("encryption.key", "settings.env"):
            self.assertEqual(mode_of(self.data / name), 0o600)
            self.assertRegex(log, rf'"level":"warn"[^\n]*open to its group and is not any more[^\n]*{name}')

    @unittest.skipUnless(IS_ROOT, "gives files to root")
    def test_where_they_are_roots_it_warns(self):
        def change(path):
            if path.name in ("encryption.key", "settings.env"):
                os.chown(path, 0, NOBODY)
                os.chmod(path, 0o660)
        log = self.restart_after(change, NOBODY)
        for name in ("encryption.key", "settings.env"):
            self.assertEqual(mode_of(self.data / name), 0o660)
            self.assertRegex(log, rf'"level":"warn"[^\n]*its owner should run chmod 600[^\n]*{name}')

    def test_a_key_that_everybody_reads_is_refused(self):
        self.create(0)
        os.chmod(self.data / "encryption.key", 0o664)
        self.assertIn("open to other users", self.create(2).stderr)
        self.assertEqual(mode_of(self.data / "encryption.key"), 0o664)

    @unittest.skipUnless(IS_ROOT, "takes the place of another user")
    def test_a_key_in_a_volume_of_secrets(self):
        """root's, and readable by the group that the server runs with."""
        key = self.cwd / "key"
        key.write_text("A" * 43 + "=\n")
        os.chown(key, 0, NOBODY)
        os.chmod(key, 0o440)
        self.folder(self.data, user=NOBODY, group=NOBODY)
        server, _ = self.start(user=NOBODY, group=NOBODY, cwd=self.data, ENCRYPTION_KEY_FILE=str(key))
        self.end(server)
        os.chmod(key, 0o460)
        done = subprocess.run([BIN, "--data-dir", str(self.data), "project", "list"], user=NOBODY, group=NOBODY, extra_groups=[], cwd=self.data, text=True,
                              env=self.env | {"ENCRYPTION_KEY_FILE": str(key)}, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("open to other users", done.stderr)


class WorldWritable(Case):
    def test_a_directory_in_tmp_is_ours(self):
        tmp = self.folder(self.cwd / "tmp", 0o1777)
        self.create(0, data=tmp / "data")
        self.assertEqual(mode_of(tmp / "data"), 0o700)
        self.create(0, data=tmp / "data")

    def test_a_directory_that_is_like_tmp_is_refused(self):
        self.folder(self.data, 0o1777)
        done = self.create(2)
        self.assertIn("DATA_DIR", done.stderr)
        self.assertIn("other users can write it", done.stderr)
        self.assertEqual(list(self.data.iterdir()), [])

    @unittest.skipUnless(IS_ROOT, "plays another user")
    def test_what_another_user_has_put_into_tmp(self):
        tmp = self.folder(self.cwd / "tmp", 0o1777)
        ours = self.folder(self.cwd / "ours")
        (tmp / "link").symlink_to("../ours")
        os.lchown(tmp / "link", NOBODY, NOBODY)
        self.assertIn("others can have placed", self.create(2, data=tmp / "link").stderr)
        self.folder(tmp / "data", 0o755, NOBODY, NOBODY)
        self.assertIn("belongs to the user nobody", self.create(3, data=tmp / "data").stderr)
        self.assertEqual((list(ours.iterdir()), list((tmp / "data").iterdir())), ([], []))


@unittest.skipUnless(IS_ROOT, "only root works in another user's folder")
class RootInAnothersFolder(Case):
    def test_the_command_that_is_named_works_for_a_user_without_a_name(self):
        self.folder(self.data, user=UNNAMED, group=UNNAMED)
        done = self.create(3)
        self.assertIn(f"belongs to the user {UNNAMED}", done.stderr)
        advice = re.search(r"run: (.*) llm-proxy", done.stderr)[1]
        subprocess.run([*shlex.split(advice), BIN, "--data-dir", str(self.data), "project", "create", "--name", "A", "--key-stdin"], input=KEY + "\n", text=True,
                       cwd=self.data, env=self.env, check=True, timeout=60, capture_output=True)
        info = (self.data / "llm-proxy.db").stat()
        self.assertEqual((info.st_uid, info.st_gid), (UNNAMED, UNNAMED))

    def test_setup_writes_nothing_there(self):
        home = self.folder(self.cwd / "home", 0o755, NOBODY, NOBODY)
        for arguments in ((), ("--env", "other.env"), ("--gitignore",)):
            done = self.cli("setup", "--non-interactive", *arguments, cwd=home, code=2)
            self.assertIn("its folder belongs to the user nobody", done.stderr)
            self.assertIn("run: runuser -u nobody -- llm-proxy setup", done.stderr)
        self.assertEqual(list(home.iterdir()), [])
        # By a link, which it would follow.
        (home / "real.env").touch(0o600)
        (self.cwd / ".env").symlink_to("home/real.env")
        self.assertIn("its folder belongs to", self.cli("setup", "--non-interactive", code=2).stderr)
        self.assertEqual((home / "real.env").read_text(), "")

    def test_setup_leaves_another_users_gitignore(self):
        tree = self.folder(self.cwd / "tree", 0o755, NOBODY, NOBODY)
        (tree / ".git").mkdir()
        inner = self.folder(tree / "inner")
        self.cli("setup", "--non-interactive", "--gitignore", cwd=inner)
        self.assertEqual(sorted(p.name for p in tree.iterdir()), [".git", "inner"])


if __name__ == "__main__":
    unittest.main()
