#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The console's language: the system's unless another is chosen, whether or not the system has that locale."""
import unittest

from desktop import Flows


class Language(Flows):
    def reopen(self, app):
        self.assertEqual(app.stop(), 0)
        app.start()

    def test_chosen_and_given_back(self):
        self.project()
        app = self.open()
        app.open_page("Settings")
        app.choose("Language", "Deutsch")
        app.label("when LLM Proxy is started next")
        self.reopen(app)
        app.open_page("Zugriffstoken")
        app.get("push button", "Neues Token")
        self.desktop.show("17-german")
        app.open_page("Einstellungen")
        app.choose("Sprache", "Wie das System")
        self.reopen(app)
        app.open_page("Access tokens")

    def test_the_systems_unless_another_is_chosen(self):
        self.project()
        app = self.open(env={"LC_ALL": "de_DE.UTF-8"})
        app.open_page("Einstellungen")
        app.choose("Sprache", "English")
        self.reopen(app)
        app.open_page("Settings")


if __name__ == "__main__":
    unittest.main()
