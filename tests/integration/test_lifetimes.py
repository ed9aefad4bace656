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

    def test_bodies_that_wait_for_a_provider_count(self):
        """A provider that accepts nobody: the bodies for it are held, together under the cap of 256 MiB."""
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", free_port()))
            deaf.listen(0)
            port = deaf.getsockname()[1]
            filler = [socket.create_connection(("127.0.0.1", port)) for _ in range(1)]
            project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": f"http://127.0.0.1:{port}/v1"}])["id"]
            token = self.new_token(project_id=project, allowed_models=["m"])["token"]
            body = json.dumps({"model": "m", "text": "x" * (15 << 20)}).encode()
            clients, refused, lock = [], [], threading.Lock()

            def upload():
                client = self.raw()
                with lock:
                    clients.append(client)
                try:
                    client.send(request(body=body, headers=[("Authorization", f"Bearer {token}")]))
                    client.sock.settimeout(0.1)
                    refused.append(client.head()[0])
                except (ConnectionError, EOFError, TimeoutError, socket.timeout):
                    pass
            for _ in range(24):
                upload()
                if refused:
                    break
            self.assertEqual(refused, [503])
            for one in (*clients, *filler):
                one.sock.close() if hasattr(one, "sock") else one.close()


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
