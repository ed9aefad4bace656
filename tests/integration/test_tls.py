#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""TLS towards clients: the same front behind it, resumption, certificates that change while it runs, and the plain
listener beside it."""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from certificates import Authority
from cli_case import BIN, environment, free_port
from proxy_case import CUT_SECONDS, MANAGEMENT, Proxy, fresh_id, request, until


class TlsCase(Proxy):
    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.authority = Authority(folder)
        cls.certificate, cls.key = cls.authority.certificate("server", "DNS:proxy.example,DNS:localhost,IP:127.0.0.1")
        cls.context = cls.authority.client_context()
        cls.webroot = folder / "webroot"
        (cls.webroot / ".well-known" / "acme-challenge").mkdir(parents=True)
        cls.plain_port = free_port()
        cls.settings = {"TLS_CERT_FILE": str(cls.certificate), "TLS_KEY_FILE": str(cls.key), "REQUEST_HEAD_TIMEOUT": "1s",
                        "HTTP_LISTEN_ADDR": f"127.0.0.1:{cls.plain_port}", "ACME_WEBROOT": str(cls.webroot)}
        super().setUpClass()

    @classmethod
    def manage(cls, method, path, body=None, token=MANAGEMENT, headers=()):
        import http.client
        link = http.client.HTTPSConnection("localhost", cls.port, timeout=30, context=cls.context)
        try:
            fields = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            link.request(method, path, json.dumps(body) if body is not None else None, fields | dict(headers))
            answer = link.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            link.close()

    def raw(self, **more):
        return super().raw(**({"tls": self.context} | more))

    def failures(self):
        """Lines of the log about handshakes that failed."""
        lines = (self.cwd / "log").read_bytes().splitlines()
        return [json.loads(line) for line in lines if line.endswith(b"}") and b"handshake" in line]


class Tls(TlsCase):
    def test_a_stream_and_a_kept_connection(self):
        client = self.raw()
        for _ in range(3):
            client.send(request(body={"model": "m", "stream": True}, headers=[("Authorization", f"Bearer {self.token}")]))
            answer = client.answer()
            self.assertEqual((answer.status, answer.whole), (200, True))
        self.assertEqual(client.sock.selected_alpn_protocol(), None)

    def test_versions_and_protocols(self):
        for version, works in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = self.authority.client_context()
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(["h2", "http/1.1"])
            if not works:
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    self.raw(tls=context)
                continue
            client = self.raw(tls=context)
            self.assertEqual(client.sock.selected_alpn_protocol(), "http/1.1")
            self.assertEqual(client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().status, 200)

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client_context()
            context.minimum_version = context.maximum_version = version
            client = self.raw(tls=context)
            client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").answer()  # TLS 1.3 tickets come with the answer
            again = self.raw(tls=context, session=client.sock.session)
            self.assertTrue(again.sock.session_reused, version)

    def test_hsts_but_not_for_names_of_this_machine(self):
        for host, sent in (("proxy.example", True), ("localhost", False), ("127.0.0.1", False)):
            answer = self.raw().send(f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n").answer()
            self.assertEqual((answer.status, answer.header("strict-transport-security")), (200, "max-age=31536000" if sent else None))
        self.assertEqual(self.raw().send("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n").answer().status, 421)

    def test_large_bodies_both_ways(self):
        size = 8 << 20
        client = self.raw()
        # One thread: Python's TLS connections, before 3.13, are not for two. The upstream answers when it has all of the body.
        client.send(request("/v1/files", b"x" * size, "POST", [("Authorization", f"Bearer {self.token}"), ("Content-Type", "text/plain"), ("X-Behave", f"download={size}")]))
        status, _ = client.head()
        got = 0
        while part := client.chunk():
            got += len(part)
        self.assertEqual((status, got, self.upstream.requests[-1].body_bytes), (200, size, size))

    def test_pipelined_requests_in_one_record(self):
        one = request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}")])
        client = self.raw().send(one * 5)
        self.assertEqual([client.answer().status for _ in range(5)], [200] * 5)

    def test_who_leaves_cancels(self):
        """close_notify without FIN, FIN without close_notify, and RST."""
        def notify(sock):
            sock.settimeout(0.05)
            try:
                sock.unwrap()  # sends close_notify and waits for ours
            except (OSError, ssl.SSLError):
                pass
        leave = {"notify": notify, "close": lambda s: s.close(), "fin": lambda s: socket.socket(fileno=os.dup(s.fileno())).shutdown(socket.SHUT_WR)}
        for name, action in leave.items():
            with self.subTest(name):
                request_id, before = fresh_id(), self.upstream.count()
                client = self.raw()
                client.send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "stall-mid-stream"),
                                                                  ("X-Request-ID", request_id)]))
                seen = self.upstream.wait_request(before + 1)
                client.head(), client.chunk()
                until(lambda: time.monotonic() - seen.head_at > 0.15, "no half-close any more")
                since = time.monotonic()
                action(client.sock)
                self.assertLess(self.upstream.wait_end(seen) - since, CUT_SECONDS + 0.1)
                self.assertEqual(self.event_of(request_id)["details"]["reason"], "client_cancelled")

    def cpu(self):
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_the_beginning_of_a_record_is_waited_for_in_peace(self):
        client = self.raw()
        client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").answer()
        os.write(client.sock.fileno(), b"\x17\x03\x03")
        before, since = self.cpu(), time.monotonic()
        until(lambda: time.monotonic() - since > 1, "a second")
        self.assertLess(self.cpu() - before, 0.3, "it spins")

    def bytes_of(self, *texts, notify=False):
        """A TLS client whose records go out in one piece: (socket, its bytes, the TLS object)."""
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.settimeout(20)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65536))
        sock.sendall(outgoing.read())
        for text in texts:
            tls.write(text)
        if notify:
            try:
                tls.unwrap()
            except ssl.SSLWantReadError:
                pass
        self.addCleanup(sock.close)
        return sock, outgoing, tls

    def test_a_close_notify_behind_a_pipelined_request_cancels(self):
        request_id, before = fresh_id(), self.upstream.count()
        fields = [("Authorization", f"Bearer {self.token}"), ("X-Behave", "stall-mid-stream"), ("X-Request-ID", request_id)]
        sock, first, tls = self.bytes_of(request(body={"model": "m"}, headers=fields))
        sock.sendall(first.read())
        seen = self.upstream.wait_request(before + 1)
        until(lambda: time.monotonic() - seen.head_at > 0.2, "no half-close any more")
        tls.write(request("/v1/models"))
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        since = time.monotonic()
        sock.sendall(first.read())
        self.assertLess(self.upstream.wait_end(seen) - since, CUT_SECONDS + 0.1)

    def test_a_refused_last_request_before_a_close_notify_ends_the_connection(self):
        sock, data, _ = self.bytes_of(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", notify=True)
        sock.sendall(data.read())
        sock.settimeout(5)
        while sock.recv(65536):
            pass

    def test_an_encrypted_key_asks_nobody(self):
        import subprocess
        from proxy_case import BIN
        locked = self.authority.folder / "locked.key"
        subprocess.run(["openssl", "ec", "-in", self.authority.folder / "server.key", "-aes256", "-passout", "pass:x", "-out", locked], check=True, capture_output=True)
        done = subprocess.run([BIN, "--serve", "--data-dir", str(self.cwd / "none")], env=self.env | {
            "MANAGEMENT_TOKEN": MANAGEMENT, "TLS_CERT_FILE": str(self.certificate), "TLS_KEY_FILE": str(locked)}, cwd=self.cwd, capture_output=True,
            text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2)
        self.assertIn("TLS_KEY_FILE=", done.stderr)
        self.assertNotIn("pass phrase", done.stderr + done.stdout)

    def test_a_handshake_that_does_not_come_ends(self):
        plain = Proxy.raw(self)
        plain.send(b"\x16\x03\x01")
        self.assertIn(plain.ended(), ("fin", "reset"))
        other = Proxy.raw(self)
        other.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")  # plain HTTP on the TLS port
        self.assertIn(other.ended(), ("fin", "reset"))
        self.assertEqual(self.raw().send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().status, 200)

    def test_a_new_certificate_is_taken_without_dropping_anybody(self):
        stream = self.raw()
        stream.send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "gate=cert")]))
        stream.head()
        old = stream.sock.getpeercert()["serialNumber"]
        session = stream.sock.session
        new = self.authority.certificate("next", "DNS:proxy.example,DNS:localhost,IP:127.0.0.1")
        shutil.copy(new[1], self.key)
        shutil.copy(new[0], self.certificate)
        self.server.send_signal(signal.SIGHUP)
        until(lambda: self.raw().sock.getpeercert()["serialNumber"] != old, "the new certificate is shown")
        self.assertTrue(self.raw(session=session).sock.session_reused)
        # One that cannot be read changes nothing.
        self.certificate.write_text("garbage")
        until(lambda: "cannot be loaded again" in (self.cwd / "log").read_text(), "the log tells")
        self.assertEqual(self.raw().send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().status, 200)
        shutil.copy(new[0], self.certificate)
        self.upstream.open_gate("cert")
        self.assertEqual([stream.chunk() for _ in range(3)], [b"data: 1\n\n", b"data: 2\n\n", b""])

    def plain(self, text):
        client = Proxy.raw(self)
        client.sock.close()
        from raw_client import RawClient
        with RawClient(self.plain_port) as client:
            return client.send(text).answer()

    def test_the_plain_listener_sends_everybody_to_https(self):
        answer = self.plain("POST /v1/models?x=1 HTTP/1.1\r\nHost: proxy.example\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((answer.status, answer.header("location")), (308, f"https://proxy.example:{self.port}/v1/models?x=1"))
        self.assertIsNone(answer.header("strict-transport-security"))
        self.assertEqual(self.plain("GET /manage/projects HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 308)
        self.assertEqual(self.plain("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421)

    def test_acme(self):
        (self.webroot / ".well-known" / "acme-challenge" / "a-token_1").write_text("a-token_1.thumbprint")
        (self.webroot / "secret").write_text("no")
        (self.webroot / ".well-known" / "acme-challenge" / "link").symlink_to(self.webroot / "secret")
        get = "GET /.well-known/acme-challenge/%s HTTP/1.1\r\nHost: any.example\r\n\r\n"
        for ask in (self.plain, lambda text: self.raw().send(text).answer()):
            answer = ask(get % "a-token_1")
            self.assertEqual((answer.status, answer.body), (200, b"a-token_1.thumbprint"))
            for wrong in ("nothing", "..", "../../secret", "a/b", "link", "", "%2e%2e/secret"):
                self.assertEqual(ask(get % wrong).status, 404, wrong)

    def test_configuration(self):
        import subprocess
        from proxy_case import BIN
        other = self.authority.certificate("other", "DNS:x")[1]
        for settings, names in (({"TLS_CERT_FILE": str(self.certificate)}, "TLS_KEY_FILE is not set"),
                                ({"TLS_CERT_FILE": str(self.certificate), "TLS_KEY_FILE": str(other)}, "TLS_KEY_FILE="),
                                ({"TLS_CERT_FILE": "/nowhere", "TLS_KEY_FILE": str(other)}, "TLS_CERT_FILE=/nowhere:"),
                                ({"HTTP_LISTEN_ADDR": "127.0.0.1:0"}, "HTTP_LISTEN_ADDR="), ({"ACME_WEBROOT": "/nowhere"}, "ACME_WEBROOT="),
                                ({"TLS_MIN_VERSION": "1.1"}, "TLS_MIN_VERSION="), ({"CORS_ALLOWED_ORIGINS": "https://a/b"}, "CORS_ALLOWED_ORIGINS=")):
            done = subprocess.run([BIN, "--serve", "--data-dir", str(self.cwd / "none")], env=self.env | {"MANAGEMENT_TOKEN": MANAGEMENT} | settings,
                                  cwd=self.cwd, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, re.escape(names))
            self.assertFalse((self.cwd / "none").exists())

    def test_commands_of_this_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            env = environment(folder) | {"LISTEN_ADDR": f"127.0.0.1:{self.port}"} | self.settings
            done = subprocess.run([BIN, "--data-dir", str(self.data), "run", "--project", self.project_id, "--", "sh", "-c", "echo $OPENAI_BASE_URL"],
                                  env=env, cwd=folder, capture_output=True, text=True, timeout=60)
            self.assertRegex(done.stdout, "^http://127.0.0.1:[0-9]+/v1\n$", done.stderr)  # a listener of its own; test_run has the rest
            self.assertNotIn(f":{self.port}/", done.stdout)
            done = subprocess.run([BIN, "health"], env=env, cwd=folder, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"https://127.0.0.1:{self.port}", done.stdout)

    def test_doctor_tells(self):
        items = {i["id"]: i for i in self.manage("GET", "/manage/doctor")[1]["items"]}
        self.assertEqual((items["tls"]["state"], items["certificate"]["state"]), ("pass", "warn"))  # two days are left


class PlainHttp(TlsCase):
    def test_plain_http_on_this_port_is_told_so(self):
        for data in (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /v1/x HTTP/1.1\r\nHost: a\r\n"
                     b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000, b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: a\r\n\r\n"):
            before = len(self.failures())
            client = self.raw(tls=None).send(data)
            answer = client.answer()
            self.assertEqual((answer.status, answer.header("x-llm-proxy-error"), answer.header("connection"), answer.whole), (400, "bad_request", "close", True))
            self.assertIsNone(answer.header("strict-transport-security"))
            self.assertIn("https://", json.loads(answer.body)["error"]["message"])
            self.assertEqual(client.fin().ended(), "fin")
            line, = until(lambda: self.failures()[before:], "one line in the log")
            self.assertEqual(line["client_ip"], "127.0.0.1")
            self.assertIn("https://", line["why"])

    def test_plain_http_in_small_pieces(self):
        before = len(self.failures())
        client = self.raw(tls=None)
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
            client.send(bytes([byte]))
        self.assertEqual(client.answer().status, 400)
        until(lambda: self.failures()[before:], "its line, which no other test is to find")


class FailedHandshakes(TlsCase):
    def test_failed_handshakes_are_counted_and_logged(self):
        def count():
            item = next(i for i in self.manage("GET", "/manage/doctor")[1]["items"] if i["id"] == "tls")
            found = re.search(r"(\d+) handshakes? ha", item["evidence"])
            return int(found.group(1)) if found else 0
        before, lines = count(), len(self.failures())
        stranger = ssl.create_default_context()  # does not know our authority
        with self.assertRaises(ssl.SSLError):
            self.raw(tls=stranger)
        until(lambda: count() == before + 1, "it is counted")
        self.assertIn("unknown ca", until(lambda: self.failures()[lines:], "a line")[-1]["why"])
        for _ in range(200):
            self.raw(tls=None).send(b"\x16\x03\x01\x00\x05hello").ended()
        until(lambda: count() == before + 201, "all are counted")
        self.assertLessEqual(len(self.failures()), 40, "ten a minute and thread")
        self.raw(tls=None).sock.close()  # a probe of a load balancer
        self.assertEqual(self.manage("GET", "/health")[0], 200)
        self.assertEqual(count(), before + 201)


class Cors(Proxy):
    settings = {"CORS_ALLOWED_ORIGINS": "https://app.example, http://localhost:3000"}

    def test_preflight(self):
        ask = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization,x-stainless-os")]
        request_id = fresh_id()
        answer = self.raw().send(request(method="OPTIONS", headers=[*ask, ("X-Request-ID", request_id)])).answer()
        self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (204, "https://app.example"))
        self.assertEqual(answer.header("access-control-allow-headers"), "authorization,x-stainless-os")
        self.assertIn("POST", answer.header("access-control-allow-methods"))
        self.assertIn("Origin", answer.header("vary"))
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"], event["details"]["forwarded"]), ("success", "preflight", False))
        ask[0] = ("Origin", "https://evil.example")
        answer = self.raw().send(request(method="OPTIONS", headers=ask)).answer()
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (403, "origin_not_allowed"))
        self.assertIsNone(answer.header("access-control-allow-origin"))

    def test_requests(self):
        before = self.upstream.count()
        answer = self.ask(body={"model": "m"}, headers=[("Origin", "http://localhost:3000")], behave="headers")
        self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (200, "http://localhost:3000"))
        self.assertEqual(self.upstream.count(), before + 1)
        answer = self.ask(body={"model": "m"}, headers=[("Origin", "http://localhost:3001")])
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (403, "origin_not_allowed"))
        self.assertEqual(self.upstream.count(), before + 1)
        # A refusal that a page may read, and one of somebody who is no browser.
        answer = self.ask(body={"model": "m"}, token="tok-wrong", headers=[("Origin", "https://app.example")])
        self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (401, "https://app.example"))
        self.assertIn("X-Request-ID", answer.header("access-control-expose-headers"))
        self.assertIsNone(self.ask(body={"model": "m"}).header("access-control-allow-origin"))

    def test_pages_of_other_sites(self):
        """A browser says so by itself; without an origin that is allowed such a page gets nothing, on either plane."""
        def ask(path, *fields, method=None, origin=None, mode="no-cors", site="cross-site"):
            headers = [("Sec-Fetch-Site", site), *([("Sec-Fetch-Mode", mode)] if mode else []), *([("Origin", origin)] if origin else []), *fields]
            return self.raw().send(request(path, b"", method, headers)).answer()
        key, manage, own = (("Authorization", f"Bearer {t}") for t in (self.token, MANAGEMENT, self.token))
        before = self.upstream.count()
        for path, field in (("/v1/models", key), ("/manage/projects", manage), ("/metrics", manage), ("/nothing", key)):
            for mode in ("no-cors", "cors", "same-origin", "websocket", None):
                for origin in (None, "https://evil.example", "null"):
                    answer = ask(path, field, mode=mode, origin=origin)
                    self.assertEqual((answer.status, answer.header("x-llm-proxy-error"), answer.header("access-control-allow-origin")),
                                     (403, "origin_not_allowed", None), (path, mode, origin))
        self.assertEqual(ask("/manage/projects", manage, origin="https://app.example", mode="cors").status, 403, "no origin may manage")
        self.assertEqual(self.upstream.count(), before)
        self.assertEqual(ask("/v1/models", own, origin="https://app.example", mode="cors").status, 200)
        for site, mode in (("same-origin", "cors"), ("same-site", "no-cors"), ("none", "navigate"), ("cross-site", "navigate")):
            self.assertEqual(ask("/v1/models", own, site=site, mode=mode).status, 200, (site, mode))
        self.assertEqual([ask(path).status for path in ("/health", "/ready")], [200, 200])
        preflight = ("Access-Control-Request-Method", "POST")
        self.assertEqual(ask("/v1/chat/completions", preflight, method="OPTIONS", origin="https://app.example", mode="cors").status, 204)
        self.assertEqual(ask("/v1/chat/completions", preflight, method="OPTIONS", origin="https://evil.example", mode="cors").status, 403)
        # After the Host, before the rest: the credential is not looked at.
        self.assertEqual(ask("/v1/models", ("Authorization", "Bearer tok-wrong")).status, 403)
        answer = self.raw().send(b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nSec-Fetch-Site: cross-site\r\n\r\n").answer()
        self.assertEqual(answer.status, 421)

    def test_management_is_for_no_page(self):
        answer = self.raw().send(request("/manage/projects", headers=[("Origin", "https://app.example"), ("Authorization", f"Bearer {MANAGEMENT}")])).answer()
        self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (200, None))


if __name__ == "__main__":
    unittest.main()
