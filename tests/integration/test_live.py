#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Watching requests while they run, and ending one. Watchers come and go while alerts are raised: LLM_PROXY_WATCHERS=500x100
says how many watch in each of how many rounds, best with a program under AddressSanitizer."""
import json
import os
import unittest
from pathlib import Path

from proxy_case import KEY, MANAGEMENT, Proxy, fresh_id, request, until


class Live(Proxy):
    def watch(self):
        client = self.raw().send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        status, headers = client.head()
        self.assertEqual((status, dict(headers)["Content-Type"]), (200, "text/event-stream"))
        return client

    def event(self, client):
        while True:
            text = client.chunk().decode()
            if text.startswith(":"):
                continue
            name, data = text.rstrip("\n").split("\n")
            self.assertEqual(name, "event: requests")
            self.assertNotIn(KEY, data)
            self.assertNotIn(self.token, data)
            return json.loads(data.removeprefix("data: "))

    def see(self, client, wanted, where="running"):
        """Reads events until one shows the request with this X-Request-ID."""
        for _ in range(40):
            event = self.event(client)
            found = [r for r in event[where] if r["request_id"] == wanted]
            if found:
                self.assertLessEqual(len(event["running"]), event["running_count"])
                return found[0]
        raise AssertionError(f"{wanted} was not shown as {where}")

    def test_requests_come_and_go(self):
        first, second = self.watch(), self.watch()
        self.event(first), self.event(second)
        request_id = fresh_id()
        stream = self.raw().send(request(body={"model": "gpt-4o", "stream": True}, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", "gate=live"), ("X-Request-ID", request_id)]))
        stream.head()
        for watcher in (first, second):
            seen = self.see(watcher, request_id)
            self.assertEqual((seen["phase"], seen["status"], seen["model"], seen["endpoint"], seen["project_id"], seen["provider"]),
                             ("streaming", 200, "gpt-4o", "/v1/chat/completions", self.project_id, "openai"))
            self.assertRegex(seen["token_masked"], r"^tok-.{4}\*{4}.{4}$")
            self.assertGreaterEqual(seen["first_byte_ms"], 0)
        self.upstream.open_gate("live")
        for watcher in (first, second):  # each sees each end
            ended = self.see(watcher, request_id, "ended")
            self.assertEqual((ended["phase"], ended["result"]), ("ended", "success"))
            self.assertGreater(ended["streamed_events"], seen["streamed_events"])
        short = fresh_id()  # shorter than the distance of two events
        self.ask(body={"model": "m"}, token="tok-wrong", headers=[("X-Request-ID", short)])
        ended = self.see(first, short, "ended")
        self.assertEqual((ended["result"], ended["status"]), ("failure", 401))
        read = self.events("events.read")
        self.assertEqual([(e["actor"], e["details"]["endpoint"]) for e in read], [("management", "/manage/events")])

    def test_one_is_ended(self):
        request_id = fresh_id()
        before = self.upstream.count()
        stream = self.raw().send(request(body={"model": "m", "stream": True}, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless"), ("X-Request-ID", request_id)]))
        seen = self.upstream.wait_request(before + 1)
        stream.head(), stream.chunk()
        identity = self.running(request_id)[0]["id"]
        status, killed = self.manage("DELETE", f"/manage/requests/{identity}")
        self.assertEqual((status, killed["id"], killed["request_id"], killed["reason"]), (200, identity, request_id, "killed"))
        self.assertEqual(stream.ended(), "reset")
        self.upstream.wait_end(seen)
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"]), ("error", "killed"))
        cancelled = self.events("request.cancel")[-1]
        self.assertEqual((cancelled["result"], cancelled["actor"], cancelled["project_id"]), ("success", "management", self.project_id))
        self.assertEqual((cancelled["details"]["cancelled_id"], cancelled["details"]["cancelled_request_id"]), (identity, request_id))
        self.assertEqual(cancelled["details"]["token_uuid"], event["details"]["token_uuid"])
        self.assertLess(cancelled["seq"], event["seq"], "on record before it is done")
        self.assertEqual(self.manage("DELETE", f"/manage/requests/{identity}")[0], 404)
        missed = self.events("request.cancel")[-1]
        self.assertEqual((missed["result"], missed["details"]["reason"]), ("failure", "not_found"))

    def test_the_same_request_id_twice(self):
        """Clients choose X-Request-ID: it neither names one request, nor may one client's choice end another's."""
        request_id = fresh_id()
        streams = [self.raw().send(request(body={"model": "m", "stream": True}, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless"), ("X-Request-ID", request_id)])) for _ in range(2)]
        for stream in streams:
            stream.head(), stream.chunk()
        running = until(lambda: [r for r in [self.running(request_id)] if len(r) == 2], "both run")[0]
        first, second = sorted(running, key=lambda r: r["started_at"])
        self.assertNotEqual(first["id"], second["id"])
        for one in running:
            self.assertRegex(one["id"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(self.manage("DELETE", f"/manage/requests/{request_id}")[0], 404)
        self.assertEqual(self.manage("DELETE", f"/manage/requests/{second['id']}")[0], 200)
        self.assertEqual([r["id"] for r in self.running(request_id)], [first["id"]])
        # One that sends the other's id as its own request id gets none of it.
        thief = self.raw().send(request(body={"model": "m", "stream": True}, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless"), ("X-Request-ID", first["id"])]))
        thief.head(), thief.chunk()
        status, killed = self.manage("DELETE", f"/manage/requests/{first['id']}")
        self.assertEqual((status, killed["request_id"]), (200, request_id))
        self.assertEqual(len(self.running(first["id"])), 1)

    def test_who_may_watch(self):
        self.assertEqual(self.manage("GET", "/manage/events", token="x" * 40)[0], 401)
        self.assertEqual(self.manage("GET", "/manage/events?all=1")[0], 400)
        self.assertEqual(self.manage("POST", "/manage/events")[0], 405)

    def test_a_watcher_does_not_hold_the_stop(self):
        # The class's end waits for the server, with this one still reading.
        type(self).watcher = self.watch()
        self.event(self.watcher)


class Watchers(Proxy):
    settings = {"TRUSTED_PROXIES": "127.0.0.1/32", "ALERT_AUTH_FAILURES": "1", "IP_RATE_LIMIT": "0", "MAX_CONNECTIONS": "5000", "MAX_CONNECTIONS_PER_IP": "5000",
                "MANAGEMENT_ALLOWED_IPS": "0.0.0.0/0"}
    count, rounds = (int(n) for n in os.environ.get("LLM_PROXY_WATCHERS", "40x6").split("x"))

    def alert(self, number):
        """One address more that fails to authenticate."""
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.assertEqual(self.ask(body={"model": "m"}, token="tok-wrong", headers=[("X-Forwarded-For", address)]).status, 401)

    def watchers(self, count):
        ask = request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}"), ("X-Forwarded-For", "10.255.0.1")])
        return [self.raw(receive_buffer=2048 if number % 4 == 3 else None).send(ask) for number in range(count)]

    def leave(self, watchers, number):
        """By RST, by FIN, by both, and with what was told still unread."""
        for at, watcher in enumerate(watchers):
            if (at + number) % 3 == 1:
                watcher.fin()
            if (at + number) % 3 != 2:
                watcher.reset()
            else:
                watcher.sock.close()

    def test_they_come_and_go_while_alerts_are_told(self):
        stays, = self.watchers(1)
        self.assertEqual(stays.head()[0], 200)
        told = 0
        for number in range(self.rounds):
            watchers = self.watchers(self.count)
            for watcher in watchers[:self.count // 2]:  # the others leave whenever they got to
                self.assertEqual(watcher.head()[0], 200)
            for more in range(4):
                self.alert(number * 4 + more)
                self.leave(watchers[more::4], number + more)
            while told < (number + 1) * 4:
                told += stays.chunk().decode().startswith("event: alert")
        def gone():
            return self.manage("GET", "/health")[0] == 200 and len(list((self.proc() / "fd").iterdir())) < self.count + 100
        until(gone, "their connections are closed", 60)

    def proc(self):
        return Path(f"/proc/{self.server.pid}")


if __name__ == "__main__":
    unittest.main()
