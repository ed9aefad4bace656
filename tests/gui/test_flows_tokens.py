#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Projects and tokens by hand: made, copied, used, found, revoked."""
import re
import subprocess
import unittest

from cli_case import KEY, TOKEN
from desktop import Flows
from proxy_case import until
from upstream import Upstream


class Tokens(Flows):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())

    def test_a_project_then_a_token_copied_and_used(self):
        app = self.open()
        app.get("dialog", "Welcome to LLM Proxy")
        app.key("Escape")
        app.wait_gone("dialog", "Welcome to LLM Proxy")
        app.open_page("Projects and keys")
        app.press("New project")
        self.fill_project(app)
        project = app.ask("/manage/projects")["items"][0]
        self.assertEqual((project["name"], project["provider"]), ("Search team", "openai"))
        self.assertEqual(app.get("table", "Projects").column("Name"), ["Search team"])
        app.press("Create a token for it")
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
        app.key("Escape")
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

    def test_a_terminal_with_a_token(self):
        """A terminal of the desktop that writes what it shows into a file."""
        project = self.project(base_url=self.upstream.url + "/v1")
        tools, screen = self.place / "tools", self.place / "screen"
        tools.mkdir()
        (tools / "xdg-terminal-exec").write_text(f'#!/bin/sh\n"$@" >{screen}.now 2>&1 </dev/null\nmv {screen}.now {screen}\n')
        (tools / "xdg-terminal-exec").chmod(0o755)
        (self.place / "tree").mkdir()
        app = self.open(env={"PATH": f"{tools}:{self.desktop.env['PATH']}", "SHELL": "/bin/bash"})
        app.open_page("Projects and keys")
        table = app.get("table", "Projects")
        app.choose_row(table, 0)
        app.press("Run with a token")
        app.get("dialog", "Run with a token")
        app.fill("Command", 'pwd; curl -s -o answer -w "%{http_code}" -H "Authorization: Bearer $OPENAI_API_KEY" $OPENAI_BASE_URL/models')
        app.fill("Working directory", str(self.place / "tree"))
        self.desktop.show("2-run")
        app.press("Open terminal")
        app.wait_gone("dialog", "Run with a token")
        app.label("Opened in xdg-terminal-exec.")
        shown = until(lambda: screen.exists() and screen.read_text(), "what the terminal shows", 60)
        self.assertIn("isolation: on", shown)
        self.assertIn(f"{self.place / 'tree'}\n200", shown)
        self.assertIn("1 request", shown)
        self.assertIn("Press Enter to close.", shown)
        token = app.ask("/manage/tokens")["items"][0]
        self.assertEqual((token["project_id"], token["state"], token["name"]), (project, "revoked", "run"))

    def with_tokens(self, *names):
        """A project with these tokens, on the page of tokens; (app, table, tokens by name)."""
        project = self.project(base_url=self.upstream.url + "/v1")
        app = self.open()
        tokens = {name: app.make("/manage/tokens", project_id=project, name=name) for name in names}
        app.open_page("Access tokens")
        table = app.get("table", "Access tokens")
        app.wait(lambda: set(table.column("Name")) == set(names), "every token in the table")
        return app, table, tokens

    def states(self, app):
        return {t["name"]: t["state"] for t in app.ask("/manage/tokens")["items"]}

    def test_a_revoked_token_is_refused_and_its_stream_cut(self):
        app, table, tokens = self.with_tokens("Indexer", "Nightly")
        token = tokens["Indexer"]["token"]
        stream = self.enterContext(app.use(token, model="behave-endless", stream=True))
        self.assertEqual(stream.head()[0], 200)
        for _ in range(150):  # one each 10 ms; the page hears twice a second what runs
            stream.chunk()
        app.choose_row(table, app.row_of(table, "Name", "Indexer"))
        app.press("Revoke")
        self.desktop.show("3-revoke")
        app.confirm("Revoke 1 token?", "Cancel", "1 running stream will be cut")
        self.assertEqual(self.states(app), {"Indexer": "active", "Nightly": "active"})
        app.key("Delete")
        app.confirm("Revoke 1 token?", "Revoke", "Indexer")
        app.label("1 token revoked.")
        self.assertIn(stream.ended(), ("fin", "reset"))
        self.assertEqual(app.status_of(token), 401)
        self.assertEqual(app.status_of(tokens["Nightly"]["token"]), 200)
        app.wait(lambda: dict(zip(table.column("Name"), table.column("State")))["Indexer"] == "revoked", "the table says so")
        self.assertEqual(self.states(app), {"Indexer": "revoked", "Nightly": "active"})
        self.assertEqual(len(app.events("token.revoke")), 1)

    def test_many_are_revoked_at_once_and_all_of_a_project(self):
        app, table, tokens = self.with_tokens("a", "b", "c", "d", "e")
        app.choose_row(table, app.row_of(table, "Name", "b"))
        app.choose_row(table, app.row_of(table, "Name", "d"), holding="ctrl")
        app.press("Revoke")
        app.confirm("Revoke 2 tokens?", "Revoke", "b, d")
        app.label("2 tokens revoked.")
        self.assertEqual(self.states(app), {"a": "active", "b": "revoked", "c": "active", "d": "revoked", "e": "active"})
        self.assertFalse(app.get("push button", "Revoke all of a project").has("enabled"), "of which?")
        app.choose("Project", "Search team")
        app.wait(lambda: app.find("push button", "Revoke all of a project", states=["enabled"]), "a project is chosen")
        app.press("Revoke all of a project")
        self.desktop.show("3-all")
        app.confirm("Revoke every token of Search team?", "Revoke all")
        app.label("3 tokens revoked")
        self.desktop.show("3-revoked")
        self.assertEqual({app.status_of(t["token"]) for t in tokens.values()}, {401})

    def test_deactivating_a_project_says_what_it_stops(self):
        app, _, tokens = self.with_tokens("Indexer", "Nightly")
        app.open_page("Projects and keys")
        table = app.get("table", "Projects")
        app.choose_row(table, app.row_of(table, "Name", "Search team"))
        app.press("Deactivate")
        self.desktop.show("3-deactivate")
        app.confirm("Deactivate Search team?", "Deactivate", "2 live tokens will be refused")
        app.label("Search team is inactive.")
        self.assertEqual(app.status_of(tokens["Indexer"]["token"]), 403)
        app.wait(lambda: table.column("State") == ["inactive"], "the table says so")
        app.wait(lambda: app.find("push button", "Activate"), "the button says what it would do now")
        app.press("Undo")
        app.label("Search team is active.")
        self.assertEqual(app.status_of(tokens["Indexer"]["token"]), 200)

    def test_found_and_sorted(self):
        app, table, tokens = self.with_tokens("Indexer", "Nightly", "Night watch", "Agent")
        for _ in range(2):
            app.status_of(tokens["Agent"]["token"])
        app.fill("Find tokens by name", "night")
        app.wait(lambda: set(table.column("Name")) == {"Nightly", "Night watch"}, "those that are called so")
        app.fill("Find tokens by name", "")
        app.wait(lambda: table.row_count == 4, "all again")
        app.sort_by(table, "Name")
        app.wait(lambda: table.column("Name") == ["Agent", "Indexer", "Night watch", "Nightly"], "from A to Z")
        app.sort_by(table, "Name")
        app.wait(lambda: table.column("Name") == ["Nightly", "Night watch", "Indexer", "Agent"], "from Z to A")
        app.sort_by(table, "Requests")
        app.sort_by(table, "Requests")
        app.wait(lambda: table.column("Requests")[0] == "2" and table.column("Name")[0] == "Agent", "by number, the largest first")
        app.make("/manage/tokens", project_id=tokens["Agent"]["project_id"], name="Gone", duration_minutes=60)
        app.choose("State", "Revoked")
        app.wait(lambda: table.row_count == 0, "none is revoked")
        app.wait(lambda: table.description.startswith("No token fits the filter"), "and that is said")
        self.desktop.show("4-none")


if __name__ == "__main__":
    unittest.main()
