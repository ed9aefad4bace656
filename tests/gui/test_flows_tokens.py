#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Projects and tokens by hand: made, copied, used, found, revoked."""
import re
import subprocess
import unittest

from cli_case import KEY, TOKEN
from desktop import Flows
from upstream import Upstream


class Tokens(Flows):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())

    def test_a_project_then_a_token_copied_and_used(self):
        app = self.open()
        app.get("dialog", "Welcome to LLM Proxy")
        self.desktop.key("Escape")
        app.wait_gone("dialog", "Welcome to LLM Proxy")
        app.open_page("Projects and keys")
        app.press("New project")
        self.fill_project(app)
        project = app.ask("/manage/projects")["items"][0]
        self.assertEqual((project["name"], project["provider"]), ("Search team", "openai"))
        self.assertEqual(app.get("table", "Projects").column("Name"), ["Search team"])
        app.press("Make a token for it")
        app.fill("Name", "Indexer")
        app.press("Create token")
        dialog = app.get("dialog", "New access token")
        self.close_without_copying_asks(app)
        token = self.copied(app, dialog)
        self.assertEqual(app.status_of(token), 200)
        self.assertEqual(self.upstream.requests[-1].header("authorization"), f"Bearer {KEY}")
        made = app.ask("/manage/tokens")["items"][0]
        self.assertEqual((made["name"], made["request_count"]), ("Indexer", 1))
        app.wait(lambda: app.get("table", "Access tokens").column("Requests") == ["1"], "the page counts the request")

    def fill_project(self, app):
        app.fill("Name", "Search team")
        app.fill("Key", KEY)
        app.fill("Base URL", self.upstream.url + "/v1")
        app.press("Check key")
        app.label("1 model")
        self.desktop.show("2-project")
        self.assertEqual(self.upstream.requests[-1].target, "/v1/models")
        app.press("Create project")
        app.wait_gone("dialog", "New project")

    def close_without_copying_asks(self, app):
        self.desktop.show("2-token")
        self.desktop.key("Escape")
        question = app.get("alert message", "Close without copying?")
        app.label("nobody can show it again", within=question)
        self.desktop.show("2-question")
        app.press("Cancel", within=question)
        app.wait_gone("alert message")

    def copied(self, app, dialog):
        app.press("Copy token")
        token = app.wait(lambda: TOKEN.fullmatch(self.desktop.clipboard()), "the clipboard holds the token").group()
        self.assertEqual(app.get("text", "Access token", within=dialog).text, token)
        app.press("Done")
        app.wait_gone("dialog", "New access token")
        return token


if __name__ == "__main__":
    unittest.main()
