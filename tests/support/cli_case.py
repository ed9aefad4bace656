# SPDX-License-Identifier: GPL-3.0-only
"""A test case with a folder of its own, the program's commands in it, and servers that end with the test."""
import json
import os
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

BIN = os.environ["LLM_PROXY_BIN"]
TOKEN = re.compile(r"tok-[0-9A-Za-z]{38}\b")
KEY = "sk-demo1234567890abcdef"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment(home):
    """What the program sees of the environment: nothing of the developer's own settings."""
    kept = ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
    return {k: v for k, v in os.environ.items() if k in kept} | {"HOME": home, "LC_ALL": "C.UTF-8"}


class Cli(unittest.TestCase):
    @classmethod
    def class_folder(cls):
        """A temporary folder for as long as the class's tests run."""
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        return Path(folder.name)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cwd = Path(folder.name)
        self.data = self.cwd / "data"
        self.env = environment(folder.name)

    def cli(self, *arguments, code=0, stdin="", env=None, cwd=None):
        done = subprocess.run([BIN, *arguments], input=stdin, capture_output=True, text=True, timeout=60,
                              env=self.env | (env or {}), cwd=cwd or self.cwd)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def local(self, *arguments, **more):
        return self.cli("--data-dir", str(self.data), *arguments, **more)

    def json(self, *arguments, **more):
        return json.loads(self.local(*arguments, "--json", **more).stdout)

    def project(self, *more, name="Alpha", key=KEY):
        return self.json("project", "create", "--name", name, "--key-stdin", *more, stdin=key + "\n")

    def serve(self, *arguments, env=None, ready=None, **more):
        """A server, and what it said; waits until it answers, or until a line with `ready` on stderr. more: as for Popen."""
        process = subprocess.Popen([BIN, "--serve", *arguments], env=self.env | (env or {}), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **{"cwd": self.cwd} | more)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        seen = []
        for line in (process.stderr if ready else process.stdout):
            seen.append(line)
            if (ready or "listening") in line:
                return process, "".join(seen)
        self.fail("the server ended: " + "".join(seen) + process.stderr.read())
