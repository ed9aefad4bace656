#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Settings by hand: judged while one types, saved, used from the next start on or at once, taken back."""
import unittest

from desktop import Flows
from proxy_case import request
from raw_client import RawClient


class Settings(Flows):
    def setUp(self):
        super().setUp()
        self.project()
        self.app = self.open()
        self.app.open_page("Settings")

    def group(self, name):
        self.app.click(self.app.get("list item", name, within=self.app.get("list", "Groups of settings"), into_tables=True))

    def setting(self, name):
        return next(s for s in self.app.ask("/manage/settings")["items"] if s["name"] == name)

    def status_with_headers(self, number):
        with RawClient(self.app.port) as client:
            return client.send(request("/health", headers=[(f"X-A{i}", "1") for i in range(number)])).answer().status

    def save(self):
        self.app.wait(lambda: self.app.find("push button", "Save", states=["enabled"]), "it can be saved")
        self.app.key("ctrl+s")
        self.app.label("Saved.")

    def restart(self):
        before = self.app.started_at()
        self.app.press("Restart the engine")

        self.app.wait(lambda: self.app.started_at() not in (None, before), "another engine")
        self.app.wait_gone("push button", "Restart the engine")

    def test_used_from_the_next_start_on(self):
        app = self.app
        self.group("Limits")
        app.fill("MAX_HEADER_COUNT", "many")
        app.label("1 to 10000")
        self.desktop.show("10-wrong")
        app.wait(lambda: not app.get("push button", "Save").has("enabled"), "nothing wrong is saved")
        app.fill("MAX_HEADER_COUNT", "30")
        app.wait(lambda: not app.find("label", contains="1 to 10000"), "the problem goes")
        self.assertIsNone(self.setting("MAX_HEADER_COUNT")["saved"], "typed is not saved")
        self.save()
        self.desktop.show("10-saved")
        self.assertEqual((self.setting("MAX_HEADER_COUNT")["saved"], self.setting("MAX_HEADER_COUNT")["value"]), ("30", "100"))
        app.label("take effect when the engine is restarted")
        self.assertEqual(self.status_with_headers(40), 200)
        self.restart()
        self.assertEqual(self.status_with_headers(40), 431)
        app.press("Reset MAX_HEADER_COUNT to its default")
        self.save()
        self.restart()
        self.assertEqual(self.status_with_headers(40), 200)
        self.assertEqual(self.setting("MAX_HEADER_COUNT")["origin"], "default")
        self.assertEqual([e["details"]["changed"] for e in app.events("config.update")], ["MAX_HEADER_COUNT"] * 2)

    def test_used_at_once(self):
        app = self.app
        app.fill("Find a setting", "log_level")
        app.choose("LOG_LEVEL", "debug")
        self.save()
        self.assertEqual(self.setting("LOG_LEVEL")["value"], "debug")
        self.assertIsNone(app.find("push button", "Restart the engine"))

    def test_discarded_and_what_wins(self):
        app = self.app
        self.group("Network")
        app.label("given in the environment, which wins over what is saved here")  # LISTEN_ADDR
        app.scroll_to(app.get("text", "KEEPALIVE_TIMEOUT"))
        app.fill("KEEPALIVE_TIMEOUT", "5s")
        app.wait(lambda: app.find("push button", "Save", states=["enabled"]), "there is something to save")
        self.desktop.show("10-network")
        app.press("Discard changes")
        app.wait(lambda: app.get("text", "KEEPALIVE_TIMEOUT").text == "", "as before")
        self.assertIsNone(self.setting("KEEPALIVE_TIMEOUT")["saved"])


if __name__ == "__main__":
    unittest.main()
