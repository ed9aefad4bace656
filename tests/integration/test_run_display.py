#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A display inside `llm-proxy run`: with --allow-display, whichever socket the X server has and wherever its cookie lies,
and not without it."""
import itertools
import os
import subprocess
import unittest

from run_works import ORDINARY, RunWorks, only_root, quiet

COOKIE = "0123456789abcdef" * 2
SHOWN = ("--require-isolation", "--allow-display")
# Its size, and a picture, which goes through shared memory.
WORK = "xdotool getdisplaygeometry; import -window root picture.png; identify -format '%wx%h\\n' picture.png"


class Display(RunWorks):
    numbers = itertools.count(1000 + os.getpid() % 20000)  # one that Xvfb chooses may be another server's, of which one socket is free

    def screen(self, *options, cookie=None):
        """Of an X server; its DISPLAY."""
        if cookie:
            cookie.parent.mkdir(exist_ok=True)
            cookie.touch(mode=0o600)
            quiet("xauth", "-f", cookie, "add", ":0", ".", COOKIE)  # what the server takes; for which display, it does not look at
        reading, writing = os.pipe()
        server = subprocess.Popen(["Xvfb", f":{next(Display.numbers)}", "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset", *options, *(("-auth", str(cookie)) if cookie else ())],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(writing,))
        os.close(writing)

        def end():
            server.terminate()
            server.wait(30)
        self.addCleanup(end)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        self.assertTrue(number, "Xvfb did not start")
        if cookie:
            quiet("xauth", "-f", cookie, "add", f":{number}", ".", COOKIE)
            if self.user:
                os.chown(cookie, self.user.pw_uid, self.user.pw_gid)
        return f":{number}"

    def works(self, display, **variables):
        done = self.shell(WORK, options=SHOWN, env={"DISPLAY": display} | variables)
        self.assertEqual(done.stdout.split(), ["640", "480", "640x480"], done.stderr)

    def fails(self, display, **variables):
        for command in (("xdotool", "getdisplaygeometry"), ("env", f"DISPLAY={display}", *(f"{name}={value}" for name, value in variables.items()), "xdotool", "getdisplaygeometry")):
            done = self.inside(*command, env={"DISPLAY": display} | variables, code=None)
            self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("Can't open display", done.stderr)

    def only_with_the_option(self, display, **variables):
        self.works(display, **variables)
        self.fails(display, **variables)

    def test_both_sockets(self):
        display = self.screen()
        self.works(display)
        if "open: abstract sockets" not in self.inside("true").stderr:  # Linux before 6.12
            self.fails(display)

    def test_the_path_alone(self):
        self.only_with_the_option(self.screen("-nolisten", "local"))

    def test_the_abstract_socket_alone(self):
        display = self.screen("-nolisten", "unix")
        self.works(display)
        if "open: abstract sockets" not in self.inside("true").stderr:
            self.fails(display)

    def test_cookie_in_the_runtime_directory(self):
        cookie = self.runtime / "gdm" / "Xauthority"
        self.only_with_the_option(self.screen("-nolisten", "local", cookie=cookie), XAUTHORITY=str(cookie))

    def test_cookie_in_the_home_folder(self):
        cookie = self.home / ".Xauthority"
        self.only_with_the_option(self.screen("-nolisten", "local", cookie=cookie))

    def test_cookie_where_a_variable_says(self):
        cookie = self.cwd / "cookies" / "x"
        self.only_with_the_option(self.screen("-nolisten", "local", cookie=cookie), XAUTHORITY=str(cookie))


@only_root
class DisplayOfOrdinaryUser(Display):
    user = ORDINARY


if __name__ == "__main__":
    unittest.main()
