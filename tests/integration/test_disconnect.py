#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Who leaves is let go: a client's end cancels its upstream call in every phase, a revoke ends running streams, and no
concurrency slot stays behind. Times are measured at the upstream."""
import time
import unittest

from proxy_case import CUT_SECONDS, Proxy, fresh_id, request, until

PHASES = {"before the head": "stall", "before the first byte": "stall-after-head", "mid-stream": "stall-mid-stream"}


class Disconnect(Proxy):
    def begin(self, behave, token=None, **more):
        """A streaming request that hangs; returns the client, the upstream's request and its id."""
        request_id = fresh_id()
        before = self.upstream.count()
        client = self.raw(**more)
        client.send(request(body={"model": "m", "stream": True}, headers=[
            ("Authorization", f"Bearer {token or self.token}"), ("X-Behave", behave), ("X-Request-ID", request_id)]))
        seen = self.upstream.wait_request(before + 1)
        if behave != "stall":
            client.head()
        if behave == "stall-mid-stream":
            client.chunk()
        return client, seen, request_id

    def cancelled(self, seen, since, request_id, reason="client_cancelled"):
        waited = self.upstream.wait_end(seen) - since
        self.assertLess(waited, CUT_SECONDS)
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"], event["details"]["forwarded"]), ("error", reason, True))

    def test_a_reset_cancels_in_every_phase(self):
        for phase, behave in PHASES.items():
            with self.subTest(phase):
                client, seen, request_id = self.begin(behave)
                since = time.monotonic()
                client.reset()
                self.cancelled(seen, since, request_id)

    def test_a_close_cancels_in_every_phase(self):
        for phase, behave in PHASES.items():
            with self.subTest(phase):
                client, seen, request_id = self.begin(behave)
                until(lambda: time.monotonic() - seen.head_at > 0.15, "the 100 ms are over in which a FIN is a half-close")
                since = time.monotonic()
                client.sock.close()
                self.cancelled(seen, since, request_id)

    def test_a_client_that_leaves_mid_upload(self):
        for name, leave in (("close", lambda c: c.sock.close()), ("reset", lambda c: c.reset())):
            with self.subTest(name):
                request_id = fresh_id()
                before = self.upstream.count()
                client = self.raw()
                client.send(request("/v1/files", b"", "POST", [("Authorization", f"Bearer {self.token}"), ("Content-Length", "1000"),
                                                               ("X-Request-ID", request_id), ("Content-Type", "text/plain")]))
                client.send(b"x" * 100)
                seen = self.upstream.wait_request(before + 1)
                since = time.monotonic()
                leave(client)
                self.cancelled(seen, since, request_id)

    def test_half_close_is_answered(self):
        client = self.raw()
        client.send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}")])).fin()
        answer = client.answer()
        self.assertEqual((answer.status, answer.whole), (200, True))
        self.assertEqual(client.ended(), "fin")

    def test_reset_after_a_half_close_cancels(self):
        before = self.upstream.count()
        request_id = fresh_id()
        client = self.raw()
        client.send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "stall"),
                                                          ("X-Request-ID", request_id)])).fin()
        seen = self.upstream.wait_request(before + 1)
        since = time.monotonic()
        client.reset()
        self.cancelled(seen, since, request_id)

    def test_a_failed_write_after_a_half_close_cancels(self):
        before = self.upstream.count()
        client = self.raw()
        client.send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless")])).fin()
        seen = self.upstream.wait_request(before + 1)
        client.head()
        client.sock.close()  # the next event meets a closed socket
        self.upstream.wait_end(seen)

    def test_slots_come_back(self):
        token = self.new_token(max_concurrent=1)["token"]
        for behave in ("stall", "stall-after-head", "stall-mid-stream") * 5:
            client, seen, _ = self.begin(behave, token)
            self.assertEqual(self.ask(body={"model": "m"}, token=token).status, 429)
            client.reset()
            self.upstream.wait_end(seen)
            until(lambda: self.ask(body={"model": "m"}, token=token).status == 200, "the slot is free again")

    def test_a_revoke_cuts_running_streams(self):
        for phase, behave in PHASES.items():
            with self.subTest(phase):
                token = self.new_token()
                client, seen, request_id = self.begin(behave, token["token"])
                status, _ = self.manage("DELETE", f"/manage/tokens/{token['id']}")
                since = time.monotonic()
                self.assertEqual(status, 200)
                self.assertEqual(client.ended(), "reset")
                self.assertLess(time.monotonic() - since, CUT_SECONDS)
                self.assertNotIn(b"0\r\n\r\n", client.buffer)
                self.cancelled(seen, since, request_id, "stream_cut")
                self.assertEqual(self.ask(token=token["token"]).status, 401)

    def test_deactivating_a_project_cuts_its_streams(self):
        project = self.new_project()["id"]
        token = self.new_token(project_id=project)["token"]
        client, seen, request_id = self.begin("stall-mid-stream", token)
        status, _ = self.manage("PATCH", f"/manage/projects/{project}", {"is_active": False})
        since = time.monotonic()
        self.assertEqual(status, 200)
        self.assertEqual(client.ended(), "reset")
        self.cancelled(seen, since, request_id, "stream_cut")
        self.assertEqual(self.ask(token=token).header("x-llm-proxy-error"), "project_inactive")
        self.assertEqual(self.manage("PATCH", f"/manage/projects/{project}", {"is_active": True})[0], 200)
        self.assertEqual(self.ask(token=token, body={"model": "m"}).status, 200)

    def test_bulk_revoke_counts_what_it_cut(self):
        project = self.new_project()["id"]
        tokens = [self.new_token(project_id=project) for _ in range(3)]
        clients = [self.begin("stall-mid-stream", t["token"]) for t in tokens[:2]]
        self.manage("DELETE", f"/manage/tokens/{tokens[2]['id']}")
        status, answer = self.manage("POST", f"/manage/projects/{project}/tokens/revoke")
        self.assertEqual((status, answer), (200, {"revoked_count": 2, "already_revoked_count": 1, "streams_cut": 2}))
        for client, seen, _ in clients:
            self.assertEqual(client.ended(), "reset")
            self.upstream.wait_end(seen)

    def test_expiry_cuts_a_running_stream(self):
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        token = self.new_token(expires_at=expires)["token"]
        client, seen, request_id = self.begin("stall-mid-stream", token)
        self.assertEqual(client.ended(), "reset")
        self.upstream.wait_end(seen)
        self.assertEqual(self.event_of(request_id)["details"]["reason"], "stream_cut")
        self.assertEqual(self.ask(token=token).status, 401)

    def test_a_changed_expiry_is_a_running_streams_too(self):
        def at(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        shortened, prolonged = self.new_token(), self.new_token(expires_at=at(2))
        client, _, _ = self.begin("endless", shortened["token"])
        other, _, request_id = self.begin("gate=late", prolonged["token"])
        self.assertEqual(self.manage("PATCH", f"/manage/tokens/{prolonged['id']}", {"expires_at": at(600)})[0], 200)
        self.assertEqual(self.manage("PATCH", f"/manage/tokens/{shortened['id']}", {"expires_at": at(3)})[0], 200)
        self.assertEqual(client.ended(), "reset")
        self.upstream.open_gate("late")
        self.assertEqual(self.event_of(request_id)["result"], "success")

    def test_rotation_lets_running_streams_finish_on_the_old_key(self):
        project = self.new_project()["id"]
        token = self.new_token(project_id=project)["token"]
        gate = fresh_id()
        client, seen, _ = self.begin("gate=" + gate, token)
        rotated = "sk-rotated1234567890abcdef"
        self.assertEqual(self.manage("POST", f"/manage/projects/{project}/rotate-key",
                                     {"api_key": rotated, "provider": "openai"})[0], 200)
        self.ask(body={"model": "m"}, token=token)
        self.assertEqual(self.upstream.requests[-1].header("authorization"), "Bearer " + rotated)
        self.upstream.open_gate(gate)
        while client.chunk():
            pass
        self.assertNotEqual(seen.header("authorization"), "Bearer " + rotated)

    def test_refresh_with_grace_serves_both(self):
        old = self.new_token(max_requests=3)
        status, new = self.manage("POST", f"/manage/tokens/{old['id']}/refresh", {})
        self.assertEqual(status, 201, new)
        for token in (old["token"], new["token"], old["token"]):
            self.assertEqual(self.ask(body={"model": "m"}, token=token).status, 200)
        for token in (old["token"], new["token"]):  # the counter belongs to both
            self.assertEqual(self.ask(body={"model": "m"}, token=token).header("x-llm-proxy-error"), "request_quota_exceeded")
        status, last = self.manage("POST", f"/manage/tokens/{new['id']}/refresh", {"grace_minutes": 0})
        self.assertEqual(status, 201, last)
        self.assertEqual(self.ask(token=new["token"]).status, 401)


if __name__ == "__main__":
    unittest.main()
