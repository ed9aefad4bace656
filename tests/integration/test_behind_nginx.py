#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Debian's nginx with its default configuration and `proxy_pass` in front: it talks HTTP/1.0 to us and buffers what it gets,
unless the answer says X-Accel-Buffering: no."""
import unittest

from nginx import Nginx
from proxy_case import MANAGEMENT, Proxy, fresh_id, request
from raw_client import RawClient

# What comes through one after the other, as their Content-Type says. Bedrock's is the third.
EVENT_TYPES = ("text/event-stream", "Text/Event-Stream; charset=utf-8", "application/vnd.amazon.eventstream", "application/x-ndjson")


class BehindNginx(Proxy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = Nginx(cls.cwd / "nginx", cls.port)
        cls.addClassCleanup(cls.nginx.end)

    def through(self, data, timeout=5):
        client = RawClient(self.nginx.port, timeout=timeout)
        self.addCleanup(client.sock.close)
        return client.send(data)

    def test_a_stream_arrives_as_it_is_sent(self):
        for version in ("1.1", "1.0"):
            with self.subTest(version):
                gate = fresh_id()
                client = self.through(request(body={"model": "m", "stream": True}, version=version, headers=[
                    ("Authorization", f"Bearer {self.token}"), ("X-Behave", "gate=" + gate)]))
                client.head()
                client.read_until(b"data: 1\n\n")
                self.upstream.open_gate(gate)
                client.read_until(b"data: 2\n\n")

    def test_live_requests_arrive_as_they_happen(self):
        client = self.through(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        client.head()
        client.read_until(b"event: requests\n")

    def header_of(self, behave, version="1.1"):
        answer = self.raw().send(request(body={"model": "m", "stream": True}, version=version, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", behave)])).answer()
        self.assertEqual(answer.status, 200)
        return answer.header("x-accel-buffering")  # one at most

    def test_event_streams_say_it_once(self):
        for content_type in EVENT_TYPES:
            for version in ("1.1", "1.0"):
                for given in ("", "no", "yes"):
                    with self.subTest(content_type, version=version, given=given):
                        self.assertEqual(self.header_of(f"typed={content_type}|{given}", version), "no")

    def test_a_gemini_stream_that_is_a_json_array(self):
        for path, expected in (("/v1beta/models/m:streamGenerateContent", "no"), ("/v1beta/models/m:generateContent", None)):
            answer = self.ask(path, {"contents": []}, behave="typed=application/json|")
            self.assertEqual((answer.status, answer.header("x-accel-buffering")), (200, expected))

    def test_other_answers_are_left_as_they_came(self):
        for content_type in ("application/json", "text/plain", "text/event-streams"):
            for given in ("", "yes"):
                with self.subTest(content_type, given=given):
                    self.assertEqual(self.header_of(f"typed={content_type}|{given}"), given or None)


if __name__ == "__main__":
    unittest.main()
