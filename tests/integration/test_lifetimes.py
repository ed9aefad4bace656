#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Nothing lives longer or shorter than it should: a closed connection stays closed, a finished answer arrives though the
server stops, and bodies that are held whole are counted until they are gone."""
import json
import signal
import socket
import threading
import unittest

from cli_case import free_port
from proxy_case import KEY, Proxy, request, until


class Closed(Proxy):
    settings = {"MAX_CONNECTIONS": "20"}

    def test_a_closed_connection_stays_closed(self):
        """Pipelined requests behind a broken connection are not read: none goes out unaudited, none gives back a place
        under the limits that it does not hold."""
        refused = b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        valid = request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}")])
        before = self.upstream.count()
        for _ in range(60):
            client = self.raw()
            client.send(refused * 20 + valid)
            client.reset()
        def served():
            try:
                return self.ask(body={"model": "m"}).status == 200
            except (EOFError, ConnectionError):
                return False  # the broken ones are still counted
        until(served, "the server serves again")
        sent = self.upstream.count() - before
        until(lambda: len([e for e in self.events() if e["details"]["forwarded"]]) >= sent, "an event for each forwarded request")
        self.assertEqual(len([e for e in self.events() if e["details"]["forwarded"]]), self.upstream.count() - before)

        def open_ones():
            clients = [self.raw() for _ in range(40)]
            for client in clients:
                client.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answered = 0
            for client in clients:
                try:
                    answered += client.answer().status == 200
                except (EOFError, ConnectionError):
                    pass
                client.sock.close()
            return answered
        self.assertLessEqual(open_ones(), 20)


class Held(Proxy):
    settings = {"UPSTREAM_CONNECT_TIMEOUT": "120s"}

    def setUp(self):
        """A provider that accepts nobody: the bodies for it are held."""
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.bind(("127.0.0.1", free_port()))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        filler = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(filler.close)
        self.project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": f"http://127.0.0.1:{port}/v1"}])["id"]

    def limited(self):
        return self.new_token(project_id=self.project, allowed_models=["m"])

    def upload(self, token, size=15 << 20):
        """The answer's status and Retry-After; None: it is held."""
        client = self.raw()
        try:
            client.send(request(body=json.dumps({"model": "m", "text": "x" * size}).encode(), headers=[("Authorization", f"Bearer {token}")]))
            client.sock.settimeout(0.1)
            status, fields = client.head()
            return status, dict(fields).get("Retry-After")
        except (ConnectionError, EOFError, TimeoutError, socket.timeout):
            return None

    def uploads(self, tokens):
        """How many are held until one is refused."""
        for number, token in enumerate(tokens):
            if (answer := self.upload(token)):
                self.assertEqual(answer, (503, "1"))
                return number
        self.fail("none was refused")

    def test_bodies_that_wait_for_a_provider_count(self):
        """All together under the cap of 256 MiB."""
        tokens = [self.limited()["token"] for _ in range(6)]
        self.assertEqual(self.uploads(tokens * 4), 17)

    def test_one_lineage_holds_a_quarter_at_most(self):
        """Ruling 16: who fills it gets 503, with the same token and with its successor; another token is served."""
        first = self.limited()
        status, successor = self.manage("POST", f"/manage/tokens/{first['id']}/refresh", {})
        self.assertEqual(status, 201, successor)
        self.assertEqual(self.uploads([first["token"], successor["token"]] * 3), 4)
        self.assertIsNone(self.upload(self.limited()["token"]), "held, and not refused")
        small = self.new_token(allowed_models=["m"])["token"]
        self.assertEqual(self.ask(body={"model": "m"}, token=small).status, 200)


class LargeInspected(Proxy):
    settings = {"MAX_INSPECTED_BODY": "256MiB"}

    def test_a_body_that_never_fits_is_not_to_be_tried_again(self):
        token = self.new_token(allowed_models=["m"])["token"]
        size = (64 << 20) + 1
        fields = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
        client = self.raw().send(request(method="POST", path="/v1/chat/completions", body=b"", headers=[*fields, ("Content-Length", str(size))]))
        answer = client.answer()
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error"), answer.header("retry-after")), (413, "request_too_large", None))


class Stopping(Proxy):
    @classmethod
    def end(cls):
        cls.server.wait(60)
        assert cls.server.returncode == 0, (cls.cwd / "errors").read_text()

    def test_a_finished_answer_arrives_though_the_server_stops(self):
        size = 1_500_000
        client = self.raw(receive_buffer=8192)
        client.send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", f"download={size}")]))
        stream = self.raw()
        stream.send(request(body={"model": "m", "stream": True}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "gate=end")]))
        client.head()
        stream.head()
        self.server.send_signal(signal.SIGTERM)
        until(lambda: self.refused(), "the server stops to listen")
        self.server.send_signal(signal.SIGHUP)  # turns logs over, and must not end the drain
        got = 0
        while part := client.chunk():
            got += len(part)
        self.assertEqual(got, size)
        self.upstream.open_gate("end")
        self.assertEqual(stream.chunk(), b"data: 1\n\n")
        self.assertEqual(stream.chunk(), b"data: 2\n\n")
        self.assertEqual(stream.chunk(), b"")
        self.assertEqual(self.server.wait(60), 0)

    def refused(self):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) != 0


if __name__ == "__main__":
    unittest.main()
