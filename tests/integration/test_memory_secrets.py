#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What a reader of the server's memory finds of its own secrets: five seconds after the last request the encryption key once at
most, the management token not at all; a provider's key that came in a call in locked memory alone. tests/bench/memory_secrets.py prints the figures for all secrets."""
import base64
import json
import os
import socket
import unittest
from pathlib import Path

from process_memory import copies, shown
from proxy_case import MANAGEMENT, SANITIZED, Proxy, request, until


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


@unittest.skipIf(SANITIZED, "a sanitizer keeps copies of its own")
class InAManagementCall(Proxy):
    """A provider's key in the body of a call: five seconds later it stands in the memory of the Secret type alone."""

    def plain(self, key):
        try:
            counts = copies(self.server.pid, {"key": key})["key"]
        except PermissionError:
            self.skipTest("reading another process's memory needs CAP_SYS_PTRACE")
        return sum(count for kind, count in counts.items() if kind != "locked"), shown(counts)

    def left_of(self, send):
        """Sends a new project with three new keys by send(bytes of the request)."""
        keys = [b"sk-test-" + os.urandom(12).hex().encode() for _ in range(3)]
        providers = [{"provider": p, "api_key": k.decode(), "base_url": self.upstream.url} for p, k in zip(self.providers, keys)]
        body = json.dumps({"name": "Keys", "providers": providers})
        answer = send(request("/manage/projects", body.encode(), "POST", [("Authorization", f"Bearer {MANAGEMENT}"), ("Content-Type", "application/json")]))
        self.assertEqual(answer.status, 201, answer)
        for key in keys:
            seen = []

            def is_clean():
                seen[:] = self.plain(key)
                return seen[0] == 0
            try:
                until(is_clean, "it is clean", 5, 0.2)
            except AssertionError:
                self.fail(f"the key stands in plain memory, {seen[1]}")

    def test_one_that_comes_in_one_piece(self):
        for _ in range(3):
            self.left_of(lambda bytes_: self.raw().send(bytes_).answer())

    def test_one_that_comes_in_many_pieces(self):
        def send(bytes_):
            client = self.raw()
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(bytes_), 40):
                client.send(bytes_[at:at + 40])
            return client.answer()
        self.left_of(send)

    def test_one_that_is_refused(self):
        """Its body was read all the same."""
        key = b"sk-test-" + os.urandom(12).hex().encode()
        body = json.dumps({"name": "Keys", "providers": [{"provider": "nobody", "api_key": key.decode()}]}).encode()
        for fields in ([("Authorization", f"Bearer {MANAGEMENT}"), ("Content-Type", "application/json")], [("Content-Type", "application/json")]):
            answer = self.raw().send(request("/manage/projects", body, "POST", fields)).answer()
            self.assertIn(answer.status, (400, 401))
        until(lambda: self.plain(key)[0] == 0, "it is clean", 5, 0.2)


if __name__ == "__main__":
    unittest.main()
