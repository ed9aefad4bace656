#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The first start: from nothing to a working curl line in three steps, with a provider's key or with the demo."""
import re
import subprocess
import time
import unittest

from cli_case import KEY, TOKEN
from desktop import Flows
from upstream import Upstream


class Provider(Upstream):
    """Takes no key below one of its paths."""

    async def _answer(self, request, reader, writer, argument):
        if request.target.startswith("/refuses-keys"):
            return await self._send(writer, 401, {"error": {"message": "Incorrect API key provided", "type": "x", "code": "invalid_api_key"}})
        return await super()._answer(request, reader, writer, argument)


class FirstRun(Flows):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Provider())

    def curl_line(self, app):
        """What the button copies, run as it is."""
        app.press("Copy for curl")
        line = app.wait(lambda: (text := self.desktop.clipboard()).startswith("curl ") and text, "the clipboard holds the line")
        done = subprocess.run(["bash", "-s"], input=line, env=app.env, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_key_is_checked_and_the_first_token_works(self):
        begun = time.monotonic()
        app = self.open()
        app.get("dialog", "Welcome to LLM Proxy")
        app.label(str(app.data))
        app.label("Generated, and stored next to the data it protects.")
        self.desktop.show("1-where")
        app.press("Next")
        app.type("sk-wrong")  # the key has the focus
        app.fill("Base URL", "http://127.0.0.1:1")
        app.press("Check and continue")
        self.nobody_there(app)
        app.fill("Key", KEY)
        app.fill("Base URL", self.upstream.url + "/v1")
        self.desktop.show("1-key")
        app.press("Check and continue")
        app.label("Here is your first token")
        self.desktop.show("1-token")
        self.assertEqual(self.upstream.requests[0].header("authorization"), f"Bearer {KEY}")
        self.assertIn('"chat.completion"', self.curl_line(app))
        self.assertEqual(self.upstream.requests[-1].header("authorization"), f"Bearer {KEY}")
        app.press("Done")
        app.wait_gone("dialog")
        self.assertLess(time.monotonic() - begun, 60)
        [project], [token] = app.ask("/manage/projects")["items"], app.ask("/manage/tokens")["items"]
        self.assertEqual((project["provider"], project["base_url"]), ("openai", self.upstream.url + "/v1"))
        self.assertEqual((token["name"], token["request_count"]), ("First token", 1))

    def nobody_there(self, app):
        """A provider that cannot be reached says nothing about the key: kept only if so wanted."""
        question = app.get("alert message", "Save the key unchecked?")
        self.desktop.show("1-unreachable")
        app.press("Cancel", within=question)
        app.wait_gone("alert message")
        self.assertEqual(app.ask("/manage/projects")["items"], [])

    def test_a_refused_key_is_not_kept(self):
        app = self.open()
        app.press("Next")
        app.type(KEY)
        app.fill("Base URL", self.upstream.url + "/refuses-keys")
        app.press("Check and continue")
        app.label("it does not take this key")
        app.wait(lambda: app.get("text", "Key").has("focused"), "the key is there to be mended")
        self.desktop.show("1-refused")
        self.assertEqual(app.ask("/manage/projects")["items"], [])

    def test_the_demo_needs_no_key(self):
        app = self.open()
        app.press("Try it with the demo provider")
        app.label("Here is your first token")
        self.desktop.show("1-demo")
        self.assertIn("Hello from the demo provider", self.curl_line(app))
        app.key("Escape")  # it was copied: no question
        app.wait_gone("dialog")
        self.assertEqual([p["provider"] for p in app.ask("/manage/projects")["items"]], ["demo"])

    def test_closing_before_copying_asks(self):
        app = self.open()
        app.press("Try it with the demo provider")
        token = app.get("text", "Access token").text
        self.assertRegex(token, TOKEN)
        app.key("Escape")
        app.press("Close all the same", within=app.get("alert message", "Close without copying?"))
        app.wait_gone("dialog")
        self.assertNotIn(token, (app.folder / "log").read_text())
        self.assertFalse(re.search(TOKEN, (app.data / "audit.log").read_text()))


if __name__ == "__main__":
    unittest.main()
