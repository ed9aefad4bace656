#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""How much was used: by each key and by time, kept over restarts, and after a kill -9 neither more nor less than what the audit
log tells. Also without an audit table, and without an audit log."""
import json
import sqlite3
import time
import unittest
from datetime import datetime, timezone
from urllib.parse import urlencode

from audited_proxy import PARTS, AuditedProxy
from proxy_case import CHAT, until

COUNTS = ("requests", "errors", "denied", "prompt_tokens", "completion_tokens")


def moment(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()


class UsageCase(AuditedProxy):
    def usage(self, code=200, **query):
        status, answer = self.manage("GET", "/manage/usage?" + urlencode(query))
        self.assertEqual(status, code, answer)
        return answer

    def by(self, name, **query):
        return {item["key"]: item for item in self.usage(by=name, **query)["items"]}

    def wait_for(self, requests):
        """What was counted is in the answer within seconds."""
        return until(lambda: (u := self.usage()) and u["total"]["requests"] >= requests and u, f"{requests} requests are counted", 10)

    def counted(self):
        """Of the audit log's requests."""
        found = self.events()
        details = [e["details"] for e in found]
        return dict(zip(COUNTS, (len(found), sum(e["result"] == "error" for e in found), sum(e["result"] in ("denied", "failure") for e in found),
                                 sum(d.get("prompt_tokens", 0) for d in details), sum(d.get("completion_tokens", 0) for d in details))))

    def assert_counted(self):
        wanted = self.counted()
        total = self.wait_for(wanted["requests"])["total"]
        self.assertEqual({name: total[name] for name in COUNTS}, wanted)
        overview = self.manage("GET", "/manage/overview")[1]
        self.assertEqual({name: overview[name + "_24h"] for name in COUNTS}, wanted)

    def some_requests(self):
        for _ in range(3):
            self.assertEqual(self.ask(body=CHAT).status, 200)
        self.ask(body=CHAT, behave="status=503")
        self.ask(body=CHAT, token="tok-wrong")

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.start()


