# SPDX-License-Identifier: GPL-3.0-only
"""A terminal with a program in it, typed into and waited for."""
import errno
import os
import pty
import re
import select
import signal
import time


class Screen:
    """A terminal with a shell in it, as a person has it: the shell's job control is what run has to fit into."""

    def __init__(self, case, command, env, cwd, become=None):
        self.case = case
        self.seen = ""
        pid, self.main = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            if become:
                become()
            os.execvpe(command[0], command, env)
        self.pid = pid
        case.addCleanup(self.end)

    def end(self):
        if self.main < 0:
            return
        os.close(self.main)
        self.main = -1
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)

    def type(self, text):
        os.write(self.main, text.encode())

    def shows(self, pattern, seconds=60):
        """Waits until this appears after what was waited for before."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            left = deadline - time.monotonic()
            ready = select.select([self.main], [], [], max(left, 0))[0]
            if not ready:
                self.case.fail(f"the terminal does not show {pattern!r}: {self.seen!r}")
            try:
                data = os.read(self.main, 4096)
            except OSError as problem:
                if problem.errno != errno.EIO:
                    raise
                data = b""
            if not data:
                self.case.fail(f"the terminal closed without {pattern!r}: {self.seen!r}")
            self.seen += data.decode(errors="replace")
