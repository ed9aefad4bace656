#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""RFC 9112 (HTTP/1.1): every requirement on a server, a sender, a recipient, an intermediary or a gateway, in the order of its
sections, and those on a client, which we are towards providers. A sentence with several conditions is one entry for each. Section
7.3 is for registries, 10 for a media type, 11 has none."""
import http.client
import json
import re
import socket
import threading
import unittest

from certificates import Authority
from musts import By, Decided, Live, Musts, NotOurs, Proxy, See, get, post
from proxy_case import KEY, MANAGEMENT, request

REQUESTS, UPSTREAMS = "hostile/test_requests.py", "hostile/test_upstreams.py"
FORMS, FAULTS, RELAY, LEAVING = (f"integration/test_{n}.py" for n in ("http_forms", "upstream_faults", "relay", "disconnect"))
BODY = '{"model":"m"}'
CHUNKS = "d\r\n" + BODY + "\r\n0\r\n\r\n"
TE = "Transfer-Encoding: chunked"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GATEWAY = "a rule for proxies that a client chose; a gateway is an origin server to its clients"
KNOWN_1_1 = "a provider is configured as an HTTP/1.1 server, which is the knowledge that is asked for"

MUSTS = [
    ("2.2", "a message is read as octets of a superset of ASCII",
     Live(get("/v1/x", "X-A: \xe4\xc3\x28\x85\xe2\x80\xa8b"), 200, sees={"X-A": "\xe4\xc3\x28\x85\xe2\x80\xa8b"})),
    ("2.2", "a sender makes no bare CR", See(RELAY, "test_a_reference_is_one_visible_word")),
    ("2.2", "a bare CR in a request is refused", See(REQUESTS, "a bare CR in a value", "a length behind a bare CR")),
    ("2.2", "a bare CR in an answer is refused", Live(get(), 502, says=OK + b"X-A: a\rb\r\nContent-Length: 0\r\n\r\n")),
    ("2.2", "no CRLF in front of or behind a request to a provider", By("one_request_after_another")),
    ("2.2", "a line end of ours within a body is counted in its length", See("integration/test_bodies.py", "test_byte_for_byte")),
    ("2.2", "a sender puts no blank between the start line and the fields", Live(get("/health"), 200, raw=rb"^HTTP/1\.1 200 OK\r\n[A-Z]")),
    ("2.2", "blanks in front of a request's fields are refused", See(REQUESTS, "a fold in front of the fields")),
    ("2.2", "blanks in front of an answer's fields are refused", Live(get(), 502, says=OK + b" X-A: b\r\nContent-Length: 0\r\n\r\n")),
    ("2.3", "what is forwarded to a provider has our version", Live(get(version="1.0"), 200, sees={":version": "HTTP/1.1"})),
    ("2.3", "what is forwarded to a client has our version",
     Live(get(), 200, says=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", raw=rb"^HTTP/1\.1 200 OK\r\n", body=b"{}")),
    ("3", "a target that is too long is answered with 414", See(REQUESTS, "a target over its limit")),
    ("3.2", "a client sends Host", See(RELAY, "test_what_travels_upstream")),
    ("3.2", "Host is the authority of the provider's URL", See(RELAY, "test_what_travels_upstream")),
    ("3.2", "Host is empty when there is no authority", NotOurs("an http or https URL always has one")),
    ("3.2", "400 when Host is missing in HTTP/1.1", See(REQUESTS, "no Host")),
    ("3.2", "400 when there are two Hosts", See(REQUESTS, "two Hosts")),
    ("3.2", "400 when there are two Hosts in HTTP/1.0",
     Live(get(version="1.0", host="Host: localhost\r\nHost: localhost"), 400, forwarded=0)),
    ("3.2", "400 when Host is not valid", See(REQUESTS, "a Host with a path", "a Host with a user", "a Host with a wrong port")),
    ("3.2.1", "a client sends only the path and the query", Live(get("http://localhost/v1/x?a=b"), 200, sees={":target": "/v1/x?a=b"})),
    ("3.2.1", "an empty path goes out as a slash", Live(get("/ollama/"), 200, sees={":target": "/"})),
    ("3.2.2", "a client sends the absolute form to a proxy", NotOurs("an HTTPS_PROXY is asked for a tunnel only, by libcurl")),
    ("3.2.2", "a client sends Host with the absolute form too", NotOurs("we never send the absolute form")),
    ("3.2.2", "a proxy puts the target's host into Host", NotOurs(GATEWAY)),
    ("3.2.2", "what is forwarded has a Host of its own",
     Live(get("http://localhost/v1/x"), 200, sees={"Host": re.compile(r"^127\.0\.0\.1:\d+$")})),
    ("3.2.2", "an origin server goes by the target's host and not by Host",
     Decided("design.md, the strict reader refuses: only a matching absolute form is taken",
             See(REQUESTS, "an absolute target that differs from Host", "an absolute target with another port"))),
    ("3.2.2", "a server accepts the absolute form", Live(get("http://localhost/health"), 200, body=b'{"status":"ok"}')),
    ("3.2.3", "CONNECT names only host and port", NotOurs("libcurl sends it; from clients it is not implemented")),
    ("3.2.4", "OPTIONS for a whole server sends only a star", NotOurs("we ask no provider that")),
    ("3.2.4", "a star is answered for the server as a whole",
     Live("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204, has={"Allow": re.compile("GET.*POST"), "Content-Length": None}, forwarded=0)),
    ("3.2.4", "only where the Host is served", Live("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, forwarded=0)),
    ("3.2.4", "the last proxy sends a star for OPTIONS with an empty path", NotOurs(GATEWAY)),
    ("4", "the blank behind the status stays without a reason",
     Live(get(), 299, says=b"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", raw=rb"^HTTP/1\.1 299 ")),
    ("5.1", "a blank in front of the colon is answered with 400", See(REQUESTS, "a blank before the colon", "a tab before the colon")),
    ("5.1", "a blank in front of an answer's colon does not go on",
     Live(get(), 502, says=OK + b"X-A : b\r\nContent-Length: 0\r\n\r\n", lacks=rb"X-A")),
    ("5.2", "a sender folds no lines", See(REQUESTS, "a folded field")),
    ("5.2", "a folded line in a request is answered with 400", See(REQUESTS, "a folded field", "a folded trailer")),
    ("5.2", "a gateway answers a folded line in an answer with 502",
     See(UPSTREAMS, "test_every_malformed_head_ends_in_one_refusal", "folded")),
    ("5.2", "a user agent puts blanks for folded lines", NotOurs("a gateway may answer 502 instead, by the sentence before it")),
    ("6.1", "chunks are read", See("integration/test_bodies.py", "test_byte_for_byte")),
    ("6.1", "nothing is chunked twice", Live(post(TE, body=CHUNKS), 200, sees={"Transfer-Encoding": "chunked", ":body": BODY})),
    ("6.1", "another coding of a request is followed by chunked", NotOurs("we apply none")),
    ("6.1", "another coding of an answer is followed by chunked or the close", NotOurs("we apply none")),
    ("6.1", "no Transfer-Encoding in 1xx", See(FORMS, "test_expect_continue")),
    ("6.1", "no Transfer-Encoding in 204",
     Live(get(), 204, says=b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", has={"Transfer-Encoding": None})),
    ("6.1", "no Transfer-Encoding in a 2xx to CONNECT", NotOurs("CONNECT is not implemented")),
    ("6.1", "a client sends no Transfer-Encoding to who may not know it", NotOurs(KNOWN_1_1)),
    ("6.1", "no Transfer-Encoding to an HTTP/1.0 client", See(FORMS, "test_http_1_0")),
    ("6.1", "the connection ends after both length and chunked", See(REQUESTS, "length and chunked", "chunked and length")),
    ("6.1", "Transfer-Encoding in an HTTP/1.0 request is faulty framing", See(REQUESTS, "chunked in HTTP/1.0")),
    ("6.1", "Transfer-Encoding in an HTTP/1.0 answer is faulty framing, and its connection ends",
     Live(get(), (200, 502), says=b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", kept=False)),
    ("6.2", "no Content-Length beside Transfer-Encoding", See(REQUESTS, "test_one_request_in_is_one_request_out")),
    ("6.3", "a client ignores the framing of a 2xx to CONNECT", NotOurs("libcurl reads it")),
    ("6.3", "a length beside chunked does not go on", See(REQUESTS, "length and chunked")),
    ("6.3", "a length beside chunked does not come back", See(UPSTREAMS, "test_every_malformed_head_ends_in_one_refusal", "both")),
    ("6.3", "a request whose only coding is not chunked is answered with 400", Live(post("Transfer-Encoding: gzip"), 400, forwarded=0)),
    ("6.3", "a request whose last coding is not chunked is answered with 400",
     Live(post("Transfer-Encoding: chunked, gzip"), 400, forwarded=0)),
    ("6.3", "a length that is not valid is an error without recovery",
     See(REQUESTS, "a length with a blank inside", "a hexadecimal length", "an empty length")),
    ("6.3", "it is answered with 400 and the close", See(REQUESTS, "a signed length", "two lengths that differ")),
    ("6.3", "in an answer it ends the connection, and the client gets 502",
     Live(get(), 502, says=OK + b"Content-Length: 5x\r\n\r\nhello", kept=False, lacks=rb"hello")),
    ("6.3", "a user agent discards such an answer",
     Live(get(), 502, says=OK + b"Content-Length: 5, 6\r\n\r\nhello", kept=False, lacks=rb"hello")),
    ("6.3", "a request cut short is incomplete, and its connection ends", See(LEAVING, "test_a_client_that_leaves_mid_upload")),
    ("6.3", "a request that stops is incomplete, and its connection ends", See("hostile/test_resources.py", "test_slow_bodies")),
    ("6.3", "an answer cut short is incomplete, and its connection ends", See(FAULTS, "test_broken_mid_stream", "test_stalled")),
    ("6.3", "a request with a body has a length or is chunked", See(REQUESTS, "test_one_request_in_is_one_request_out")),
    ("6.3", "a client chunks nothing for who may not know it", NotOurs(KNOWN_1_1)),
    ("6.3", "what follows an answer is no answer",
     Live(get(), 200, says=OK + b"Content-Length: 2\r\n\r\n{}" + OK + b"Content-Length: 4\r\n\r\nevil", body=b"{}",
          lacks=rb"evil", kept=False)),
    ("7.1", "chunks are decoded",
     Live(get(), 200, says=CHUNKED + b"05\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", body=b"hello0123456789")),
    ("7.1", "sizes that are too large for a number do no harm", See(REQUESTS, "a chunk size over 64 bits")),
    ("7.1", "nor do those of a provider",
     Live(get(), 200, says=CHUNKED + b"ffffffffffffffff1\r\nhello\r\n0\r\n\r\n", whole=False, lacks=rb"hello", kept=False)),
    ("7.1.1", "extensions of chunks are ignored", See(REQUESTS, "a chunk extension", "a quoted chunk extension")),
    ("7.1.1", "several of one chunk too", Live(post(TE, body="2;a=b;c=d\r\n{}\r\n0\r\n\r\n"), 200, sees={":body": "{}"})),
    ("7.1.1", "so are those of a provider",
     Live(get(), 200, says=CHUNKED + b"5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n", body=b"hello")),
    ("7.1.1", "extensions have a name, and a value behind an equals sign",
     See(REQUESTS, "a chunk extension without a name", "a chunk extension whose name is no token", "a chunk extension with a quote that stays open")),
    ("7.1.1", "an answer with others is broken",
     Live(get(), 200, says=CHUNKED + b"2\r\n{}\r\n5;\r\nhello\r\n0\r\n\r\n", whole=False, lacks=rb"hello", kept=False)),
    ("7.1.2", "trailers are kept apart or merged", NotOurs("they are dropped, which the section allows")),
    ("7.1.2", "trailers of requests are not merged", See(REQUESTS, "a trailer", "a smuggling trailer")),
    ("7.1.2", "trailers of answers are not merged",
     Live(get(), 200, says=CHUNKED + b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", body=b"hello", lacks=rb"(?i)x-t: ")),
    ("7.4", "a client does not name chunked in TE", Live(get("/v1/x", "Connection: TE", "TE: trailers, deflate"), 200, sees={"TE": None})),
    ("7.4", "a sender of TE names it in Connection", Live(get("/v1/x", "TE: trailers"), 200, sees={"TE": None, "Connection": None})),
    ("8", "an incomplete answer is recorded as such", See(FAULTS, "test_broken_mid_stream")),
    ("9.2", "answers of a provider belong to requests in their order", NotOurs("one request at a time is on a provider's connection")),
    ("9.2", "what comes without a request is no answer", By("an_answer_to_nothing")),
    ("9.3", "a client that keeps no connections says close", NotOurs("we keep them")),
    ("9.3", "a server that keeps no connections says close", NotOurs("we keep them")),
    ("9.3", "the rest of a body that is not wanted is no request",
     Live(post(path="/nobody", body="GET /v1/x?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404, forwarded=0)),
    ("9.3", "a client reads an answer to its end before it uses the connection again", See(LEAVING, "test_a_reset_cancels_in_every_phase")),
    ("9.3", "a proxy keeps no connection to an HTTP/1.0 client", NotOurs(GATEWAY)),
    ("9.3.2", "answers go out in the order of the requests", See(FORMS, "test_pipelined_requests_are_answered_in_order")),
    ("9.3.2", "a client that tries again does not pipeline at once", NotOurs("we do not pipeline")),
    ("9.6", "a client that said close sends nothing more", NotOurs("we do not say it")),
    ("9.6", "a client that said close closes", NotOurs("we do not say it")),
    ("9.6", "a server that is told close closes", By("close_closes")),
    ("9.6", "a server that is told close reads no further requests",
     Live(get("/health", "Connection: close") + get("/v1/x"), 200, forwarded=0)),
    ("9.6", "a server that says close closes", See(FORMS, "test_a_bad_request_after_a_good_one_is_answered")),
    ("9.6", "a server that says close reads no further requests",
     See(REQUESTS, "test_what_hides_behind_a_defect_in_framing_is_never_a_request")),
    ("9.6", "a client that is told close sends nothing more",
     Live(get(), 200, says=OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}", kept=False)),
    ("9.6", "a client that is told close closes", By("a_provider_that_says_close")),
    ("9.7", "under TLS all is application data", See("integration/test_tls.py", "test_a_stream_and_a_kept_connection")),
    ("9.8", "a client sends a closure alert before it closes", See("hostile/test_musts_9112.py", "test_an_alert_to_a_provider")),
    ("9.8", "a server starts the exchange of closure alerts", See("hostile/test_musts_9112.py", "test_an_alert_to_a_client")),
]


class Rfc9112(Musts, Proxy):
    RFC = "RFC 9112"
    MUSTS = MUSTS
    SECTIONS = "2.2 2.3 3 3.2 3.2.1 3.2.2 3.2.3 3.2.4 4 5.1 5.2 6.1 6.2 6.3 7.1 7.1.1 7.1.2 7.4 8 9.2 9.3 9.3.2 9.6 9.7 9.8"

    def one_request_after_another(self):
        before = self.upstream.count()
        for _ in range(3):
            self.assertEqual(self.ask("/v1/x", body=b"{}").status, 200)
        seen = self.upstream.requests[before:]
        self.assertEqual([(r.method, r.body, r.whole) for r in seen], [("POST", b"{}", True)] * 3)
        self.assertEqual(len({r.connection for r in seen}), 1)

    def an_answer_to_nothing(self):
        said = threading.Event()

        async def twice(request, reader, writer, _):
            for body in (b"good", b"evil"):
                writer.write(OK + b"Content-Length: 4\r\n\r\n" + body)
                await writer.drain()
            said.set()
            return True
        self.upstream.behave_twice = twice
        for _ in range(20):
            said.clear()
            self.assertEqual(self.ask(behave="twice").body, b"good")
            said.wait(20)
            self.assertNotIn(self.ask("/v1/x").body, (b"good", b"evil"))

    def close_closes(self):
        client = self.raw().send(get("/health", "Connection: close"))
        self.assertEqual(client.answer().header("connection"), "close")
        self.assertEqual(client.ended(), "fin")

    def a_provider_that_says_close(self):
        before = self.upstream.count()
        self.assertEqual(self.ask("/v1/x", body=b"{}", behave="answer").status, 413)
        self.upstream.wait_end(self.upstream.requests[before])


class Alerts(Proxy):
    """Ends of TLS connections, seen by who does not hide that an alert is missing."""

    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.authority = Authority(folder)
        certificate, key = cls.authority.certificate("both", "DNS:localhost,IP:127.0.0.1")
        cls.context = cls.authority.client_context()
        cls.settings = {"TLS_CERT_FILE": str(certificate), "TLS_KEY_FILE": str(key), "SSL_CERT_FILE": str(cls.authority.file)}
        super().setUpClass()

    @classmethod
    def manage(cls, method, path, body=None, token=MANAGEMENT, headers=()):
        link = http.client.HTTPSConnection("localhost", cls.port, timeout=30, context=cls.context)
        try:
            link.request(method, path, json.dumps(body), {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
            answer = link.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            link.close()

    def test_an_alert_to_a_client(self):
        with socket.create_connection(("127.0.0.1", self.port), 20) as plain, \
                self.context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while client.recv(65536):
                pass  # without an alert it raises

    def test_an_alert_to_a_provider(self):
        ends = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def provide():
                with listener.accept()[0] as plain, self.authority.server_context("both").wrap_socket(
                        plain, server_side=True, suppress_ragged_eofs=False) as client:
                    client.recv(65536)
                    client.sendall(OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
                    try:
                        ends.append(client.recv(65536))
                    except OSError as error:
                        ends.append(error)
            thread = threading.Thread(target=provide)
            thread.start()
            project = self.new_project(providers=[{"provider": "openai", "api_key": KEY,
                                                   "base_url": f"https://127.0.0.1:{listener.getsockname()[1]}/v1"}])
            token = self.new_token(project_id=project["id"])["token"]
            asked = request("/v1/x", headers=[("Authorization", f"Bearer {token}")])
            self.assertEqual(self.raw(tls=self.context).send(asked).answer().body, b"{}")
            thread.join(20)
        self.assertEqual(ends, [b""])


if __name__ == "__main__":
    unittest.main()
