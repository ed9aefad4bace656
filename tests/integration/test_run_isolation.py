#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What the command of `llm-proxy run` can reach: an attack script runs as the command, as root, as an ordinary user, in containers, and
where isolation cannot be had; there the printed line says what is open."""
import contextlib
import json
import os
import pty
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from certificates import Authority
from cli_case import BIN, KEY, Cli, environment, free_port
from proxy_case import until

SOURCE = Path(os.environ["LLM_PROXY_SOURCE_DIR"])
IS_ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")
PYTHON = "/usr/bin/python3"  # one that any user can start


def abstract_sockets_can_be_hidden():
    """Linux 6.12 with Landlock."""
    import ctypes
    return ctypes.CDLL(None, use_errno=True).syscall(444, 0, 0, 1) >= 6


class Isolated(Cli):
    maxDiff = None
    """A server with everything that there is to hide, in a project's folder, and a user's session around it."""
    user = None    # of the server and of run; None: ours
    wrapper = ()   # what run is started by

    def setUp(self):
        super().setUp()
        self.home = self.cwd
        os.chmod(self.home, 0o755)
        self.tree = self.home / "tree"
        self.data = self.tree / "data"
        self.runtime = self.home / "runtime"
        for folder in (self.tree, self.runtime, self.home / "keys", self.home / "logs", self.tree / ".git", self.home / "secrets"):
            folder.mkdir()
        self.bin = BIN
        if self.user:
            self.bin = str(self.home / "llm-proxy")
            shutil.copy(BIN, self.bin)
        self.attacks = self.home / "run_attacks.py"
        shutil.copy(SOURCE / "tests/support/run_attacks.py", self.attacks)
        self.env = environment(str(self.home)) | {"XDG_RUNTIME_DIR": str(self.runtime)}
        self.make_secrets()
        self.give_to_user()
        self.make_session()
        self.start_server()
        self.give_to_user()

    def as_user(self):
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}

    def give_to_user(self):
        if self.user:
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)

    def make_secrets(self):
        certificate, key = Authority(self.home / "keys").certificate("server", "DNS:proxy.example,IP:127.0.0.1")
        (self.home / "secrets" / "provider").write_text(KEY)
        (self.home / "keys" / "encryption").write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n")
        settings = {"MANAGEMENT_TOKEN": "m" * 43, "ENCRYPTION_KEY_FILE": self.home / "keys/encryption", "SECRETS_DIR": self.home / "secrets", "LISTEN_ADDR": f"127.0.0.1:{free_port()}",
                    "LOG_FILE": self.home / "logs/server.log", "AUDIT_LOG_FILE": self.home / "logs/audit.log", "DATABASE_PATH": self.home / "proxy.db", "TLS_CERT_FILE": certificate,
                    "TLS_KEY_FILE": key, "DATA_DIR": self.data}
        (self.tree / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        for path in (self.tree / ".env", self.home / "keys/encryption", Path(key)):
            os.chmod(path, 0o600)
        self.tls_key = key

    def listen(self, address):
        link = socket.socket(socket.AF_UNIX)
        link.bind(str(address) if not isinstance(address, str) else address)
        link.listen(8)
        if self.user and not isinstance(address, str):
            os.chown(address, self.user.pw_uid, self.user.pw_gid)
        self.addCleanup(link.close)

    def make_session(self):
        """A bus, a display, an agent: sockets that accept are enough to see whether they can be reached."""
        self.sockets = [self.runtime / "bus", self.runtime / "wayland-0", self.home / "agent.sock"]
        for path in self.sockets:
            self.listen(path)
        self.abstract = [f"/tmp/.X11-unix/X{os.getpid()}", f"dbus-{os.getpid()}-{id(self)}"]
        for name in self.abstract:
            self.listen("\0" + name)
        (self.home / ".Xauthority").write_text("MIT-MAGIC-COOKIE-1 secret")
        self.env |= {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.runtime}/bus", "DISPLAY": ":99", "WAYLAND_DISPLAY": "wayland-0", "SSH_AUTH_SOCK": str(self.home / "agent.sock"),
                     "XAUTHORITY": str(self.home / ".Xauthority"), "TMUX": "/tmp/tmux-1/default,1,0"}

    def start_server(self):
        self.server = None
        if not self.wrapper:
            self.server, _ = self.serve_as_user()
        self.call("project", "create", "--name", "P", "--id", "p", "--key-stdin", stdin=KEY + "\n")

    def serve_as_user(self):
        process = subprocess.Popen([self.bin, "--serve"], env=self.env, cwd=self.tree, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **self.as_user())

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        log = self.home / "logs/server.log"
        until(lambda: process.poll() is not None or (log.exists() and '"listening"' in log.read_text()), "the server listens", 60)
        self.assertIsNone(process.poll(), process.poll() and process.stderr.read())
        return process, ""

    def tearDown(self):
        self.assertTrue(self.server is None or self.server.poll() is None, "the server lives")

    def call(self, *arguments, stdin="", code=0, **more):
        done = subprocess.run([*self.wrapper, self.bin, *arguments], input=stdin, capture_output=True, text=True, timeout=120, env=self.env, cwd=self.tree, **self.as_user(), **more)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def facts(self, pids):
        files = [self.home / "keys/encryption", self.tls_key, self.tree / ".env", self.home / "secrets/provider", self.home / "proxy.db", self.home / "proxy.db-wal",
                 self.home / "logs/audit.log", self.home / "logs/server.log", self.home / ".Xauthority", self.data / "llm-proxy.lock"]
        return {"bin": self.bin, "data": str(self.data), "project": "p", "files": [str(f) for f in files if os.path.exists(f)],
                "folders": [str(self.data), str(self.home / "secrets"), str(self.home / "logs")],
                "socket": str(self.data / "control.sock"), "sockets": [str(s) for s in self.sockets], "abstract": self.abstract, "pids": pids, "results": str(self.tree / "results.json")}

    def write_facts(self, pids):
        (self.tree / "facts.json").write_text(json.dumps(self.facts(pids)))
        self.give_to_user()

    def attack(self, *options):
        """Runs the script in a terminal; its results, and what run printed."""
        self.write_facts([self.server.pid] if self.server else [])
        # The command is told run's own number, as it is outside: it is that of the shell which becomes run.
        script = ('import json,os,sys\nf=json.load(open("facts.json")); f["pids"].append(os.getpid()); json.dump(f,open("facts.json","w"))\n'
                  "os.execv(sys.argv[1], sys.argv[1:])")
        main, side = pty.openpty()
        inherited = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        link = socket.socket(socket.AF_UNIX)
        passed = [inherited]
        if self.server:
            link.connect(str(self.data / "control.sock"))
            passed.append(link.fileno())
        process = subprocess.Popen([*self.wrapper, PYTHON, "-c", script, self.bin, "--env", ".env", "run", "--project", "p", "--ttl", "5m", *options, "--", PYTHON, str(self.attacks), "facts.json"],
                                   env=self.env, cwd=self.tree, stdin=side, stdout=side, stderr=subprocess.PIPE, text=True, start_new_session=True, pass_fds=passed, **self.as_user())
        os.close(side)
        _, errors = process.communicate(timeout=240)
        os.close(main)
        os.close(inherited)
        link.close()
        self.assertEqual(process.returncode, 0, errors)
        return json.loads((self.tree / "results.json").read_text()), errors

    def all_fail(self, results, errors):
        if not abstract_sockets_can_be_hidden():
            self.assertIn("open: abstract sockets", errors)
            results.pop("abstract_sockets")
        self.assertGreater(len(results), 15)
        self.assertEqual({name: how for name, how in results.items() if how is not None}, {}, errors)


class Attacks(Isolated):
    """As whoever runs the tests; in CI that is root."""

    def test_every_attack_fails(self):
        results, errors = self.attack()
        self.all_fail(results, errors)
        self.assertIn("isolation: on; the command does not see ", errors)
        self.assertIn(str(self.data), errors)
        events = [json.loads(line) for line in (self.home / "logs/audit.log").read_text().splitlines() if '"token.create"' in line]
        self.assertTrue(events[-1]["details"]["isolation"].startswith("on"), events[-1])
        self.assertTrue((self.tree / ".env").read_text().startswith("MANAGEMENT_TOKEN="), "nothing of the real files changed")

    def test_the_engine_inside_run(self):
        self.server.terminate()
        self.server.wait(60)
        self.server = None
        results, errors = self.attack()
        self.all_fail(results, errors)

    def test_what_is_replaced_is_hidden_again(self):
        """An editor saves .env by renaming, a log is rotated, a database's -wal is made anew: each takes the mount on the old file away."""
        replaced = [self.tree / ".env", self.home / "keys/encryption"]
        script = "import sys\nfor path in sys.stdin:\n try: print(open(path.strip()).read().split(chr(10))[0], flush=True)\n except OSError as e: print(e, flush=True)"
        process = subprocess.Popen([self.bin, "--env", ".env", "run", "--project", "p", "--", PYTHON, "-c", script], env=self.env, cwd=self.tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **self.as_user())
        self.addCleanup(process.communicate)

        def seen(path):
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            return process.stdout.readline()
        self.assertIn("hidden by llm-proxy run", seen(replaced[0]))
        for path in replaced:
            new = path.with_name("new")
            new.write_text("secret of " + path.name + "\n")
            if self.user:
                os.chown(new, self.user.pw_uid, self.user.pw_gid)
            os.rename(new, path)
            until(lambda: "hidden by llm-proxy run" in seen(path), f"{path} is hidden again")
        (self.home / "proxy.db-journal").write_text("made anew\n")
        until(lambda: "hidden by llm-proxy run" in seen(self.home / "proxy.db-journal"), "a file beside the database is hidden, too")
        (self.home / "unrelated").write_text("free\n")
        self.assertEqual(seen(self.home / "unrelated"), "free\n")

    def test_a_new_env_file(self):
        (self.tree / ".env").rename(self.home / "server.env")
        process = subprocess.Popen([self.bin, "--env", str(self.home / "server.env"), "run", "--project", "p", "--", "sh", "-c", "while read word; do cat .env; echo end; done"], env=self.env, cwd=self.tree,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **self.as_user())
        self.addCleanup(process.communicate)

        def seen():
            process.stdin.write("\n")
            process.stdin.flush()
            return "".join(iter(process.stdout.readline, "end\n"))
        self.assertEqual(seen(), "")
        (self.tree / ".env").write_text("SHOP_NAME=ours is not\n")
        self.assertEqual(seen(), "SHOP_NAME=ours is not\n", "another program's")
        (self.tree / ".env").write_text("MANAGEMENT_TOKEN=0123456789\n")
        until(lambda: "hidden by llm-proxy run" in seen(), "one of ours is hidden")
        process.stdin.close()
        process.stdin = None
        self.assertIn("a .env with secrets of LLM Proxy appeared", process.communicate()[1])

    def test_over_http_the_servers_files_are_hidden_too(self):
        elsewhere = self.home / "elsewhere"
        elsewhere.mkdir()
        self.give_to_user()
        settings = dict(line.split("=", 1) for line in (self.tree / ".env").read_text().splitlines())
        done = subprocess.run([self.bin, "run", "--url", "https://" + settings["LISTEN_ADDR"], "--project", "p", "--", "cat", str(self.home / "keys/encryption"), str(self.data / "llm-proxy.lock")], cwd=elsewhere,
                              env=self.env | {"MANAGEMENT_TOKEN": "m" * 43, "SSL_CERT_FILE": str(self.home / "keys/ca.pem")}, capture_output=True, text=True, timeout=60, **self.as_user())
        self.assertIn("hidden by llm-proxy run", done.stdout, done.stderr)
        self.assertIn("llm-proxy.lock: No such file", done.stderr)

    def test_what_an_earlier_command_left_does_not_turn_it_off(self):
        """More hidden files than bubblewrap takes arguments, or than there may be open: nothing is started, and no file stays behind."""
        for number in range(3100):
            (self.home / f"proxy.db-x{number}").touch()
        self.give_to_user()
        self.attack_fails_closed("its isolation failed")
        self.attack_fails_closed("its isolation failed", wrapper=["prlimit", "--nofile=256:256"])

    def attack_fails_closed(self, said, wrapper=(), env=None):
        done = subprocess.run([*wrapper, self.bin, "--env", ".env", "run", "--project", "p", "--", "touch", "started"], env=env or self.env, cwd=self.tree, capture_output=True, text=True, timeout=120, **self.as_user())
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(said, done.stderr)
        self.assertFalse((self.tree / "started").exists())

    def test_a_bubblewrap_of_an_earlier_command(self):
        """It would be run outside."""
        tools = self.home / "tools"
        tools.mkdir()
        (tools / "bwrap").write_text(f"#!/bin/sh\ntouch {self.home}/stolen\nexec /usr/bin/bwrap \"$@\"\n")
        (tools / "bwrap").chmod(0o755)
        if IS_ROOT:
            os.chown(tools / "bwrap", NOBODY.pw_uid, NOBODY.pw_gid)
        env = self.env | {"PATH": f"{tools}:{self.env['PATH']}"}
        done = subprocess.run([self.bin, "--env", ".env", "run", "--project", "p", "--", "true"], env=env, cwd=self.tree, capture_output=True, text=True, timeout=60, **self.as_user())
        self.assertIn("isolation: on", done.stderr)
        self.assertFalse((self.home / "stolen").exists())

    def test_a_fifo_in_place_of_env(self):
        (self.tree / ".env").rename(self.home / "server.env")
        for made in ("mkfifo x && mv x .env", "truncate -s 3G x && mv x .env"):
            for _ in range(2):  # also with what the first has left
                done = self.call("--env", str(self.home / "server.env"), "run", "--project", "p", "--", "sh", "-c", f"rm -f x; {made}; echo done", code=None)
                self.assertIn("done", done.stdout, done.stderr)
            (self.tree / ".env").unlink()
        self.assertEqual(json.loads(self.call("--env", str(self.home / "server.env"), "token", "list", "--state", "live", "--json").stdout)["items"], [])

    def test_hard_links_are_said(self):
        os.link(self.tree / ".env", self.home / "copy.env")
        done = self.call("--env", ".env", "run", "--project", "p", "--", "true")
        self.assertIn(f"open: other names (hard links) of {self.tree / '.env'}", done.stderr)

    def test_without_isolation_the_line_says_what_is_open(self):
        done = self.call("--env", ".env", "run", "--project", "p", "--no-isolation", "--", "cat", ".env")
        self.assertIn("MANAGEMENT_TOKEN", done.stdout)
        self.assertIn("isolation: off, as --no-isolation says. The command can read ", done.stderr)
        self.assertIn(str(self.data), done.stderr)

    def test_without_bubblewrap(self):
        tools = self.home / "tools"
        tools.mkdir()
        for tool in ("cat", "touch"):
            (tools / tool).symlink_to(shutil.which(tool))
        os.chmod(tools, 0o755)
        path = {"env": self.env | {"PATH": str(tools)}}
        done = subprocess.run([self.bin, "--env", ".env", "run", "--project", "p", "--", "cat", ".env"], capture_output=True, text=True, cwd=self.tree, timeout=60, **path, **self.as_user())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("bubblewrap is not installed (package bubblewrap)", done.stderr)
        done = subprocess.run([self.bin, "--env", ".env", "run", "--project", "p", "--require-isolation", "--", "touch", "started"], capture_output=True, text=True, cwd=self.tree, timeout=60, **path, **self.as_user())
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the command was not started, because it cannot be isolated: bubblewrap is not installed", done.stderr)
        self.assertFalse((self.tree / "started").exists())


