#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The audit log as people use it: the guide's grep recipes, one event per request, no secret, and a command beside a
running server that changes the same data."""
import json
import subprocess
import unittest

from proxy_case import KEY, MANAGEMENT, Proxy, request, until


class Audit(Proxy):
    def shell(self, script):
        return subprocess.run(["bash", "-c", script], cwd=self.data, check=True, capture_output=True, text=True).stdout

    def test_recipes(self):
        self.ask(body={"model": "m"})
        self.ask(body={"model": "m"}, token="tok-wrong")
        lines = self.shell(r"""grep "token\." audit.log | jq '.timestamp, .action, .result'""").splitlines()
        self.assertIn('"token.access"', lines)
        self.assertEqual(len(lines) % 3, 0)
        self.assertIn('"status":401', self.shell("""grep '"result":"failure"' audit.log | grep "token.access" """))
        self.assertIn(self.project_id, self.shell(f"""grep '"project_id":"{self.project_id}"' audit.log"""))

    def test_a_command_beside_the_server_revokes_at_once(self):
        token = self.new_token()
        self.assertEqual(self.ask(body={"model": "m"}, token=token["token"]).status, 200)
        self.local("token", "revoke", token["id"])
        self.assertEqual(self.ask(body={"model": "m"}, token=token["token"]).status, 401)
        revoked = self.events("token.revoke")[-1]
        self.assertEqual((revoked["actor"], revoked["details"]["token_uuid"]), ("cli", token["id"]))
        self.assertNotIn("locked", (self.cwd / "log").read_text() + (self.cwd / "errors").read_text())

    def test_one_chain_one_event_no_secret(self):
        before, since = self.upstream.count(), self.last_seq()
        for behave in (None, "status=500", "reset", "truncate-length", "close", "bad-head=garbage", None):
            self.ask(body={"model": "m"}, behave=behave)
        self.ask(f"/v1/models?key={self.token}", headers=[("X-Goog-Api-Key", self.token), ("User-Agent", f"x {KEY}")])
        self.ask("/nobody")
        until(lambda: len(self.events(since=since)) == 9, "an event for each request")
        forwarded = [e for e in self.events(since=since) if e["details"]["forwarded"]]
        self.assertEqual(len(forwarded), self.upstream.count() - before)
        events = self.events(None)
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual([e["prev"] for e in events[1:]], [e["hash"] for e in events[:-1]])
        everything = b"".join(p.read_bytes() for p in [*self.data.glob("audit*"), *self.data.glob("*.db*"), self.cwd / "log", self.cwd / "errors"])
        for secret in (self.token, KEY):
            self.assertNotIn(secret.encode(), everything)
        self.assertEqual(json.loads(self.local("audit", "list", "--json").stdout)["items"][0]["seq"] > 0, True)


class Management(Proxy):
    def test_the_first_call_is_noted_with_its_status(self):
        # The class's own first call made a project.
        self.assertEqual([e["details"]["status"] for e in self.events("auth.success")], [201])

    def test_what_was_answered_is_in_the_list(self):
        """A call that waits for its event waits for its row, too: whoever lists next finds it."""
        def newest(query):
            return self.manage("GET", f"/manage/audit?limit=1&{query}")[1]["items"][0]
        for number in range(20):
            name = f"note-{number}"
            calls = (("POST", "/manage/audit/review", {"note": name}, "action=audit.review"), ("POST", "/manage/tokens/validate", {"token": self.token}, "action=token.validate"),
                     ("POST", "/manage/audit/verify", None, "action=audit.verify"), ("POST", "/manage/projects", {"name": ""}, "action=project.create&result=failure"))
            for method, path, body, query in calls:
                self.manage(method, path, body, headers=[("X-Request-ID", f"{name}-{path.rsplit('/', 1)[1]}")])
                self.assertEqual(newest(query)["request_id"], f"{name}-{path.rsplit('/', 1)[1]}", path)

    def test_a_page_around_an_event_or_a_time(self):
        events = self.manage("GET", "/manage/audit?limit=200")[1]["items"]
        middle = events[len(events) // 2]
        for order in ("-created_at", "created_at"):
            page = self.manage("GET", f"/manage/audit?limit=2&sort={order}&around={middle['seq']}")[1]["items"]
            self.assertEqual(page[0]["seq"], middle["seq"], order)
            page = self.manage("GET", f"/manage/audit?limit=200&sort={order}&around={middle['timestamp']}")[1]["items"]
            self.assertEqual(page[0]["timestamp"], middle["timestamp"], order)
        for wrong in ("0", "-3", "yesterday", "9223372036854775807"):
            status, body = self.manage("GET", f"/manage/audit?around={wrong}")
            self.assertEqual((status, body["error"]["field"]), (400, "around"), wrong)

    def test_a_list_around_a_time_without_events_begins_with_the_next_one(self):
        first = self.manage("GET", "/manage/audit?limit=1&sort=created_at")[1]["items"][0]
        page = self.manage("GET", "/manage/audit?around=2001-01-01T00:00:00Z")[1]
        self.assertEqual(([e["seq"] for e in page["items"]], page["next_cursor"]), ([first["seq"]], None))
        newest = self.manage("GET", "/manage/audit?limit=1")[1]["items"][0]
        page = self.manage("GET", "/manage/audit?sort=created_at&around=2101-01-01T00:00:00Z")[1]["items"]
        self.assertEqual([e["seq"] >= newest["seq"] for e in page], [True])
        self.assertEqual(self.manage("GET", "/manage/audit?around=2001-01-01T00:00:00Z&project_id=nobody")[1]["items"], [])

    def test_reviews_at_once_do_not_cover_the_same_events(self):
        for number in range(5):
            self.new_token()
            together = [self.raw() for _ in range(4)]
            for client in together:
                client.send(request("/manage/audit/review", {"note": f"at once {number}"}, headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
            answers = [client.answer() for client in together]
            spans = sorted((s["from_seq"], s["to_seq"]) for s in (json.loads(a.body) for a in answers if a.status == 201))
            self.assertTrue(spans)
            for (from_seq, to_seq), later in zip(spans, spans[1:] + [(float("inf"), 0)]):
                self.assertLessEqual(from_seq, to_seq)
                self.assertLess(to_seq, later[0], spans)
            for answer in answers:
                if answer.status != 201:
                    self.assertEqual((answer.status, json.loads(answer.body)["error"]["code"]), (409, "nothing_to_review"))

    def test_deactivating_with_revocation_tells_both(self):
        project = self.new_project(name="Two")["id"]
        self.new_token(project_id=project), self.new_token(project_id=project)
        since = self.last_seq()
        status, answer = self.manage("PATCH", f"/manage/projects/{project}", {"is_active": False, "revoke_tokens": True})
        self.assertEqual((status, answer["is_active"]), (200, False))
        told = self.events(None, since)
        self.assertEqual([e["action"] for e in told], ["project.update", "token.revoke_batch"])
        self.assertEqual(told[1]["details"]["revoked_count"], 2)
        self.assertEqual({e["request_id"] for e in told}, {told[0]["request_id"]})
        stored = self.manage("GET", f"/manage/audit/{told[1]['seq']}")[1]
        self.assertEqual((stored["action"], stored["hash"]), ("token.revoke_batch", told[1]["hash"]))


class FileOnly(Proxy):
    settings = {"AUDIT_STORE_IN_DB": "false"}

    def test_reading_goes_to_the_file(self):
        for _ in range(30):
            self.ask(body={"model": "m"})
        self.ask(body={"model": "m"}, token="tok-wrong")
        path, seen = "/manage/audit?limit=7&action=token.access", []
        cursor = ""
        while cursor is not None:
            status, page = self.manage("GET", path + (f"&cursor={cursor}" if cursor else ""))
            self.assertEqual(status, 200, page)
            seen += page["items"]
            cursor = page["next_cursor"]
        self.assertEqual([e["seq"] for e in seen], [e["seq"] for e in reversed(self.events())])
        self.assertEqual(len(self.manage("GET", "/manage/audit?result=failure&action=token.access")[1]["items"]), 1)
        self.assertEqual(self.manage("GET", "/manage/audit?token_id=nobody")[1]["items"], [])
        status, one = self.manage("GET", f"/manage/audit/{seen[3]['seq']}")
        self.assertEqual((status, one), (200, seen[3]))
        self.assertEqual(self.manage("GET", "/manage/audit/999999")[0], 404)

    def test_why_there_are_no_counts_of_values(self):
        status, body = self.manage("GET", "/manage/audit/facets")
        self.assertEqual((status, body["error"]["code"]), (409, "audit_not_stored"))
        self.assertIn("AUDIT_STORE_IN_DB", body["error"]["message"])


if __name__ == "__main__":
    unittest.main()
