#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The isolated command of `llm-proxy run` works as any other: its terminal, job control, signals, files, options, and the receipt at its end."""
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest
from pathlib import Path

from cli_case import BIN, Cli, free_port
from proxy_case import until
from terminal import Screen
from upstream import Upstream


ASYNC = """
import fcntl, os, select, signal
if os.fork() == 0:
    os.setpgid(0, 0)
    for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    fd = os.open('/dev/tty', os.O_RDONLY | os.O_NONBLOCK)
    while os.tcgetpgrp(fd) != 0:  # until it is somebody's outside
        select.select([], [], [], 0.01)
    try:
        fcntl.fcntl(fd, 10, signal.SIGKILL)  # F_SETSIG
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        pass
    open('armed', 'w').close()
    signal.pause()
os.kill(os.getpid(), signal.SIGSTOP)
"""


class RunCase(Cli):
    def setUp(self):
        super().setUp()
        self.id = self.project("--id", "runs")["id"]
        self.line = f"{BIN} --data-dir {self.data} run --project {self.id}"

    def run_it(self, *command, options=(), **more):
        return self.local("run", "--project", self.id, *options, "--", *command, **more)

    def live(self):
        return self.json("token", "list", "--state", "live")["items"]

    def has_no_token(self):
        """A killed run lets go of the data directory a moment later."""
        def nothing_live():
            done = self.local("token", "list", "--state", "live", "--json", code=None)
            return done.returncode == 0 and not json.loads(done.stdout)["items"]
        until(nothing_live, "its token is revoked")
        self.wait_free()

    def wait_free(self):
        """Run, or the guard of a killed one, has stopped its engine."""
        with open(self.data / "llm-proxy.lock") as lock:
            until(lambda: self.is_free(lock), "nobody has the data directory")

    @staticmethod
    def is_free(lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def events(self, action):
        return [e for e in map(json.loads, (self.data / "audit.log").read_text().splitlines()) if e["action"] == action]


class Terminal(RunCase):
    def screen(self):
        self.addCleanup(self.wait_free)  # after the screen has closed
        screen = Screen(self, ["bash", "--norc", "--noprofile", "-i"], self.env | {"PS1": "out$ ", "TERM": "xterm", "HISTFILE": ""}, self.cwd)
        screen.shows(r"out\$ ")
        return screen

    def inner_shell(self, screen):
        screen.type(self.line + " -- env PS1='in> ' bash --norc --noprofile -i\n")
        screen.shows("isolation: on")
        screen.shows("in> ")

    @staticmethod
    def child_is_stopped(shell):
        """The shell's job, as the kernel has it: the shell says so only at its next prompt."""
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        return any(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for child in children)

    def test_a_shell_has_job_control(self):
        screen = self.screen()
        self.inner_shell(screen)
        self.assertNotIn("no job control", screen.seen)
        screen.type("sh -c 'echo slee''ping; exec sleep 1000'\n")
        screen.shows("sleeping")
        screen.type("\x1a")
        screen.shows(r"Stopped")
        screen.shows("in> ")
        screen.type("jobs; kill %1; fg\n")
        screen.shows(r"(?s)Terminated.*in> |Terminated")
        screen.type("sh -c 'echo slee''ping; exec sleep 1000'\n")
        screen.shows("sleeping")
        screen.type("\x03")
        screen.shows("in> ")
        screen.type("exit 5\n")
        screen.shows("0 requests")
        screen.shows(r"out\$ ")
        screen.type("echo code=$?\n")
        screen.shows("code=5")

    def test_interrupt_is_the_commands(self):
        screen = self.screen()
        # sigwait(): a handler that runs just before a sleep would not end it.
        script = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [2])\nprint('re'+'ady', flush=True); signal.sigwait([2]); print('interr'+'upted', flush=True); raise SystemExit(9)"
        screen.type(self.line + f' -- {sys.executable} -c "{script}"\n')
        screen.shows("ready")
        screen.type("\x03")
        screen.shows("interrupted")
        screen.shows("0 requests")
        screen.shows(r"out\$ ")
        screen.type("echo code=$?\n")
        screen.shows("code=9")

    def test_stopping_the_command_gives_our_shell_back(self):
        screen = self.screen()
        screen.type(self.line + " -- cat\n")
        screen.shows("isolation: on[^\n]*\n")
        screen.type("first\n")
        screen.shows("first\r\nfirst\r\n")
        screen.type("\x1a")
        screen.shows(r"Stopped")
        screen.shows(r"out\$ ")
        screen.type("echo still $((20+3))\n")
        screen.shows("still 23")
        screen.type("fg\n")
        screen.shows("-- cat\r\n")
        screen.type("second\n")
        screen.shows("second\r\nsecond\r\n")
        screen.type("\x04")
        screen.shows("0 requests")
        screen.shows(r"out\$ ")

    def test_a_command_that_stops_itself(self):
        screen = self.screen()
        screen.type(self.line + " -- sh -c 'echo be''fore; kill -STOP $$; echo aft''er'\n")
        screen.shows("before")
        screen.shows("Stopped")
        screen.shows(r"out\$ ")
        screen.type("fg\n")
        screen.shows("after")
        screen.shows("0 requests")

    def test_in_the_background_and_back(self):
        screen = self.screen()
        screen.type(self.line + " -- sh -c 'read x; echo got $x' &\n")
        screen.shows("isolation: on")
        until(lambda: self.child_is_stopped(screen.pid), "run is stopped")

        def is_known():
            screen.type("jobs\n")
            return screen.shows(r"\[1\]\S* +(\w+) +/").group(1) == "Stopped"
        until(is_known, "the shell knows it")
        screen.type("fg\n")
        screen.shows("fg\r\n")
        screen.type("words\n")
        screen.shows("got words")
        screen.shows("0 requests")

    def test_a_pipeline_keeps_the_terminal(self):
        """What reads the keyboard is the last of it."""
        screen = self.screen()
        screen.type(self.line + f" -- seq 3 | {sys.executable} -c 'import sys; print(len(sys.stdin.read()), open(\"/dev/tty\").readline())'\n")
        screen.shows("0 requests")
        screen.type("typed\n")
        screen.shows("6 typed")
        screen.shows(r"out\$ ")

    def test_a_script_with_run_in_the_background_keeps_the_terminal(self):
        screen = self.screen()
        screen.type(f"sh -c '{self.line} -- cat; {self.line} -- sleep 1000 & read x; echo got $x; kill $!'\n")
        screen.shows("isolation: on[^\n]*\n")
        screen.type("\x04")
        screen.shows("isolation: on[^\n]*\n")
        screen.type("words\n")
        screen.shows("got words")

    def test_no_signal_of_the_kernel_to_the_shell(self):
        """O_ASYNC on a terminal makes the kernel signal the group in its foreground, and F_SETSIG chooses which signal."""
        (self.cwd / "async.py").write_text(ASYNC)
        screen = self.screen()
        screen.type(self.line + f" -- {sys.executable} async.py\n")
        screen.shows("Stopped")
        screen.shows(r"out\$ ")
        until(lambda: (self.cwd / "armed").exists(), "the trap is set, or refused")
        screen.type("echo still $((20+3))\n")
        screen.shows("still 23")

    def test_window_size(self):
        screen = self.screen()
        fcntl.ioctl(screen.main, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        script = "import os,signal\nsay = lambda word: os.write(1, ' '.join(map(str, (word, *os.get_terminal_size(0)))).encode() + b'\\n')\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])\nsay('has')\nwhile True: signal.sigwait([signal.SIGWINCH]); say('new')"
        (self.cwd / "size.py").write_text(script)
        screen.type(self.line + f" -- {sys.executable} size.py\n")
        screen.shows("has 101 33")
        fcntl.ioctl(screen.main, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        screen.shows("new 120 40")

    def test_the_terminal_closes(self):
        screen = self.screen()
        screen.type(self.line + " -- cat\n")
        screen.shows("isolation: on[^\n]*\n")
        screen.type("here\n")
        screen.shows("here\r\nhere\r\n")
        screen.end()
        self.has_no_token()


class Works(RunCase):
    def test_its_own_files(self):
        done = self.run_it("sh", "-c", "echo words >made && mkdir folder && mv made folder/ && cat folder/made")
        self.assertEqual(done.stdout, "words\n")
        self.assertEqual((self.cwd / "folder/made").read_text(), "words\n")

    def test_pipes_stay(self):
        done = subprocess.run(["bash", "-c", f"{self.line} -- cat <(echo from a pipe)"], env=self.env, cwd=self.cwd, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout, "from a pipe\n", done.stderr)

    def test_nothing_of_ours_is_inherited(self):
        """Neither with isolation nor without: what libraries opened for the engine is not the command's."""
        names = "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if int(n) > 2 and os.path.exists(f'/proc/self/fd/{n}')])"
        for options in ([], ["--no-isolation"]):
            done = self.run_it(sys.executable, "-c", names, options=options)
            self.assertNotRegex(done.stdout, "socket|anon_inode|data", options)

    def test_a_folder_as_standard_input_is_refused(self):
        folder = os.open(self.data, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        done = subprocess.run([*self.line.split(), "--", "true"], env=self.env, cwd=self.cwd, stdin=folder, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, "standard input is a folder" in done.stderr), (2, True), done.stderr)

    def test_read_only_and_hide(self):
        for name in ("docs", "private"):
            (self.cwd / name).mkdir()
            (self.cwd / name / "file").write_text(name)
        (self.cwd / "note").write_text("mine")
        script = "cat docs/file; echo x >docs/file; ls private; cat note; echo x >free"
        done = self.run_it("sh", "-c", script, options=["--read-only", "docs", "--hide", "private", "--hide", "note"])
        self.assertEqual(done.stdout, "docsHIDDEN-BY-LLM-PROXY-RUN\n# hidden by llm-proxy run: the command that it started does not see what is kept here\n")
        self.assertIn("Read-only file system", done.stderr)
        self.assertIn(f"--hide {self.cwd / 'private'}", done.stderr)
        self.assertEqual(((self.cwd / "docs/file").read_text(), (self.cwd / "note").read_text(), (self.cwd / "free").read_text()), ("docs", "mine", "x\n"))

    def test_all_read_only(self):
        done = self.run_it("sh", "-c", "echo x >file; echo y >/dev/null && cat /proc/self/comm", options=["--read-only", "/"])
        self.assertEqual(done.stdout, "cat\n", done.stderr)
        self.assertFalse((self.cwd / "file").exists())

    def test_wrong_options(self):
        for options, says in ((["--hide", "nowhere"], "--hide: nowhere does not exist"), (["--read-only", "nowhere"], "--read-only: nowhere does not exist"),
                              (["--hide", "/proc/1"], "--hide: /proc/1 cannot be given"), (["--require-isolation", "--no-isolation"], "--no-isolation")):
            done = self.run_it("true", options=options, code=2)
            self.assertIn(says, done.stderr)
        self.assertEqual(self.live(), [])

    def test_inside_the_data_directory(self):
        done = self.run_it("true", cwd=self.data, code=2)
        self.assertIn(f"the working directory lies in {self.data} (data directory), which is hidden from the command", done.stderr)
        self.assertEqual(self.run_it("pwd", cwd=self.data, options=["--no-isolation"]).stdout, f"{self.data}\n")

    def test_our_own_commands_inside(self):
        for command, code in ((["project", "list"], 3), (["token", "list", "--data-dir", str(self.data)], 3), (["doctor"], 3), (["run", "--project", "p", "--", "true"], 3), (["--version"], 0), (["run", "--help"], 0)):
            done = self.run_it(BIN, *command, code=code)
            self.assertEqual("hidden by run" in done.stderr, code == 3, done.stderr)
        self.assertEqual(sorted(p.name for p in self.cwd.iterdir()), ["data"], "nothing was made")

    def test_a_killed_run_takes_the_command_along(self):
        script = "import os,sys; print(os.readlink('/proc/self/ns/pid'), flush=True); sys.stdin.read()"
        process = subprocess.Popen([*self.line.split(), "--", sys.executable, "-c", script], env=self.env, cwd=self.cwd, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        namespace = process.stdout.readline().strip()
        self.assertTrue(namespace.startswith("pid:["))
        process.kill()
        self.assertEqual(process.stdout.read(), "", "the pipe ends with its last writer")
        self.has_no_token()

    def test_what_the_command_leaves_behind_ends(self):
        done = self.run_it("sh", "-c", "sleep 1000 & echo left")
        self.assertEqual(done.stdout, "left\n", "the pipe would stay open as long as it lives")

    def test_inner_sandbox(self):
        done = self.run_it("bwrap", "--unshare-user", "--unshare-pid", "--bind", "/", "/", *([] if os.geteuid() == 0 else ["--proc", "/proc"]), "--", "sh", "-c", "echo in; cat data/llm-proxy.lock; true")
        self.assertEqual(done.stdout, "in\n", done.stderr)

    def test_required(self):
        self.assertIn("isolation: on", self.run_it("true", options=["--require-isolation"]).stderr)


class Receipt(RunCase):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream()
        self.upstream.__enter__()
        self.addCleanup(self.upstream.__exit__)
        self.local("project", "update", self.id, "--base-url", self.upstream.url + "/v1", "--key-stdin", stdin="sk-demo1234567890abcdef\n")

    def curl(self, model):
        return ('curl -s -o /dev/null -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" '
                f"-d '{{\"model\":\"{model}\",\"messages\":[]}}' $OPENAI_BASE_URL/chat/completions")

    def test_parts_and_refusals(self):
        script = f"{self.curl('gpt-4o')}; {self.curl('o3')}; {self.curl('o3')}; curl -s -o /dev/null -H \"Authorization: Bearer $OPENAI_API_KEY\" $ANTHROPIC_BASE_URL/nothing/here"
        done = self.run_it("sh", "-c", script, options=["--model", "gpt-4o*"])
        lines = [line.removeprefix("llm-proxy: ") for line in done.stderr.splitlines()]
        self.assertRegex(lines[-3], r"^1 request, \d+ prompt tokens.*, \d+ completion tokens")
        self.assertEqual(lines[-2:], ["refused: 2 requests, the model is not allowed (model_not_allowed)", "refused: 1 request, no provider of the project has this path (endpoint_not_found)"])

    def test_the_lifetime_ends_before_the_command(self):
        script = f"while true; do curl -s -o answer -w '%{{http_code}}' -H \"Authorization: Bearer $OPENAI_API_KEY\" $OPENAI_BASE_URL/models | grep -q 401 && break; done; cat"
        process = subprocess.Popen([*self.line.split(), "--ttl", "2s", "--", "sh", "-c", script], env=self.env, cwd=self.cwd, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        said = ""
        while "the token's lifetime (--ttl) is over, and it was revoked" not in said:
            line = process.stderr.readline()
            self.assertTrue(line, said)
            said += line
        process.stdin.close()
        process.stdin = None
        self.assertRegex(process.communicate()[1], r"refused: \d+ requests?, the token had (expired|been revoked)")
        self.assertEqual([e["result"] for e in self.events("token.revoke")][:1], ["success"])
        self.assertEqual(self.live(), [])


if __name__ == "__main__":
    unittest.main()
