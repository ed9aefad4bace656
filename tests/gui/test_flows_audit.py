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
        app.wait(lambda: table.row_count == len(app.events()), "the events, also those that came meanwhile")
        app.get("label", f"{table.row_count} events")
        return app, table, tokens

    def narrow(self, app, kind, value):
        """By a value of the menu; its number of events is behind it."""
        app.press("Filter", "button menu")
        values = app.click(app.item(app.menu(), kind)).children[0]
        item = app.item(values, f"{value} (")
        self.desktop.show("4-menu")
        app.click(item)
        app.get("push button", contains=f"Remove the filter {kind}: ")

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
        app.press("Remove the filter Result: success")
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
        app.get("push button", f"Remove the filter Request: {event['request_id']}")
        app.choose_row(table, 0, 2)
        app.key("ctrl+c")
        self.assertEqual(app.wait(lambda: json.loads(self.desktop.clipboard()), "the event is copied"), event)

    def test_verified_and_a_changed_event_is_found(self):
        app, table, tokens = self.with_events()
        app.press("Verify")
        dialog = app.get("dialog", "Verify the audit log")
        app.label("The log is intact", within=dialog)
        app.get("filler", "Valid", within=dialog)
        self.desktop.show("5-valid")
        app.press("Close", within=dialog)
        app.wait_gone("dialog")
        log = app.data / "audit.log"
        bad = next(e["seq"] for e in app.events("token.access"))
        lines = log.read_bytes().splitlines(keepends=True)
        where = sum(len(line) for line in lines[:bad - 1]) + lines[bad - 1].index(b'"token.access"')
        with log.open("r+b") as file:  # as long as before: the engine goes on writing behind it
            file.seek(where)
            file.write(b'"token.excess"')
        app.key("ctrl+shift+v")
        app.get("filler", f"Not valid, from event {bad}")
        app.label("The log was changed or is incomplete")
        self.desktop.show("5-not-valid")
        app.click(app.get("push button", contains=f"Event {bad}: "))
        app.wait_gone("dialog")
        app.wait(lambda: json.loads(app.get("text", "The event as it is logged").text)["seq"] == bad, "the event is shown")

    def export(self, app, name, **choices):
        app.press("Export")
        dialog = app.get("dialog", "Export audit events")
        file = app.folder / name
        for box, item in choices.items():
            app.choose(box, item, within=dialog)
        app.fill("File", str(file), within=dialog)
        self.desktop.show("5-export")
        app.press("Export", within=dialog)
        return file

    def verify_file(self, app, file, code):
        key = app.folder / "key.pem"
        key.write_text(subprocess.run([BIN, "--data-dir", str(app.data), "audit", "public-key"], env=app.env, capture_output=True, text=True, check=True, timeout=60).stdout)
        done = subprocess.run([BIN, "audit", "verify", "--file", str(file), "--public-key", str(key), "--json"], env=app.env, cwd=app.folder,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def test_exported_with_a_proof(self):
        app, _, tokens = self.with_events()
        file = self.export(app, "whole.jsonl")
        app.label("whole.jsonl written")
        self.desktop.show("5-written")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertEqual([json.loads(line)["seq"] for line in file.read_text().splitlines()[:5]], [1, 2, 3, 4, 5])
        self.verify_file(app, file, 0)
        file.write_text(file.read_text().replace("token.access", "token.excess", 1))
        self.verify_file(app, file, 1)
        self.narrow(app, "Result", "failure")
        app.get("label", "1 event")
        part = self.export(app, "part.csv", Format="CSV, for spreadsheets")
        app.label("part.csv written")
        self.assertEqual(len(part.read_text().splitlines()), 2, "a head and the one refusal")
        nowhere = self.export(app, "no/such/folder.jsonl")
        app.label("cannot be written")
        self.desktop.show("5-cannot")
        self.assertFalse(nowhere.parent.exists())


if __name__ == "__main__":
    unittest.main()
