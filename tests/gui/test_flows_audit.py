#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The audit log by hand: narrowed by what is in it, looked at, verified, exported with a proof."""
import json
import subprocess
import unittest

from cli_case import BIN
from desktop import Flows
from upstream import Upstream


class Audit(Flows):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())

    def with_events(self):
        """Two tokens, each used, and one that nobody gave out; on the page of the log: (app, table, tokens)."""
        project = self.project(base_url=self.upstream.url + "/v1")
        app = self.open()
        tokens = [app.make("/manage/tokens", project_id=project, name=name) for name in ("Indexer", "Nightly")]
        self.assertEqual([app.status_of(t["token"]) for t in tokens for _ in range(2)], [200] * 4)
        self.assertEqual(app.status_of("tok-" + "0" * 38), 401)
        app.open_page("Audit")
        table = app.get("table", "Audit events")
        app.wait(lambda: "token.access" in table.column("Action"), "the events")
        return app, table, tokens

    def narrow(self, app, kind, value):
        """By a value of the menu; its number of events is behind it."""
        app.press("Filter", "button menu")
        values = app.click(app.item(app.menu(), kind)).children[0]
        item = app.item(values, f"{value} (")
        self.desktop.show("4-menu")
        app.click(item)
        app.get("push button", contains=f"Take away the filter {kind}: ")

    def logged(self, app, **wanted):
        """The numbers of the events that the log has of these, the newest first, as the page has them."""
        found = [e for e in app.events() if all(e.get(n) == v or e.get("details", {}).get(n) == v for n, v in wanted.items())]
        return [str(e["seq"]) for e in reversed(found)]

    def shows(self, app, table, what, **wanted):
        app.wait(lambda: (seqs := self.logged(app, **wanted)) and table.column("Seq") == seqs, what)

    def test_narrowed_by_what_is_in_it(self):
        app, table, tokens = self.with_events()
        self.narrow(app, "Action", "token.access")
        self.shows(app, table, "every use", action="token.access")
        self.narrow(app, "Result", "success")
        self.shows(app, table, "every good use", action="token.access", result="success")
        self.narrow(app, "Token", tokens[0]["token_masked"])
        self.shows(app, table, "every good use of one token", action="token.access", token_uuid=tokens[0]["id"])
        self.desktop.show("4-chips")
        app.press("Take away the filter Result: success")
        app.press("Clear all filters")
        self.shows(app, table, "everything")
        app.choose("Time", "Last 15 minutes")
        self.shows(app, table, "all is younger")
        app.fill("Text in an event", "ken.crea")
        app.wait(lambda: table.column("Action") == ["token.create"] * 2, "the events that have this in a value")
        app.fill("Text in an event", "no event says this")
        app.wait(lambda: table.row_count == 0, "none")
        self.desktop.show("4-nothing")

    def test_one_event_whole_and_all_of_its_request(self):
        app, table, _ = self.with_events()
        app.choose_row(table, app.row_of(table, "Action", "token.access"), 2)
        details = app.get("text", "The event as it is logged")
        event = app.wait(lambda: json.loads(details.text), "the details")
        self.assertIn(event, app.events("token.access"))
        self.desktop.show("4-details")
        app.press("Everything of this request")
        self.shows(app, table, "the request's events", request_id=event["request_id"])
        app.get("push button", f"Take away the filter Request: {event['request_id']}")
        app.choose_row(table, 0, 2)
        self.desktop.key("ctrl+c")
        self.assertEqual(app.wait(lambda: json.loads(self.desktop.clipboard()), "the event is copied"), event)


if __name__ == "__main__":
    unittest.main()