@unittest.skipUnless(IS_ROOT, "only root can be somebody else")
class AttacksOfNobody(Attacks):
    user = NOBODY


class InContainer(Isolated):
    """Root of a user namespace of its own, with its own processes; the engine runs inside run."""
    wrapper = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc")

    def test_every_attack_fails(self):
        results, errors = self.attack()
        self.all_fail(results, errors)
        self.assertIn("isolation: on", errors)


class AtTwoPlaces(Isolated):
    """A bind mount shows the same files at another path."""
    wrapper = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", 'mkdir -p ../alias && mount --bind .. ../alias && exec "$@"', "sh")

    def test_both_are_hidden(self):
        done = self.call("--env", ".env", "run", "--project", "p", "--", "sh", "-c", "cat ../alias/tree/.env ../alias/keys/encryption; ls ../alias/tree/data ../alias/secrets")
        self.assertEqual(done.stdout.count("# hidden by llm-proxy run"), 2, done.stdout)
        self.assertEqual(done.stdout.count("HIDDEN-BY-LLM-PROXY-RUN"), 2, done.stdout)
        self.assertNotIn("MANAGEMENT_TOKEN", done.stdout)


class InContainerWithMaskedProc(Isolated):
    """As Docker and Podman do: a part of /proc is covered, and then the kernel mounts no other."""
    wrapper = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", 'for f in kcore keys timer_list; do [ -e /proc/$f ] && mount --bind /dev/null /proc/$f; done; exec "$@"', "sh")

    def test_every_attack_fails(self):
        results, errors = self.attack()
        self.assertIn("open: ", errors)
        self.assertIn("the names of other processes", errors)
        self.all_fail(results, errors)


