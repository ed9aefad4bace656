# SPDX-License-Identifier: GPL-3.0-only
"""A case whose commands run inside `llm-proxy run`, as whoever runs the tests or as an ordinary user, and the servers that such commands
ask: git over HTTPS and over SSH."""
import getpass
import http.server
import json
import os
import pwd
import shutil
import subprocess
import threading
import unittest
from pathlib import Path

from certificates import Authority
from cli_case import BIN, KEY, Cli, environment, free_port
from proxy_case import until

IS_ROOT = os.geteuid() == 0
ORDINARY = pwd.getpwnam("games")  # not nobody, which files of unknown owners belong to in a user namespace
only_root = unittest.skipUnless(IS_ROOT, "only root can be somebody else")


class RunWorks(Cli):
    """One folder, data directory and project for all tests of a class; no server runs, so each run has its own."""
    user = None  # of run and its command; None: ours
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.home = cls.class_folder()
        os.chmod(cls.home, 0o755)
        cls.bin = BIN
        if cls.user:
            cls.bin = str(cls.home / "llm-proxy")
            shutil.copy(BIN, cls.bin)
        cls.data, cls.runtime = cls.home / "data", cls.home / "runtime"
        cls.runtime.mkdir(mode=0o700)
        cls.env = environment(str(cls.home)) | {"XDG_RUNTIME_DIR": str(cls.runtime)}
        cls.give_to_user()
        done = cls.start_run([cls.bin, "--data-dir", str(cls.data), "project", "create", "--name", "P", "--id", "p", "--key-stdin"], cwd=cls.home, stdin=subprocess.PIPE)
        out, errors = done.communicate(KEY + "\n", timeout=60)
        assert done.returncode == 0, out + errors
        cls.line = [cls.bin, "--data-dir", str(cls.data), "run", "--project", "p"]

    def setUp(self):
        self.cwd = self.home / self._testMethodName
        self.cwd.mkdir()
        self.give_to_user(self.cwd)
        self.addCleanup(until, self.has_no_token, "its tokens are revoked")  # after what a test itself cleans up

    def has_no_token(self):
        """A killed run lets go of the data directory a moment later."""
        process = self.start_run([self.bin, "--data-dir", self.data, "token", "list", "--state", "live", "--json"])
        out, _ = process.communicate(timeout=60)
        return process.returncode == 0 and not json.loads(out)["items"]

    @classmethod
    def as_user(cls):
        return {"user": cls.user.pw_uid, "group": cls.user.pw_gid, "extra_groups": []} if cls.user else {}

    @classmethod
    def give_to_user(cls, top=None):
        if cls.user:
            for path in [top or cls.home, *(top or cls.home).rglob("*")]:
                os.chown(path, cls.user.pw_uid, cls.user.pw_gid, follow_symlinks=False)

    @classmethod
    def start_run(cls, command, **more):
        return subprocess.Popen([str(word) if not isinstance(word, bytes) else word for word in command], **{"env": cls.env, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                "stderr": subprocess.PIPE, "text": True, **cls.as_user()} | more)

    def inside(self, *command, options=("--require-isolation",), code=0, env=None, stdin="", wrapper=(), timeout=120, **more):
        process = self.start_run([*wrapper, *self.line, *options, "--", *command], **{"cwd": self.cwd, "env": self.env | (env or {}), "stdin": subprocess.PIPE} | more)
        try:
            out, errors = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        if code is not None:
            self.assertEqual(process.returncode, code, f"{command}\n{out}\n{errors}")
        return subprocess.CompletedProcess(command, process.returncode, out, errors)

    def shell(self, script, **more):
        return self.inside("bash", "-c", "set -e\n" + script, **more)


def quiet(*command, **more):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, **more)


def make_repository(folder, name):
    """A bare one with a commit; its path."""
    bare, tree = folder / name, folder / (name + ".tree")
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    quiet("git", *identity, "init", "--bare", bare)
    quiet("git", *identity, "clone", bare, tree)
    (tree / "file").write_text("first\n")
    quiet("git", *identity, "add", "file", cwd=tree)
    quiet("git", *identity, "commit", "-m", "first", cwd=tree)
    quiet("git", *identity, "push", "origin", "HEAD:main", cwd=tree)
    return bare


def commits_of(bare):
    return subprocess.run(["git", "--git-dir", str(bare), "log", "--format=%s", "main"], check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


class HttpsGit:
    """git http-backend behind a server with a certificate of its own authority; url, authority, bare."""

    def __init__(self, case, folder):
        folder.mkdir()
        os.chmod(folder, 0o755)
        self.bare = make_repository(folder, "work.git")
        self.authority = Authority(folder)
        os.chmod(self.authority.file, 0o644)
        self.authority.certificate("git", "IP:127.0.0.1")
        root = str(folder)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                path, _, query = self.path.partition("?")
                variables = {"PATH": os.environ["PATH"], "HOME": root, "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                             "REMOTE_USER": "tester", "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": self.headers.get("Content-Type", ""), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                             "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True).stdout
                head, _, content = answer.partition(b"\r\n\r\n")
                fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
                self.send_response(int(dict(fields).get("Status", "200").split()[0]))
                for name, value in fields:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            do_POST = do_GET

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = self.authority.server_context("git").wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()

        def end():
            server.shutdown()
            thread.join()
            server.server_close()
        case.addCleanup(end)
        self.url = f"https://127.0.0.1:{server.server_port}/work.git"


class SshGit:
    """An sshd that lets the holder of a key in as whoever runs the tests; url, bare, key, known (hosts)."""

    def __init__(self, case, folder):
        folder.mkdir()
        os.chmod(folder, 0o755)
        self.bare = make_repository(folder, "work.git")
        for name in ("host", "id"):
            quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
        self.key, self.known, port = folder / "id", folder / "known", free_port()
        self.known.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
        shutil.copy(folder / "id.pub", folder / "allowed")
        if IS_ROOT:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        settings = {"Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host", "AuthorizedKeysFile": folder / "allowed", "StrictModes": "no", "UsePAM": "no", "PidFile": "none",
                    "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "PermitRootLogin": "prohibit-password"}
        (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.log = folder / "log"
        server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(folder / "config"), "-E", str(self.log)], stdin=subprocess.DEVNULL)

        def end():
            server.terminate()
            server.wait(30)
        case.addCleanup(end)
        until(lambda: server.poll() is not None or (self.log.exists() and "listening" in self.log.read_text()), "sshd listens", 30)
        case.assertIsNone(server.poll(), self.log.exists() and self.log.read_text())
        self.url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{self.bare}"

    def command(self, *options):
        return " ".join(["ssh", *options, "-o", "BatchMode=yes", "-o", "IdentityFile=none", "-o", f"UserKnownHostsFile={self.known}"])