class Usage(UsageCase):
    def test_1_by_each(self):
        other = self.new_project(name="Other")["id"]
        token = self.new_token(project_id=other, allowed_models=["small*"])
        self.some_requests()
        for model, status in (("small-1", 200), ("small-2", 200), ("big", 403)):
            self.assertEqual(self.ask(body=CHAT | {"model": model}, token=token["token"]).status, status)
        self.assertEqual(self.ask("/v1/messages", body=CHAT | {"model": "claude", "max_tokens": 9}).status, 200)
        self.wait_for(9)
        self.assert_counted()
        projects = self.by("project")
        self.assertEqual({key: item["requests"] for key, item in projects.items()}, {self.project_id: 5, other: 3, None: 1})
        self.assertEqual([projects[other][n] for n in COUNTS], [3, 0, 1, 22, 14])
        self.assertEqual((projects[None]["denied"], projects[None]["duration_ms_mean"]), (1, None))
        self.assertLessEqual(projects[other]["duration_ms_p50"], projects[other]["duration_ms_p95"])
        self.assertEqual(list(projects), [self.project_id, other, None], "the most requests first")
        self.assertEqual(self.by("token")[token["id"]]["requests"], 3)
        self.assertEqual({k: v["requests"] for k, v in self.by("model", token_id=token["id"]).items()}, {"small-1": 1, "small-2": 1, "(refused)": 1})
        self.assertEqual(self.by("provider")["anthropic"]["requests"], 1)
        self.assertEqual(self.by("project", model="claude")[self.project_id]["requests"], 1)
        self.assertEqual(self.usage(project_id=other)["total"]["requests"], 3)
        one = self.usage(limit=1)
        self.assertEqual((len(one["items"]), one["total"]["requests"]), (1, 9), "the total is of all")
        self.assertEqual((one["by"], one["step"]), ("project", None))

    def test_2_by_time(self):
        for step, seconds, days in (("minute", 60, 1), ("hour", 3600, 10), ("day", 86400, 100)):
            now = time.time()
            start = datetime.fromtimestamp(now - (7200 if step == "minute" else days * 86400), timezone.utc).isoformat()
            answer = self.usage(by="time", **{"from": start})
            self.assertEqual(answer["step"], step)
            times = [moment(item["time"]) for item in answer["items"]]
            self.assertEqual(times, [times[0] + seconds * i for i in range(len(times))])
            self.assertEqual((times[0], times[-1] + seconds), (moment(answer["from"]), moment(answer["to"])))
            self.assertEqual(times[0] % seconds, 0)
            self.assertEqual({item["key"] for item in answer["items"]}, {None})
            self.assertEqual(sum(item["requests"] for item in answer["items"]), answer["total"]["requests"])
            self.assertEqual(answer["total"]["requests"], self.counted()["requests"])

    def test_2_parts_are_summed(self):
        usage = {"input_tokens": 3, "cache_creation_input_tokens": 1200, "cache_read_input_tokens": 150_000, "output_tokens": 512,
                 "cache_creation": {"ephemeral_1h_input_tokens": 1000}, "server_tool_use": {"web_search_requests": 2}}
        token = self.new_token()
        for behave in ["says=" + json.dumps({"type": "message", "model": "claude", "usage": usage})] * 2 + ["cut-after=5"]:
            self.ask("/v1/messages", body=CHAT | {"stream": True}, behave=behave, token=token["token"])
        self.wait_for(self.counted()["requests"])
        used = until(lambda: (u := self.by("token").get(token["id"])) and u["requests"] == 3 and u, "all three are counted", 10)
        self.assertEqual({name: used[name] for name in (*PARTS, "prompt_tokens", "completion_tokens", "estimated")}, dict.fromkeys(PARTS, 0) | {
            "prompt_tokens": 2 * 151_203 + 21, "completion_tokens": 2 * 512 + 3, "cached_tokens": 300_000, "cache_write_tokens": 2400,
            "cache_write_1h_tokens": 2000, "searches": 4, "estimated": 1})
        self.assertEqual({self.usage(by=by, token_id=token["id"])["total"]["cached_tokens"] for by in ("time", "model", "project")}, {300_000})
        since = self.usage()["whole_since_seq"]
        self.assertEqual(since, None if self.settings.get("AUDIT_ENABLED") == "false" else 1)

    def test_3_refusals(self):
        for field, query in (("step", {"by": "time", "step": "hour", "from": "2020-01-01T00:00:00Z"}), ("step", {"step": "day"}),
                             ("step", {"by": "time", "step": "minute", "from": "2020-01-01T00:00:00Z", "to": "2020-01-01T01:00:00Z"}),
                             ("from", {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}), ("limit", {"limit": 1001}), ("by", {"by": "colour"})):
            self.assertEqual(self.usage(400, **query)["error"]["field"], field, query)

    def test_4_is_audited_but_for_the_console(self):
        known = [e["seq"] for e in self.events("usage.read")]
        self.usage(by="model", limit=77)
        refused = "failure"  # of the tests before, whose last ones may still come
        found = until(lambda: [e for e in self.events("usage.read") if e["seq"] not in known and e["result"] != refused], "the event")
        self.assertEqual({(e["actor"], e["result"]) for e in found}, {("management", "success")})

    def test_5_overview(self):
        before = self.manage("GET", "/manage/overview")[1]
        self.assertLess(abs(moment(before["time"]) - moment(before["started_at"])), 300)
        self.assertEqual(before["active_streams"], 0)
        for _ in range(20):
            self.ask(body=CHAT)
        until(lambda: self.manage("GET", "/manage/overview")[1]["requests_per_second"] >= 1, "the rate is seen", 10)
        stream = self.raw().send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + self.token.encode()
                                 + b"\r\nX-Request-ID: left-alone\r\nX-Behave: endless\r\nContent-Length: 2\r\n\r\n{}")
        stream.head()
        self.assertEqual(self.manage("GET", "/manage/overview")[1]["active_streams"], 1)
        stream.sock.close()
        until(lambda: self.manage("GET", "/manage/overview")[1]["active_streams"] == 0, "it ends", 10)
        if self.settings.get("AUDIT_ENABLED") != "false":
            until(lambda: [e for e in self.all_events() if e.get("request_id") == "left-alone"], "it is on record", 10)

    def test_6_restart(self):
        wanted = self.counted()["requests"]
        self.end()
        self.start()
        self.assertEqual(self.usage()["total"]["requests"], wanted)
        self.assert_counted()

    def test_7_kill(self):
        for round_number in range(3):
            self.some_requests()
            if round_number == 1:
                self.wait_for(self.counted()["requests"] - 1)
            self.kill()
            self.assert_counted()

    def test_8_removed_events_stay_counted(self):
        self.assert_counted()
        wanted = self.usage()["total"]
        self.end()
        link = sqlite3.connect(self.data / "llm-proxy.db")
        link.execute("DELETE FROM audit_events WHERE action = 'token.access'")
        link.commit()
        link.close()
        self.start()
        self.assertEqual(self.usage()["total"], wanted)

    def test_9_command(self):
        text = self.local("usage", "--by", "model").stdout
        self.assertRegex(text, r"(?m)^KEY +REQUESTS +ERRORS")
        self.assertRegex(text, r"(?m)^gpt-4o +\d+ ")
        self.assertEqual(json.loads(self.local("usage", "--by", "time", "--step", "hour", "--json").stdout)["step"], "hour")


class FileOnly(UsageCase):
    settings = {"AUDIT_STORE_IN_DB": "false"}

    def test_kill(self):
        for _ in range(3):
            self.some_requests()
            self.kill()
            self.assert_counted()


class NoAudit(UsageCase):
    settings = {"AUDIT_ENABLED": "false"}

    def test_restart(self):
        self.some_requests()
        self.wait_for(5)
        self.kill()
        self.assertEqual(self.usage()["total"]["requests"], 5)
        self.some_requests()
        self.end()
        self.start()
        total = self.usage()["total"]
        self.assertEqual([total[name] for name in COUNTS], [10, 2, 2, 66, 42])


if __name__ == "__main__":
    unittest.main()
