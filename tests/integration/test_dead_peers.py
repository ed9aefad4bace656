#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A peer that vanished without a word (a NAT that forgot the connection, a laptop out of its network) is told from one that is
silent: its call is cancelled within 190 s. The times are shortened by a preloaded library; LLM_PROXY_LONG=1 takes the real ones."""
import os
import subprocess
import time
import unittest
from pathlib import Path

from networks import road_or_skip
from proxy_case import KEY, SANITIZED, Proxy, fresh_id, request, until
from raw_client import RawClient
from upstream import Upstream

LONG = bool(os.environ.get("LLM_PROXY_LONG"))
DIVISOR = 1 if LONG else 30
PATIENCE = 190 / DIVISOR + (0 if LONG else 1)  # timers of some seconds are rounded up by the kernel, a busy machine adds to that
SOURCE = Path(__file__).resolve().parents[1] / "support" / "short_patience.c"


@unittest.skipIf(SANITIZED, "a preloaded library and a sanitizer's runtime would both have to be the first one")
class DeadPeers(Proxy):
    settings = {"LISTEN_ADDR": "0.0.0.0:0", "ALLOW_INSECURE_LISTEN": "true"}

    @classmethod
    def setUpClass(cls):
        cls.road = road_or_skip()
        cls.addClassCleanup(cls.road.close)
        cls.enterClassContext(cls.road.home)  # the server, its usual upstream and the management calls
        if not LONG:
            library = cls.class_folder() / "short_patience.so"
            subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", str(SOURCE), "-o", str(library), "-ldl"], check=True)
            cls.settings = cls.settings | {"LD_PRELOAD": str(library), "PATIENCE_DIVISOR": str(DIVISOR)}
        super().setUpClass()
        with cls.road.away:
            cls.far = Upstream(host=cls.road.AWAY)
            cls.far.__enter__()
        cls.addClassCleanup(cls.far.__exit__)
        project = cls.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": cls.far.url + "/v1"}])["id"]
        cls.far_token = cls.new_token(project_id=project)["token"]

    def begin(self, client, upstream, behave, token, ends_sending=False):
        """(client, the upstream's request, request id) of a call that is under way."""
        self.addCleanup(client.sock.close)
        before, request_id = upstream.count(), fresh_id()
        client.send(request(body={"model": "m", "stream": True}, headers=[("Authorization", f"Bearer {token}"), ("X-Behave", behave),
                                                                          ("X-Request-ID", request_id)]))
        if ends_sending:
            client.fin()
        seen = upstream.wait_request(before + 1)
        if behave != "stall":
            client.head()
            client.chunk()
        return client, seen, request_id

    def lose_everything(self):
        self.road.lose_everything()
        self.addCleanup(self.road.repair)
        return time.monotonic()

    def test_a_client_that_vanished(self):
        calls = {}
        for behave in ("stall", "stall-mid-stream", "endless"):
            for ends_sending in (False, True):
                with self.road.away:
                    client = RawClient(self.port, host=self.road.HOME)
                calls[behave, ends_sending] = self.begin(client, self.upstream, behave, self.token, ends_sending)
        since = self.lose_everything()
        for call, (_, seen, request_id) in calls.items():
            with self.subTest(call):
                self.upstream.wait_for(lambda _, seen=seen: seen.ended_at is not None, PATIENCE + 20)
                self.assertLess(seen.ended_at - since, PATIENCE)
                self.assertEqual(self.event_of(request_id)["details"]["reason"], "client_cancelled")

    def test_a_provider_that_vanished(self):
        calls = {}
        for behave in ("stall", "stall-mid-stream"):
            calls[behave] = self.begin(RawClient(self.port, timeout=PATIENCE + 20), self.far, behave, self.far_token)
        upload = RawClient(self.port, timeout=PATIENCE + 20)
        self.addCleanup(upload.sock.close)
        before, upload_id = self.far.count(), fresh_id()
        upload.send(request("/v1/files", b"", "POST", [("Authorization", f"Bearer {self.far_token}"), ("Content-Length", "1000"),
                                                       ("X-Request-ID", upload_id), ("Content-Type", "text/plain")]))
        self.far.wait_request(before + 1)
        since = self.lose_everything()
        upload.send(b"x" * 1000)  # what is never acknowledged
        calls["upload"] = upload, None, upload_id
        for behave, (client, _, request_id) in calls.items():
            with self.subTest(behave):
                if behave == "stall-mid-stream":
                    self.assertEqual(client.ended(), "reset")
                else:
                    self.assertEqual(client.answer().status, 502)
                self.assertLess(time.monotonic() - since, PATIENCE)
                self.assertEqual(self.event_of(request_id)["details"]["reason"], "upstream_reset")

    def test_both_legs_of_a_thinking_model_are_probed(self):
        """As ss shows it; and who is alive is let alone, however long."""
        with self.road.away:
            client = RawClient(self.port, host=self.road.HOME)
        client, seen, _ = self.begin(client, self.far, "stall", self.far_token)
        shown = subprocess.run(["ss", "-tnoH"], check=True, capture_output=True, text=True).stdout
        legs = [line for line in shown.splitlines() if f"{self.road.AWAY}:" in line.split()[4]]
        self.assertGreaterEqual(len(legs), 2, shown)
        self.assertEqual([line for line in legs if "timer:(keepalive," not in line], [], shown)
        since = time.monotonic()
        until(lambda: time.monotonic() - since > PATIENCE + 1, "more than a vanished peer is given", PATIENCE + 10, 0.1)
        self.assertIsNone(seen.ended_at)


if __name__ == "__main__":
    unittest.main()
