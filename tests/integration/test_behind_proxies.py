#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Behind somebody's reverse proxy: whose address counts, which pages are of the same origin, and which names are served."""
import unittest

from nginx import Nginx
from proxy_case import CHAT, Proxy, fresh_id, request
from raw_client import RawClient


class ClientCase(Proxy):
    def client_of(self, *headers):
        """Who the audit log takes for the client."""
        request_id = fresh_id()
        self.assertEqual(self.ask(body=CHAT, headers=[*headers, ("X-Request-ID", request_id)]).status, 200)
        return self.event_of(request_id)["client_ip"]

    def check(self):
        status, answer = self.manage("GET", "/manage/doctor")
        self.assertEqual(status, 200)
        return next(item for item in answer["items"] if item["id"] == "client_addresses")


class RealIp(ClientCase):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "CLIENT_ADDRESS_HEADER": "X-Real-IP"}

    def test_one_header_names_the_client(self):
        self.assertEqual(self.client_of(), "127.0.0.1")
        self.assertEqual(self.client_of(("X-Real-IP", "203.0.113.7")), "203.0.113.7")
        self.assertEqual(self.client_of(("X-Forwarded-For", "198.51.100.1"), ("X-Real-IP", "203.0.113.7"), ("Forwarded", "for=198.51.100.2")), "203.0.113.7")
        self.assertEqual(self.check()["state"], "pass")
        self.assertEqual(self.client_of(("X-Forwarded-For", "198.51.100.1")), "127.0.0.1")
        found = self.check()
        self.assertEqual(found["state"], "warn")
        self.assertIn("CLIENT_ADDRESS_HEADER", found["fix"])


class Forwarded(ClientCase):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "CLIENT_ADDRESS_HEADER": "Forwarded"}

    def test_one_header_names_the_client(self):
        self.assertEqual(self.client_of(("Forwarded", 'for=198.51.100.1, for="[2001:db8::7]:4711";proto=https')), "2001:db8::7")
        self.assertEqual(self.client_of(("X-Forwarded-For", "198.51.100.1")), "127.0.0.1")


class Pages(ClientCase):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "ALLOWED_HOSTS": "llm.example, *.ts.net"}

    def status(self, origin, *headers, host=None):
        fields = [("Authorization", f"Bearer {self.token}"), ("Origin", origin), *headers]
        data = request(body=CHAT, headers=fields)
        if host:
            data = data.replace(b"Host: localhost\r\n", f"Host: {host}\r\n".encode(), 1)
        answer = self.raw().send(data).answer()
        self.assertIn((answer.status, answer.header("x-llm-proxy-error")), ((200, None), (403, "origin_not_allowed")))
        return answer.status

    def test_a_page_of_the_same_origin(self):
        self.assertEqual(self.status(f"http://127.0.0.1:{self.port}", host=f"127.0.0.1:{self.port}"), 200)
        self.assertEqual(self.status("http://llm.example", host="llm.example"), 200)
        for origin in ("https://llm.example", "http://llm.example:8080", "http://other.example", "null"):
            self.assertEqual(self.status(origin, host="llm.example"), 403, origin)

    def test_a_page_that_was_loaded_through_nginx(self):
        said = ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "chat.example")
        self.assertEqual(self.status("https://chat.example", *said), 200)
        self.assertEqual(self.status("https://llm.example", said[0], host="llm.example"), 200)
        for origin in ("http://chat.example", "https://chat.example:444", "https://localhost", "https://evil.example"):
            self.assertEqual(self.status(origin, *said), 403, origin)

    def test_through_the_real_nginx(self):
        nginx = Nginx(self.cwd / "nginx", self.port, "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https; "
                                                     "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
        self.addCleanup(nginx.end)
        for origin, status in (("https://a.b.ts.net", 200), ("https://x.ts.net", 403)):
            with RawClient(nginx.port) as client:
                data = request(body=CHAT, headers=[("Authorization", f"Bearer {self.token}"), ("Origin", origin)])
                self.assertEqual(client.send(data.replace(b"Host: localhost\r\n", b"Host: a.b.ts.net\r\n", 1)).answer().status, status)

    def test_names(self):
        for host, status in (("llm.example", 200), ("a.ts.net", 200), ("a.b.ts.net:443", 200), ("ts.net", 421), ("evilts.net", 421), ("other.example", 421)):
            data = request(body=CHAT, headers=[("Authorization", f"Bearer {self.token}")]).replace(b"Host: localhost\r\n", f"Host: {host}\r\n".encode(), 1)
            self.assertEqual(self.raw().send(data).answer().status, status, host)

    def test_probes_answer_any_host(self):
        for path in ("/health", "/ready"):
            for host in ("10-1-2-3.pod.cluster.local", "other.example:8080"):
                self.assertEqual(self.raw().send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").answer().status, 200, (path, host))
        self.assertEqual(self.raw().send("GET /manage/projects HTTP/1.1\r\nHost: other.example\r\n\r\n").answer().status, 421)


class PagesOfStrangers(Pages):
    """X-Forwarded-* of somebody who is no proxy of ours says nothing."""
    settings = {"ALLOWED_HOSTS": "llm.example, *.ts.net"}

    def test_a_page_that_was_loaded_through_nginx(self):
        self.assertEqual(self.status("https://chat.example", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "chat.example")), 403)
        self.assertEqual(self.status("http://localhost", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "chat.example")), 200)

    def test_through_the_real_nginx(self):
        pass


class PagesWithoutOrigin(Proxy):
    settings = {"CORS_ALLOWED_ORIGINS": "null, file://"}

    def test_files_and_web_views(self):
        for origin, status in (("null", 200), ("file://", 200), ("https://null", 403), ("file:///x", 403)):
            answer = self.ask(body=CHAT, headers=[("Origin", origin), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors")])
            self.assertEqual(answer.status, status, origin)
            self.assertEqual(answer.header("access-control-allow-origin"), origin if status == 200 else None)


if __name__ == "__main__":
    unittest.main()
