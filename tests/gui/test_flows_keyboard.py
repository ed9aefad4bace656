#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Without a mouse: the palette, the pages' keys, and the Tab key through a form."""
import unittest

from cli_case import TOKEN
from desktop import Flows

PAGES = ["Overview", "Projects and keys", "Access tokens", "Audit", "Live", "Usage", "Security", "Settings"]


class Keyboard(Flows):
    def setUp(self):
        super().setUp()
        self.project("Search team")
        self.app = self.open()

    def is_open(self, title):
        self.app.get("filler", title)
        self.app.wait(lambda: self.app.get("check box", title).has("checked"), f"{title} is marked in the navigation")

    def found(self):
        return [item.name for item in self.app.get("list", "What was found").children]

    def test_every_page_has_its_key(self):
        for number, title in reversed(list(enumerate(PAGES, 1))):
            self.app.key(f"ctrl+{number}")
            self.is_open(title)
            self.app.wait(lambda: any(node.has("focused") for node in self.app.get("filler", title).all()), f"the focus is on {title}")

    def focus(self):
        """The widget that has the focus now."""
        for window in self.app.windows():
            if not window.has("active"):
                continue
            for node in window.all(into_tables=False):
                if node.has("focused", "focusable") and node.role != "page tab":  # Qt calls the open tab focused wherever the focus is
                    return node
        return None

    def test_the_palette_opens_pages_and_acts(self):
        self.app.key("ctrl+k")
        self.app.get("dialog", "Find anything")
        self.desktop.show("9-palette")
        self.assertNotIn("Overview: Start the engine", self.found(), "what cannot be done now is not offered")
        self.app.type("secur")
        self.app.wait(lambda: self.found()[:1] == ["Security"], "the page")
        self.app.key("Return")
        self.is_open("Security")
        self.app.key("ctrl+k")
        self.app.get("dialog", "Find anything")
        self.app.type("new token")
        self.app.wait(lambda: self.found()[:1] == ["Access tokens: New token"], "the action")
        self.desktop.show("9-action")
        self.app.key("Return")
        form = self.app.get("dialog", "New access token")
        self.assertEqual(self.app.get("combo box", "Project", within=form).name, "Search team")
        self.app.wait(lambda: form.has("active"), "it has the keyboard")
        self.app.key("Escape")
        self.app.wait_gone("dialog", "New access token")
        self.is_open("Access tokens")
        self.app.key("ctrl+k")
        self.app.get("dialog", "Find anything")
        self.app.type("search")
        self.app.wait(lambda: "Search team" in self.found(), "the project, from the server")
        self.app.key("Escape")
        self.app.wait_gone("dialog", "Find anything")
        self.is_open("Access tokens")

    def step(self, key):
        node = self.app.wait(self.focus, "something has the focus")
        self.app.key(key)
        self.app.wait(lambda: self.focus() not in (None, node), f"{key} leads on from {node!r}")

    def walk(self, key, most=40):
        """The names of what the key leads to, until it comes round."""
        names, seen = [], []
        for _ in range(most):
            node = self.app.wait(self.focus, "something has the focus")
            if node in seen:
                return names
            seen.append(node)
            names.append(node.labels[-1])
            self.step(key)
        self.fail(f"never round: {names}")

    def test_a_token_without_a_mouse(self):
        self.app.key("ctrl+3")
        self.is_open("Access tokens")
        self.app.key("ctrl+n")
        self.app.get("dialog", "New access token")
        names = self.walk("Tab")
        wanted = ["Name", "Rate limit", "Requests", "Concurrent", "Models", "Endpoints", "Addresses", "Note", "Cancel", "Create token", "Project", "For", "Lifetime", "Unit of the lifetime"]
        self.assertEqual(names, wanted, "in the order in which they stand")
        self.assertEqual(self.walk("shift+Tab"), [wanted[0], *reversed(wanted[1:])])
        for _ in range(8):
            self.step("Tab")
        self.assertEqual(self.focus().name, "Cancel")
        self.app.key("Return")
        self.app.wait_gone("dialog")
        self.assertEqual(self.app.ask("/manage/tokens")["items"], [])
        self.app.key("ctrl+n")
        self.app.get("dialog", "New access token")
        self.app.type("By hand")
        self.app.key("Tab")
        self.app.type("7")
        self.desktop.show("9-form")
        self.app.key("Return")
        self.app.get("push button", "Copy token")
        self.desktop.show("9-token")
        token = self.app.ask("/manage/tokens")["items"][0]
        self.assertEqual((token["name"], token["rate_limit"]), ("By hand", 7))
        self.assertEqual(set(self.walk("Tab")), {"Access token", "Copy token", "Ready to paste", "curl", "Copy for curl", "I have saved the token", "Done"})
        while self.focus().name != "Copy token":
            self.step("Tab")
        self.app.key("space")
        self.app.wait(lambda: TOKEN.fullmatch(self.desktop.clipboard()), "the clipboard holds the token")
        self.app.key("Escape")
        self.app.wait_gone("dialog")

    def test_keys_in_a_table(self):
        tokens = [self.app.make("/manage/tokens", project_id=self.app.ask("/manage/projects")["items"][0]["id"], name=name, duration_minutes=m) for m, name in ((60, "a"), (120, "b"))]
        self.app.key("ctrl+3")
        table = self.app.get("table", "Access tokens")
        self.app.wait(lambda: table.column("Name") == ["a", "b"], "both, the soonest end first")
        self.app.wait(lambda: table.has("focused"), "the table has the focus")
        self.app.key("Down", "F2")
        dialog = self.app.get("dialog", contains="Limits of ")
        self.assertIn(tokens[0]["token_masked"], dialog.name)
        self.app.key("Escape")
        self.app.wait_gone("dialog", contains="Limits of ")
        self.app.key("Down", "Delete")
        self.app.get("alert message", "Revoke 1 token?")
        self.app.key("Return")  # "Cancel" is what Return does where something is lost
        self.app.wait_gone("alert message")
        self.app.key("Delete")
        self.app.get("alert message", "Revoke 1 token?")
        self.app.key("Tab", "Return")
        self.app.wait(lambda: self.app.ask(f"/manage/tokens/{tokens[1]['id']}")["state"] == "revoked", "it is revoked")
        self.assertEqual(self.app.ask(f"/manage/tokens/{tokens[0]['id']}")["state"], "active")


if __name__ == "__main__":
    unittest.main()
