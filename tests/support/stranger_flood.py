# SPDX-License-Identifier: GPL-3.0-only
"""Floods of requests without a valid token, from one address and from thousands, and what is left of them: lines, counts that
add up, and a disk that has not filled. The short form is tests/hostile/test_strangers.py, the long one tests/bench/strangers.py."""
import json
import re
import sqlite3
import subprocess
import threading
import time
from collections import Counter

from proxy_case import MANAGEMENT, SANITIZED, Proxy, request, until
from raw_client import RawClient

MEGABYTE = 1_000_000
LINES_OF_ADDRESS, LINES_OF_MINUTE, LINES_OF_TOKEN, LINES_OF_VALID = 10, 600, 10, 600
CLOSES = re.compile(rb"Upgrade: websocket|Content-Length: [1-9]")  # the answer may end the connection
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
AGENT = ("User-Agent", "flood/1 " + "u" * 400)


def kinds(number):
    """One request of each kind that a stranger can send; number makes its texts new ones."""
    text = f"{number:012d}"
    unknown = ("Authorization", "Bearer tok-" + text * 2 + "a" * 14)
    return [
        request("/nowhere/" + text + "x" * 8000, headers=[AGENT, ("X-Request-ID", "r" * 100 + text)]),
        request("/v1/models?" + text, headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"), AGENT]),
        request("/v1/models/" + text, b"", "OPTIONS", [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")]),
        request("/v1/models/" + text, headers=[("X-Api-Key", "a" + text), ("Authorization", "Bearer b")]),
        request("/v1/models/" + text, headers=[AGENT]),
        request("/v1/chat/completions", b'{"model":"m' + text.encode() + b'"}', headers=[unknown]),
        request("/v1/models").replace(b"Host: localhost", b"Host: " + text.encode() + b".example", 1),
        request("/manage/projects/" + text, headers=[("Authorization", "Bearer wrong" + text), AGENT]),
    ]


class Flood:
    """Sends what it is given over a few connections, pipelined, and counts the answers."""

    def __init__(self, port, threads=4):
        self.port, self.threads, self.statuses, self.failed = port, threads, Counter(), []
        self.lock = threading.Lock()

    def run(self, batches):
        """batches: (address of this machine or None, [requests]) each on a connection of its own."""
        todo = iter(batches)

        def work():
            try:
                while True:
                    with self.lock:
                        batch = next(todo, None)
                    if batch is None:
                        return
                    self.send(*batch)
            except Exception as error:  # told by the caller's thread
                self.failed.append(error)
        workers = [threading.Thread(target=work) for _ in range(self.threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert not self.failed, self.failed

    def send(self, address, requests):
        at = 0
        while at < len(requests):
            with RawClient(self.port, timeout=60, source=address) as client:
                closed = False
                while at < len(requests) and not closed:
                    some = requests[at:at + 50]
                    last = next((place for place, data in enumerate(some) if CLOSES.search(data)), len(some) - 1)
                    some, closed = some[:last + 1], bool(CLOSES.search(some[last]))
                    self.exchange(client, some)
                    at += len(some)

    def exchange(self, client, requests):
        client.send(b"".join(requests))
        while len(found := STATUS.findall(client.buffer)) < len(requests):
            if not client._more():
                raise EOFError(f"{len(found)} of {len(requests)} answers")
        client.buffer = b""
        with self.lock:
            self.statuses.update(found)


def from_address(data, address):
    return data.replace(b"\r\n", b"\r\nX-Forwarded-For: " + address.encode() + b"\r\n", 1)


class StrangerFlood(Proxy):
    """Each test: a flood, a stop, and then the log against what was sent."""
    requests = 10_000
    timed = False  # in the long form
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "MANAGEMENT_ALLOWED_IPS": "0.0.0.0/0, ::/0", "MAX_HEADER_SIZE": "32KiB"}

    def setUp(self):
        type(self).end()
        type(self).start()
        self.since = self.last_seq()
        self.before = self.on_disk()
        self.began = time.time()

    def on_disk(self):
        """Bytes of log and database, without what waits in the WAL."""
        def written():
            link = sqlite3.connect(self.data / "llm-proxy.db", timeout=10)
            try:
                return link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            finally:
                link.close()
        until(written, "the WAL is written")
        return sum((self.data / name).stat().st_size for name in ("audit.log", "llm-proxy.db"))

    def stop(self, megabytes=1):
        """Ends the server, so that all that was counted is written; gives the new events and the minutes begun, in each of which
        so much may have been written."""
        minutes = int(time.time() // 60 - self.began // 60) + 1
        type(self).end()
        events = self.events(None, self.since)
        grown = self.on_disk() - self.before
        type(self).start()
        print(f"{self.id().rsplit('.', 1)[1]}: {len(events)} lines, {grown} bytes, {minutes} minute(s)", flush=True)
        self.assertLessEqual(grown, minutes * megabytes * MEGABYTE)
        return events, minutes

    def assert_strangers(self, sent):
        """Lines and counts add up to what was refused, within the limits; gives the events."""
        events, minutes = self.stop()
        strangers = [e for e in events if e["action"] in ("token.access", "auth.failure") and "token_uuid" not in e["details"] and e["result"] != "success"]
        single = [e for e in strangers if "count" not in e["details"]]
        counted = [e for e in strangers if "count" in e["details"]]
        self.assertEqual(len(single) + sum(e["details"]["count"] for e in counted), sent)
        self.assertLessEqual(max(Counter(e["client_ip"] for e in single).values(), default=0), minutes * LINES_OF_ADDRESS)
        self.assertLessEqual(len(single), minutes * LINES_OF_MINUTE)
        for event in counted:
            self.assertEqual((event["action"], event["result"]), ("auth.failure", "failure"))
            reasons = [reason.rsplit(":", 1) for reason in event["details"]["reasons"].split(",")]
            self.assertEqual(sum(int(count) for _, count in reasons), event["details"]["count"])
            self.assertEqual(event["details"]["of"], "token.access" if event["actor"] == "client" else "auth.failure")
            self.assertNotIn("request_id", event)
            self.assertFalse({"endpoint", "user_agent"} & set(event["details"]))
        for event in single:
            for text in ("endpoint", "user_agent"):
                self.assertLessEqual(len(event["details"].get(text, "")), 64)
        self.assert_dictionary_is_small()
        return events, counted

    def assert_dictionary_is_small(self):
        """What strangers choose is no term, and no key of usage."""
        link = sqlite3.connect(f"file:{self.data}/llm-proxy.db?mode=ro", uri=True, timeout=10)
        try:
            terms = link.execute("SELECT value FROM audit_terms WHERE kind IN ('endpoint', 'user_agent')").fetchall()
            self.assertEqual([value for value, in terms if re.search(r"(?<![-0-9a-f])\d{12}|uuuu|xxxx", value)], [])
            self.assertLessEqual(link.execute("SELECT count(*) FROM usage_keys WHERE token_uuid = ''").fetchone()[0], 1)
        finally:
            link.close()

    def counted_usage(self):
        return self.manage("GET", "/manage/overview")[1]["requests_24h"]

    def on_data_plane(self, requests):
        return sum(b" /manage" not in data.split(b"\r\n", 1)[0] for data in requests)

    def flood_of(self, addresses):
        """Requests of all kinds, shared out among the addresses."""
        data = [one for number in range(self.requests // 8) for one in kinds(number)]
        return [from_address(one, addresses[at % len(addresses)]) for at, one in enumerate(data)]

    def test_one_address(self):
        revoked, used = self.new_token(), self.counted_usage()
        self.manage("DELETE", f"/manage/tokens/{revoked['id']}")
        data = self.flood_of(["203.0.113.1"])
        flood = Flood(self.port)
        flood.run([(None, data[at::4]) for at in range(4)])
        self.assertEqual(self.ask(token=revoked["token"], headers=[("X-Forwarded-For", "203.0.113.1")]).status, 429)
        self.assertEqual(self.ask("/v1/models", headers=[("X-Forwarded-For", "198.51.100.9")]).status, 200)
        until(lambda: [e for e in self.events("alert.raise", self.since) if e["details"].get("token_uuid") == revoked["id"]], "the revoked token's alert")
        self.assertEqual(self.counted_usage() - used, self.on_data_plane(data) + 2, "usage counts each")
        events, counted = self.assert_strangers(len(data))
        own = [e for e in events if e["action"] == "token.access" and e["details"].get("token_uuid") == revoked["id"]]
        self.assertEqual([(e["details"].get("token_state", e["details"]["reason"]), e["client_ip"]) for e in own], [("revoked", "203.0.113.1")])
        self.assertEqual({e["client_ip"] for e in counted}, {"203.0.113.1"})
        self.assert_the_guides_grep()

    def assert_the_guides_grep(self):
        found = subprocess.run("""grep '"result":"failure"' audit.log | grep "token.access" """, shell=True, cwd=self.data, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in found.splitlines()]
        self.assertTrue([e for e in lines if e["action"] == "auth.failure" and e["details"]["count"] > 1 and e["seq"] > self.since])

    def test_thousands_of_forwarded_addresses(self):
        addresses = [f"198.18.{i // 256}.{i % 256}" for i in range(5000)] + [f"2001:db8:{i:x}::{i:x}" for i in range(500)]
        memory = self.memory()
        data = self.flood_of(addresses)
        Flood(self.port).run([(None, data[at::4]) for at in range(4)])
        if not SANITIZED:  # a sanitizer keeps freed memory on purpose
            self.assertLess(self.memory() - memory, 64 * MEGABYTE)
        events, counted = self.assert_strangers(len(data))
        of_all = [e["details"]["addresses"] for e in counted if "addresses" in e["details"]]
        self.assertGreater(max(of_all), 1000)
        self.assertLessEqual(max(of_all), len(addresses))

    def test_changes_go_on(self):
        """Each is in the table when it is answered."""
        data = self.flood_of(["203.0.113.1"])
        thread = threading.Thread(target=Flood(self.port).run, args=([(None, data[at::4]) for at in range(4)],))
        thread.start()
        slowest, most = 0, 0
        link = sqlite3.connect(f"file:{self.data}/llm-proxy.db?mode=ro", uri=True, timeout=10)
        try:
            for _ in range(20):
                began = time.monotonic()
                project = self.new_project()["id"]
                found = link.execute("SELECT count(*) FROM audit_events WHERE project_id = ? AND action = 'project.create'", (project,)).fetchone()[0]
                slowest, most = max(slowest, time.monotonic() - began), max(most, self.memory())
                self.assertEqual(found, 1)
        finally:
            link.close()
            during = thread.is_alive()
            thread.join()
        print(f"{self.id().rsplit('.', 1)[1]}: slowest {slowest * 1000:.0f} ms, {most / MEGABYTE:.0f} MB, {'during' if during else 'until after'} the flood", flush=True)
        if self.timed:
            self.assertTrue(during)
            self.assertLessEqual(slowest, 1)
        if not SANITIZED:
            self.assertLessEqual(most, 200 * MEGABYTE)

    def test_thousands_of_own_addresses(self):
        addresses = [f"127.{8 + i // 250}.0.{1 + i % 250}" for i in range(5000)]
        share = max(self.requests // len(addresses), 1)
        data = [one for number in range(len(addresses) * share // 8 + 1) for one in kinds(number)]
        batches = [(address, data[at * share:at * share + share]) for at, address in enumerate(addresses)]
        flood = Flood(self.port)
        flood.run(batches)
        events, counted = self.assert_strangers(sum(len(requests) for _, requests in batches))
        self.assertGreater(max(e["details"].get("addresses", 0) for e in counted), 1000, "loopback is not exempt")

    def test_tokens_that_we_know(self):
        """Whatever refuses them; forwarded requests are never counted together."""
        expired, valid, many = self.new_token(), self.new_token(), 660
        self.manage("DELETE", f"/manage/tokens/{expired['id']}")
        bearer = lambda token: ("Authorization", f"Bearer {token['token']}")
        wrong = [request("/nowhere", headers=[bearer(expired)]), request("/v1/models").replace(b"Host: localhost", b"Host: evil.example\r\n%s: %s" % tuple(
            part.encode() for part in bearer(expired)), 1), request("/v1/models", headers=[bearer(expired), ("X-Api-Key", "other")]),
            request("/v1/models", headers=[bearer(expired)]), request("/v1/models", headers=[bearer(expired), ("Connection", "Upgrade"), ("Upgrade", "websocket")])]
        flood = Flood(self.port)
        flood.run([(None, wrong * 10), (None, [request("/nowhere", headers=[bearer(valid)])] * many), (None, [request("/v1/models", headers=[bearer(valid)])] * many)])
        self.assertEqual(flood.statuses[b"200"], many)
        events, minutes = self.stop(3)  # those that were served have their lines
        mine = lambda token: [e for e in events if e.get("details", {}).get("token_uuid") == token["id"] and e["action"] == "token.access"]
        single = [e for e in mine(expired) if "count" not in e["details"]]
        counted = [e for e in mine(expired) if "count" in e["details"]]
        self.assertLessEqual(len(single), minutes * LINES_OF_TOKEN)
        self.assertGreaterEqual(len(single), LINES_OF_TOKEN)
        self.assertEqual(len(single) + sum(e["details"]["count"] for e in counted), 50)
        self.assertEqual({e["result"] for e in counted}, {"failure"})
        self.assertGreaterEqual({(e["result"], e["details"]["reason"]) for e in single}, {("denied", "endpoint_not_found"), ("denied", "misdirected_request"),
                                ("denied", "conflicting_credentials"), ("failure", "revoked"), ("denied", "upgrade_required")})
        self.assertTrue([e for e in events if e["action"] == "alert.raise" and e["details"].get("token_uuid") == expired["id"]])
        forwarded = [e for e in mine(valid) if e["details"].get("forwarded")]
        denied = [e for e in mine(valid) if e["result"] == "denied"]
        self.assertEqual(len(forwarded), many)
        self.assertLessEqual(len([e for e in denied if "count" not in e["details"]]), minutes * LINES_OF_VALID)
        self.assertEqual(sum(e["details"].get("count", 1) for e in denied), many)

    def test_management_strangers(self):
        data = [from_address(request(f"/manage/projects/{i}", headers=[("Authorization", f"Bearer {i}"), AGENT]), f"203.0.113.{i % 3}") for i in range(300)]
        flood = Flood(self.port)
        flood.run([(None, data)])
        self.assertEqual(set(flood.statuses), {b"401", b"429"})
        events, counted = self.assert_strangers(len(data))
        self.assertEqual({e["actor"] for e in counted}, {"management"})
        self.assertEqual(self.manage("GET", "/manage/overview", token=MANAGEMENT)[0], 200)