class WithoutUserNamespaces(Isolated):
    wrapper = ("unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "sh")

    def test_the_line_says_what_is_open(self):
        done = self.call("--env", ".env", "run", "--project", "p", "--", "cat", ".env")
        self.assertIn("MANAGEMENT_TOKEN", done.stdout)
        self.assertIn("isolation: off, ", done.stderr)
        self.assertIn("user.max_user_namespaces is 0", done.stderr)
        for open_thing in (str(self.data), "control socket", "session bus", "displays", "SSH agent", "other processes", "terminal"):
            self.assertIn(open_thing, done.stderr)
        events = [json.loads(line) for line in (self.home / "logs/audit.log").read_text().splitlines() if '"token.create"' in line]
        self.assertTrue(events[-1]["details"]["isolation"].startswith("off: "), events[-1])

    def test_required_isolation_starts_nothing(self):
        done = self.call("--env", ".env", "run", "--project", "p", "--require-isolation", "--", "touch", "started", code=1)
        self.assertIn("the command was not started, because it cannot be isolated", done.stderr)
        self.assertFalse((self.tree / "started").exists())
        events = (self.home / "logs/audit.log").read_text()
        self.assertNotIn('"token.create"', events, "no token is made for it")


del Isolated

if __name__ == "__main__":
    unittest.main()
