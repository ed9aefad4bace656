#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The console as a program, without a screen: it opens beside its engine, ends when asked, is there once for a data directory, and
draws every page from a demo that leaves nothing behind."""
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["LLM_PROXY_BIN"])
PAGES = ["overview", "projects", "tokens", "audit", "live", "usage", "security", "settings", "new-project", "new-token", "first-run", "palette"]


def until(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return value


@unittest.skipIf(os.environ.get("LLM_PROXY_SANITIZED"), "the desktop's own libraries leak what they keep to the end")
@unittest.skipUnless((PROGRAM.parent / "libllm-proxy-ui.so").exists(), "built without the console")
class Console(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in ("run", "tmp"):
            (self.folder / name).mkdir(mode=0o700)
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder.name, "XDG_RUNTIME_DIR": f"{folder.name}/run", "TMPDIR": f"{folder.name}/tmp",
                            "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8", "LISTEN_ADDR": "127.0.0.1:0"}

    def start(self, *arguments):
        log = open(self.folder / f"log{len(list(self.folder.glob('log*')))}", "wb")
        process = subprocess.Popen([PROGRAM, *arguments], env=self.environment, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        log.close()
        return process

    def test_every_page_is_drawn_and_nothing_stays(self):
        process = self.start("--demo", "--screenshots", "pictures")
        self.assertEqual(process.wait(150), 0)
        wanted = {f"{page}-{look}{scale}.png" for page in PAGES for look in ("light", "dark") for scale in ("", "@1.5x")}
        found = {p.name: p.stat().st_size for p in (self.folder / "pictures").iterdir()}
        self.assertEqual(set(found), wanted)
        self.assertGreater(min(found.values()), 5_000, "a picture of nothing")
        self.assertEqual([p.name for p in (self.folder / "tmp").iterdir() if "demo" in p.name], [])
        self.assertFalse((self.folder / ".config").exists(), "the demo keeps no settings")

    def test_it_opens_once_and_ends_when_asked(self):
        console = self.start("--data-dir", "data")
        until((self.folder / "data" / "control.sock").exists, "the engine beside the console")
        shown = subprocess.run([PROGRAM, "project", "list", "--data-dir", "data"], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=30)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(self.start("--data-dir", "data").wait(30), 0, "the second one raises the first and ends")
        self.assertIsNone(console.poll())
        maps = Path(f"/proc/{console.pid}/maps")
        self.assertIn("libQt6Widgets", maps.read_text())
        console.send_signal(signal.SIGTERM)
        self.assertEqual(console.wait(40), 0)
        log = (self.folder / "data" / "audit.log").read_text()
        self.assertIn('"action":"system.stop"', log)

    def test_it_attaches_to_a_server_of_the_same_folder(self):
        self.environment["MANAGEMENT_TOKEN"] = "console-test-management-token-of-forty-characters"
        server = self.start("--serve", "--data-dir", "data")
        until((self.folder / "data" / "control.sock").exists, "the server")
        console = self.start("--data-dir", "data")
        # The kernel names the path with the listener and with each connection that it has.
        until(lambda: Path("/proc/net/unix").read_text().count(str(self.folder.resolve() / "data/control.sock")) > 1, "the console follows the server's feed")
        self.assertNotIn('"message":"listening"', (self.folder / "log1").read_text(), "an engine of its own")
        console.send_signal(signal.SIGTERM)
        self.assertEqual(console.wait(40), 0)
        self.assertIsNone(server.poll(), "the server is not the console's to stop")

    def test_a_taken_port_is_said(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            self.environment["LISTEN_ADDR"] = f"127.0.0.1:{holder.getsockname()[1]}"
            process = self.start("--demo", "--screenshots", "pictures")
            self.assertEqual(process.wait(30), 1)
        self.assertIn(f"no pictures: cannot listen on {self.environment['LISTEN_ADDR']}", (self.folder / "log0").read_text())

    def test_without_a_display(self):
        del self.environment["QT_QPA_PLATFORM"]
        process = self.start("--demo")
        self.assertEqual(process.wait(30), 2)
        self.assertIn("there is no display", (self.folder / "log0").read_text())
        self.assertEqual(list((self.folder / "tmp").iterdir()), [], "nothing was begun")

    def test_a_display_that_does_not_answer(self):
        del self.environment["QT_QPA_PLATFORM"]
        self.environment["DISPLAY"] = ":9999"
        process = self.start("--demo")
        self.assertEqual(process.wait(30), 2)
        said = (self.folder / "log0").read_text()
        self.assertIn("the display cannot be opened (DISPLAY=:9999)", said)
        self.assertNotIn("qt.qpa", said)

    def test_wrong_settings_are_named(self):
        self.environment["TOKEN_MAX_LIFETIME"] = "soon"
        process = self.start("--demo", "--screenshots", "pictures")
        self.assertEqual(process.wait(30), 2)
        self.assertIn("TOKEN_MAX_LIFETIME", "".join(p.read_text() for p in self.folder.glob("log*")))


if __name__ == "__main__":
    unittest.main()
