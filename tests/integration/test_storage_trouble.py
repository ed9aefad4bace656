#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A disk that takes no more (a file size limit on the running server): 503 on both planes, never 401, nothing changes,
nobody waits, and service comes back by itself with no hole in the log."""
import resource
import unittest

from proxy_case import Proxy, until

BODY = {"model": "m"}


class FileAndTable(Proxy):
    def disk_full(self, full):
        _, hard = resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (1000 if full else hard, hard))

    def test_full_and_back(self):
        self.assertEqual(self.ask(body=BODY).status, 200)
        projects = len(self.manage("GET", "/manage/projects")[1]["items"])
        self.disk_full(True)
        status, answer = self.manage("POST", "/manage/projects", {"name": "x", "api_key": "sk-demo1234567890abcdef"})
        self.assertEqual((status, answer["error"]["code"]), (503, "service_unavailable"))
        for token in (self.token, "tok-wrong"):
            answer = until(lambda: (a := self.ask(body=BODY, token=token)).status == 503 and a, "503")
            self.assertEqual((answer.header("x-llm-proxy-error"), answer.header("retry-after")), ("service_unavailable", "1"))
        seen = self.upstream.count()
        self.assertEqual(self.ask(body=BODY).status, 503)
        self.assertEqual(self.upstream.count(), seen, "nothing is forwarded that cannot be recorded")
        self.disk_full(False)
        until(lambda: self.ask(body=BODY).status == 200, "service is back", 5)
        self.assertEqual(len(self.manage("GET", "/manage/projects")[1]["items"]), projects)
        self.assertEqual(self.manage("POST", "/manage/projects", {"name": "y", "api_key": "sk-demo1234567890abcdef"})[0], 201)

        def whole():
            events = self.manage("GET", "/manage/audit?limit=200")[1]["items"]
            numbers = sorted(e["seq"] for e in events)
            return numbers == list(range(1, numbers[-1] + 1))
        until(whole, "every seq has its row")


class TableOnly(FileAndTable):
    settings = {"AUDIT_LOG_FILE": ""}


class Deleted(Proxy):
    """What is written to a deleted folder is found by nobody: the server says so, and does not pretend."""

    def test_gone_and_back(self):
        self.assertEqual(self.ask(body=BODY).status, 200)
        away = self.data.with_name("away")
        self.data.rename(away)
        until(lambda: self.ask(body=BODY).status == 503, "requests are refused", 5)
        status, answer = self.manage("POST", "/manage/projects", {"name": "x", "api_key": "sk-demo1234567890abcdef"})
        self.assertEqual((status, answer["error"]["code"]), (503, "service_unavailable"))
        self.assertIn("data directory was deleted", answer["error"]["message"])
        self.assertFalse(self.manage("GET", "/manage/overview")[1]["ready"])
        checks = {i["id"]: i for i in self.manage("GET", "/manage/doctor")[1]["items"]}
        self.assertEqual(checks["permissions"]["state"], "fail")
        self.data.mkdir()  # another one in its place is not it
        self.assertEqual(self.ask(body=BODY).status, 503)
        self.data.rmdir()
        away.rename(self.data)
        until(lambda: self.ask(body=BODY).status == 200, "it is back", 5)


if __name__ == "__main__":
    unittest.main()
