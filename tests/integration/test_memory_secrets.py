#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What a reader of the server's memory finds of its own secrets: five seconds after the last request the encryption key once at
most, the management token not at all. tests/bench/memory_secrets.py prints the figures for all secrets."""
import base64
import os
import unittest
from pathlib import Path

from process_memory import copies, shown
from proxy_case import MANAGEMENT, SANITIZED, Proxy, until


@unittest.skipIf(SANITIZED, "a sanitizer keeps copies of its own")
class FromTheEnvironment(Proxy):
    @classmethod
    def setUpClass(cls):
        cls.key = os.urandom(32)
        cls.key_text = base64.b64encode(cls.key).decode()
        cls.settings = cls.settings | cls.given()
        super().setUpClass()
        cls.end()
        cls.start()  # one whose management nobody has called

    @classmethod
    def given(cls):
        return {"ENCRYPTION_KEY": cls.key_text}

    def found(self):
        try:
            return copies(self.server.pid, {"key": self.key, "text": self.key_text.encode(), "token": MANAGEMENT.encode()})
        except PermissionError:
            self.skipTest("reading another process's memory needs CAP_SYS_PTRACE")

    def test_of_keys_one_is_left_and_of_the_management_token_none(self):
        for _ in range(30):
            self.assertEqual(self.ask(body={"model": "m"}).status, 200)
        seen = {}

        def is_clean():
            seen.update(self.found())
            return sum(seen["key"].values()) + sum(seen["text"].values()) <= 1 and not seen["token"]
        try:
            until(is_clean, "it is clean", 5, 0.2)
        except AssertionError:
            self.fail({name: shown(counts) for name, counts in seen.items()})
        self.assertEqual(self.manage("GET", "/manage/projects")[0], 200, "the token is known all the same")
        self.assertEqual(self.manage("GET", "/manage/projects", token="x" * len(MANAGEMENT))[0], 401)


class FromAFile(FromTheEnvironment):
    """The same values in ./.env."""

    @classmethod
    def given(cls):
        return {"MANAGEMENT_TOKEN": ""}  # the environment goes first, and this is not set

    @classmethod
    def start(cls):
        file = Path(cls.cwd) / ".env"
        file.write_text(f'ENCRYPTION_KEY={cls.key_text}\nMANAGEMENT_TOKEN="{MANAGEMENT}"\n')
        file.chmod(0o600)
        super().start()


class FromAKeyFile(FromTheEnvironment):
    """The key that the server generated, which is a file beside the data."""

    @classmethod
    def given(cls):
        return {}

    def setUp(self):
        type(self).key_text = (self.data / "encryption.key").read_text().strip()
        type(self).key = base64.b64decode(self.key_text)


if __name__ == "__main__":
    unittest.main()
