#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The application log: a reader that stops reading holds nobody up, and LOG_FILE may be moved away."""
import fcntl
import json
import os
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

from cli_case import BIN, Cli, free_port
from proxy_case import MANAGEMENT, until

SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ


class FullPipe:
    """A pipe with no room left, and nobody who reads it."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, SET_PIPE_SIZE, 4096)
        os.set_blocking(self.writer, False)
        try:
            while True:
                os.write(self.writer, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(self.writer, True)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


class LogCase(Cli):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def start(self, stdout, **settings):
        env = self.env | {"MANAGEMENT_TOKEN": MANAGEMENT, "LISTEN_ADDR": f"127.0.0.1:{self.port}", "LOG_LEVEL": "debug"} | settings
        server = subprocess.Popen([BIN, "--serve", "--data-dir", str(self.data)], env=env, cwd=self.cwd, stdout=stdout,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        until(lambda: self.ask("GET", "/health")[0] == 200, "the server answers", 30)
        return server

    def ask(self, method, path, body=None, token=MANAGEMENT):
        data = json.dumps(body).encode() if body is not None else None
        fields = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, fields, method=method), timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except (OSError, ConnectionError):
            return 0, None


class NobodyReads(LogCase):
    def test_a_log_that_nobody_reads_stops_nothing(self):
        pipe = FullPipe()
        self.addCleanup(pipe.close)
        server = self.start(pipe.writer)
        status, project = self.ask("POST", "/manage/projects", {"name": "A", "provider": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-1234567890abcdef12"})
        self.assertEqual(status, 201, project)
        status, token = self.ask("POST", "/manage/tokens", {"project_id": project["id"]})
        self.assertEqual(status, 201, token)
        for round_ in range(5):
            server.send_signal(signal.SIGHUP)  # writes a line, from the main thread
            self.assertEqual(self.ask("POST", "/v1/chat/completions", {"model": "m"}, token["token"])[0], 502)
            self.assertEqual(self.ask("PATCH", f"/manage/projects/{project['id']}", {"name": f"B{round_}"})[0], 200)
        self.assertEqual(self.ask("DELETE", f"/manage/tokens/{token['id']}")[0], 200)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(20), 0)

    def test_a_second_signal_ends_it_all_the_same(self):
        pipe = FullPipe()
        self.addCleanup(pipe.close)
        server = self.start(pipe.writer, LOG_FILE="/dev/stdout")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(20), 0)


class MovedAway(LogCase):
    def lines(self, name="log"):
        path = self.cwd / name
        return path.read_text().splitlines() if path.exists() else []

    def test_a_log_that_is_renamed_or_removed_goes_on_in_a_new_file(self):
        log = self.cwd / "log"
        server = self.start(subprocess.DEVNULL, LOG_FILE=str(log))
        until(lambda: any('"listening"' in line for line in self.lines()), "the first line")
        for how in ("rename", "remove", "create"):
            if how == "remove":
                log.unlink()
            else:
                log.rename(self.cwd / f"log.{how}")
            if how == "create":
                log.touch(0o600)
            until(lambda: log.exists() and self.open_by(server, log), f"{how}: the server has the new file", 10)
            server.send_signal(signal.SIGHUP)
            until(lambda: any("reopened" in line for line in self.lines()), f"{how}: a line in the new file", 10)
            self.assertEqual(log.stat().st_mode & 0o777, 0o600)

    def open_by(self, server, path):
        here = path.stat()
        for fd in os.listdir(f"/proc/{server.pid}/fd"):
            try:
                there = os.stat(f"/proc/{server.pid}/fd/{fd}")
            except OSError:
                continue
            if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                return True
        return False

    def test_what_is_no_log_is_not_written_into(self):
        diary = self.cwd / "diary"
        diary.write_text("Dear diary,\n")
        done = self.cli("--serve", "--data-dir", str(self.data), "--log-file", str(diary), env={"MANAGEMENT_TOKEN": MANAGEMENT}, code=2)
        self.assertIn("LOG_FILE", done.stderr)
        self.assertIn(str(diary), done.stderr)
        self.assertEqual(diary.read_text(), "Dear diary,\n")


class NoRegularFile(LogCase):
    """What LOG_FILE may also name: a link to the server's own stdout, as images have it, and a FIFO."""

    def test_a_link_to_stdout(self):
        log = self.cwd / "log"
        for target in ("/dev/stdout", "/proc/self/fd/1", "../" * len(self.cwd.parts) + "dev/stdout"):
            with self.subTest(target=target):
                log.unlink(missing_ok=True)
                log.symlink_to(target)
                reading, writing = os.pipe()  # which has no name that could be opened
                server = self.start(writing, LOG_FILE=str(log))
                os.close(writing)
                with open(reading, "rb", buffering=0) as out:
                    until(lambda: b"listening" in out.read(65536), "the log comes to stdout")
                    server.send_signal(signal.SIGHUP)
                    until(lambda: b"reopened" in out.read(65536), "also after it was opened again")
                    server.terminate()
                self.assertEqual(server.wait(30), 0)
                self.assertEqual(os.readlink(log), target)

    def test_a_link_to_nowhere(self):
        (self.cwd / "log").symlink_to("/dev/null")
        server = self.start(subprocess.DEVNULL, LOG_FILE=str(self.cwd / "log"))
        server.terminate()
        self.assertEqual(server.wait(30), 0)

    def test_a_fifo_whose_reader_comes_late_and_leaves(self):
        fifo = self.cwd / "fifo"
        os.mkfifo(fifo, 0o600)
        server = self.start(subprocess.DEVNULL, LOG_FILE=str(fifo))  # it answers: nobody was waited for
        with open(fifo, "rb", buffering=0) as reader:
            until(lambda: b"listening" in reader.read(65536), "what was logged before there was a reader")
        for _ in range(300):  # more than a FIFO holds
            self.assertEqual(self.ask("GET", "/manage/projects")[0], 200)
        server.send_signal(signal.SIGHUP)
        with open(fifo, "rb", buffering=0) as reader:
            until(lambda: b"reopened" in reader.read(65536), "the log goes on with the next reader")
        server.terminate()
        self.assertEqual(server.wait(30), 0)
        done = self.cli("--data-dir", str(self.data), "project", "list", env={"LOG_FILE": str(fifo)})
        self.assertIn("ID", done.stdout)


if __name__ == "__main__":
    unittest.main()
