#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Requests while they run: seen, ended one by one and by token."""
import unittest

from desktop import Flows
from upstream import Upstream


class Live(Flows):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())

    def with_streams(self, *names):
        """A token of each name with a stream that never ends, on the page: (app, table, streams)."""
        project = self.project(base_url=self.upstream.url + "/v1")
        app = self.open()
        app.open_page("Live")
        table = app.get("table", "Requests")
        self.assertEqual(table.row_count, 0)
        tokens = {name: app.make("/manage/tokens", project_id=project, name=name) for name in sorted(set(names))}
        streams = [self.stream(app, tokens[name]["token"]) for name in names]
        app.wait(lambda: table.column("Phase") == ["streaming"] * len(names), "every stream in the table")
        return app, table, tokens, streams

    def stream(self, app, token):
        client = self.enterContext(app.use(token, model="behave-endless", stream=True))
        self.assertEqual(client.head()[0], 200)
        return client

    def row_of_token(self, app, table, token):
        return app.row_of(table, "Token", token["token_masked"])

    def test_a_stream_is_ended(self):
        app, table, tokens, [first, second] = self.with_streams("Indexer", "Nightly")
        app.label("2 requests running")
        seen = table.rows[self.row_of_token(app, table, tokens["Indexer"])]
        self.assertEqual((seen["Model"], seen["Client"], seen["Endpoint"]), ("behave-endless", "127.0.0.1", "POST /v1/chat/completions"))
        self.desktop.show("6-live")
        app.choose_row(table, self.row_of_token(app, table, tokens["Indexer"]))
        app.press("End request")
        app.label("Ended. The client sees a broken stream.")
        self.assertIn(first.ended(), ("fin", "reset"))
        app.wait(lambda: any(p.startswith("ended") for p in table.column("Phase")), "it has ended in the table")
        self.desktop.show("6-ended")
        app.press("Show what has just ended", "check box")
        app.wait(lambda: table.column("Token") == [tokens["Nightly"]["token_masked"]], "it is gone from the table")
        app.label("1 request running")
        self.assertTrue(second.chunk(), "the other goes on")
        self.assertEqual(app.ask("/manage/overview")["active_streams"], 1)
        [ended] = [e for e in app.wait(lambda: app.events("token.access"), "its event") if e["details"]["token_uuid"] == tokens["Indexer"]["id"]]
        self.assertNotEqual(ended["result"], "success")
        self.assertIn("/v1/chat/completions", [r.target for r in self.upstream.requests if r.ended_at])

    def test_all_of_a_token_are_ended(self):
        app, table, tokens, streams = self.with_streams("Indexer", "Indexer", "Indexer", "Nightly")
        app.choose_row(table, self.row_of_token(app, table, tokens["Indexer"]))
        app.press("End all of this token")
        for stream in streams[:3]:
            self.assertIn(stream.ended(), ("fin", "reset"))
        app.wait(lambda: app.ask("/manage/overview")["active_streams"] == 1, "the other's stream alone runs")
        self.assertTrue(streams[3].chunk())
        app.label("1 request running")

    def test_paused_it_stands_still(self):
        app, table, tokens, [stream] = self.with_streams("Indexer")
        before = table.column("Received")
        app.wait(lambda: table.column("Received") != before, "the numbers go on")
        app.press("Pause")
        app.label("Paused. 1 request ran then.")
        stream.sock.close()
        app.wait(lambda: app.ask("/manage/overview")["active_streams"] == 0, "the stream has ended")
        self.assertEqual(table.column("Phase"), ["streaming"])
        app.press("Go on")
        app.wait(lambda: table.column("Phase") != ["streaming"], "what is now")
        app.label("0 requests running")


if __name__ == "__main__":
    unittest.main()
