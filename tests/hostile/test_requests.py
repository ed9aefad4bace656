#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Requests with one defect each. Each is refused with its status, the connection is closed or in step, nothing of it
reaches a provider, and what is sent right behind it in the same bytes is never taken for an answer's owner."""
import unittest

from proxy_case import Proxy, until

HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
BODY = '{"model":"m"}'
SMUGGLED = "GET /v1/models?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(*fields, body=BODY, head=HEAD):
    return head + "".join(f + "\r\n" for f in ("Authorization: Bearer {token}", *fields)) + "\r\n" + body


LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"

# name: (bytes, status, RFC section). {token} becomes a valid access token.
DEFECTS = {
    # RFC 9112 section 6: framing
    "length and chunked": (post(LENGTH, CHUNKED, body="d\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "chunked and length": (post(CHUNKED, LENGTH, body="0\r\n\r\n"), 400),
    "two lengths that differ": (post(LENGTH, "Content-Length: 1"), 400),
    "two lengths that agree": (post(LENGTH, LENGTH), 400),
    "a list of lengths": (post(f"{LENGTH}, {len(BODY)}"), 400),
    "a signed length": (post(f"Content-Length: +{len(BODY)}"), 400),
    "a negative length": (post("Content-Length: -1"), 400),
    "a hexadecimal length": (post("Content-Length: 0xd"), 400),
    "a length with a decimal point": (post("Content-Length: 13.0"), 400),
    "a length over 64 bits": (post("Content-Length: 99999999999999999999"), 400),
    "an empty length": (post("Content-Length:"), 400),
    "a length with a blank inside": (post("Content-Length: 1 3"), 400),
    "an unknown coding": (post("Transfer-Encoding: gzip"), 400),
    "chunked is not last": (post("Transfer-Encoding: chunked, gzip"), 400),
    "chunked twice": (post("Transfer-Encoding: chunked, chunked"), 501),
    "two codings in two fields": (post(CHUNKED, CHUNKED), 400),
    "identity and chunked": (post("Transfer-Encoding: identity, chunked"), 501),
    "a coding with a quote": (post('Transfer-Encoding: "chunked"'), 400),
    "a coding with a vertical tab": (post("Transfer-Encoding: \x0bchunked"), 400),
    "chunked in HTTP/1.0": (post(CHUNKED, body="0\r\n\r\n", head=HEAD.replace("1.1", "1.0")), 400),
    # chunks, section 7.1
    "a chunk size that is no number": (post(CHUNKED, body="x\r\n"), 400),
    "a chunk size with 0x": (post(CHUNKED, body="0xd\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a signed chunk size": (post(CHUNKED, body="+d\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a negative chunk size": (post(CHUNKED, body="-1\r\n"), 400),
    "a chunk size over 64 bits": (post(CHUNKED, body="fffffffffffffffff\r\n"), 400),
    "an empty chunk size": (post(CHUNKED, body="\r\n" + BODY), 400),
    "a chunk line that ends in LF": (post(CHUNKED, body="d\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk line that ends in CR": (post(CHUNKED, body="d\r" + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk longer than its size": (post(CHUNKED, body="2\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "chunk data that ends in LF": (post(CHUNKED, body="d\r\n" + BODY + "\n0\r\n\r\n"), 400),
    "a chunk extension with a LF in quotes": (post(CHUNKED, body='d;a="\n"\r\n' + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk extension without a name": (post(CHUNKED, body="d;\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk extension whose name is no token": (post(CHUNKED, body="d;a(b)\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk extension without its value": (post(CHUNKED, body="d;a=\r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk extension with a quote that stays open": (post(CHUNKED, body='d;a="b\r\n' + BODY + "\r\n0\r\n\r\n"), 400),
    "a chunk extension with bytes behind its quotes": (post(CHUNKED, body='d;a="b"c\r\n' + BODY + "\r\n0\r\n\r\n"), 400),
    "a bare semicolon in the last chunk": (post(CHUNKED, body="d\r\n" + BODY + "\r\n0;\r\n\r\n"), 400),
    "a chunk extension with a blank at its end": (post(CHUNKED, body="d;a=b \r\n" + BODY + "\r\n0\r\n\r\n"), 400),
    "a trailer with a bare LF": (post(CHUNKED, body="d\r\n" + BODY + "\r\n0\r\nA: b\n\r\n"), 400),
    "a folded trailer": (post(CHUNKED, body="d\r\n" + BODY + "\r\n0\r\nA: b\r\n c\r\n\r\n"), 400),
    "a trailer without a colon": (post(CHUNKED, body="d\r\n" + BODY + "\r\n0\r\nAbc\r\n\r\n"), 400),
    # fields, section 5
    "a blank before the colon": (post(LENGTH, "X-A : b"), 400),
    "a tab before the colon": (post(LENGTH, "X-A\t: b"), 400),
    "a folded field": (post(LENGTH, "X-A: b", " c"), 400),
    "a fold in front of the fields": (HEAD + " X-A: b\r\n" + post(LENGTH)[len(HEAD):], 400),
    "a field without a colon": (post(LENGTH, "Xabc"), 400),
    "a field without a name": (post(LENGTH, ": b"), 400),
    "a name with a blank": (post(LENGTH, "X A: b"), 400),
    "a name with a bracket": (post(LENGTH, "X(A): b"), 400),
    "a name over ASCII": (post(LENGTH, "X-\xe4: b"), 400),
    "a NUL in a value": (post(LENGTH, "X-A: b\0c"), 400),
    "a NUL in a name": (post(LENGTH, "X-\0A: b"), 400),
    "a control character in a value": (post(LENGTH, "X-A: b\x01c"), 400),
    "a bare CR in a value": (post(LENGTH, "X-A: b\rc"), 400),
    "a bare LF after a field": (post(LENGTH, "X-A: b\nX-C: d"), 400),
    "a length behind a bare CR": (post("X-A: b\rContent-Length: 13"), 400),
    # request line, section 3
    "no version": ("GET /v1/models\r\nHost: localhost\r\n\r\n", 400),
    "two blanks": ("GET  /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a tab between": ("GET\t/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a blank in front": (" GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a blank at the end": ("GET /v1/models HTTP/1.1 \r\nHost: localhost\r\n\r\n", 400),
    "a blank in the target": ("GET /v1/ models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a lower-case protocol": ("GET /v1/models http/1.1\r\nHost: localhost\r\n\r\n", 400),
    "HTTP/1.2": ("GET /v1/models HTTP/1.2\r\nHost: localhost\r\n\r\n", 505),
    "HTTP/2.0": ("GET /v1/models HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
    "HTTP/1.10": ("GET /v1/models HTTP/1.10\r\nHost: localhost\r\n\r\n", 400),
    "HTTP/1": ("GET /v1/models HTTP/1\r\nHost: localhost\r\n\r\n", 400),
    "HTTP/0.9": ("GET /v1/models HTTP/0.9\r\nHost: localhost\r\n\r\n", 505),
    "an unknown method": ("FOO /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
    "a lower-case method": ("get /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
    "a method with a colon": ("GE:T /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "CONNECT": ("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n", 501),
    "TRACE": ("TRACE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
    "a target without a slash": ("GET v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a star for GET": ("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a fragment": ("GET /v1/models#a HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a target over ASCII": ("GET /v1/m\xf6dels HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a TLS hello": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "an HTTP/2 preface": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    # Host, section 3.2
    "no Host": ("GET /v1/models HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "two Hosts": ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "an empty Host": ("GET /v1/models HTTP/1.1\r\nHost:\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "a Host with a path": ("GET /v1/models HTTP/1.1\r\nHost: localhost/x\r\n\r\n", 400),
    "a Host with a user": ("GET /v1/models HTTP/1.1\r\nHost: me@localhost\r\n\r\n", 400),
    "a Host with a wrong port": ("GET /v1/models HTTP/1.1\r\nHost: localhost:x\r\n\r\n", 400),
    "a list of Hosts": ("GET /v1/models HTTP/1.1\r\nHost: localhost, localhost\r\n\r\n", 400),
    "an absolute target that differs from Host": ("GET http://other/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "an absolute target with another port": ("GET http://localhost:1/v1/models HTTP/1.1\r\nHost: localhost:2\r\n\r\n", 400),
    "another Host": ("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {token}\r\n\r\n", 421),
    # other steps of the path
    "an unknown expectation": (post(LENGTH, "Expect: 200-ok"), 417),
    "a path with dots": ("GET /v1/../manage HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "a path with coded dots": ("GET /v1/%2e%2e/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "a path with dots behind a coded slash": ("GET /v1/a%2f..%2fb HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "a path with a coded NUL": ("GET /v1/a%00 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "a path with two slashes": ("GET /v1//models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "a path with half an escape": ("GET /v1/a%2 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n", 400),
    "two credentials that differ": ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nx-api-key: other\r\n\r\n", 400),
    "two Authorization fields": ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                                 "Authorization: Bearer other\r\n\r\n", 400),
    "a WebSocket": ("GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 426),
    "a target over its limit": ("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    "a head over its limit": ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-A: " + "a" * 40000 + "\r\n\r\n", 431),
    "too many fields": ("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" + "X-A: b\r\n" * 101 + "\r\n", 431),
    "a body over its limit": (post("Content-Length: 600000000", body=""), 413),
}


class Requests(Proxy):
    def answers(self, data):
        """The statuses until the connection ends or is silent after a last, well-formed probe."""
        client = self.raw(timeout=10)
        client.send(data)
        found = []
        try:
            while True:
                answer = client.answer()
                found.append((answer.status, answer.header("x-llm-proxy-error"), answer.body))
                if len(found) == 1:
                    client.fin()
        except (EOFError, ConnectionResetError):
            return found

    def test_each_defect_is_refused_and_nothing_goes_on(self):
        before = self.upstream.count()
        for name, (text, status) in DEFECTS.items():
            with self.subTest(name):
                data = text.replace("{token}", self.token).encode("latin-1")
                found = self.answers(data)
                self.assertEqual([f[0] for f in found], [status])
                self.assertNotIn(self.token.encode(), found[0][2])
                self.assertTrue(found[0][1], "the refusal names its code")
        # A body streams on while it is read: a defect in it breaks the provider's request off, which is then no request.
        self.assertEqual([r.target for r in self.upstream.requests[before:] if r.whole], [])

    def test_a_malformed_body_before_a_half_close_is_answered(self):
        for end in ("x\r\n", "0\r\nA: b\n\r\n"):
            client = self.raw().send(post(CHUNKED, body=end).replace("{token}", self.token)).fin()
            self.assertEqual(client.answer().status, 400)

    def test_what_hides_behind_a_defect_in_framing_is_never_a_request(self):
        """Where the end of a message is in doubt, nothing behind it is read."""
        smuggled = SMUGGLED.replace("\r\n\r\n", f"\r\nAuthorization: Bearer {self.token}\r\n\r\n")
        before = self.upstream.count()
        for name, (text, status) in DEFECTS.items():
            framing = any(word in name for word in ("length", "chunk", "coding", "trailer", "bare", "fold", "colon", "a NUL", "HTTP/1.0"))
            if status not in (400, 501) or not framing:
                continue
            with self.subTest(name):
                data = (text.replace("{token}", self.token) + smuggled).encode("latin-1")
                self.assertEqual([f[0] for f in self.answers(data)], [status])
        self.assertEqual([r.target for r in self.upstream.requests[before:] if r.whole or "smuggled" in r.target], [])

    def test_one_request_in_is_one_request_out(self):
        """What could be read in two ways, and is allowed, goes out framed anew and as one."""
        good = {
            "a chunk extension": post(CHUNKED, body="d;a=b\r\n" + BODY + "\r\n0\r\n\r\n"),
            "a quoted chunk extension": post(CHUNKED, body='d;a="b c"\r\n' + BODY + "\r\n0\r\n\r\n"),
            "leading zeros": post(CHUNKED, body="0000d\r\n" + BODY + "\r\n000\r\n\r\n"),
            "capitals": post("TRANSFER-ENCODING: Chunked", body="D\r\n" + BODY + "\r\n0\r\n\r\n"),
            "a trailer": post(CHUNKED, "Trailer: X-T", body="d\r\n" + BODY + "\r\n0\r\nX-T: 1\r\n\r\n"),
            "a smuggling trailer": post(CHUNKED, body="d\r\n" + BODY + "\r\n0\r\nContent-Length: 50\r\n\r\n"),
            "a length named as hop by hop": post(LENGTH, "Connection: Content-Length"),
            "a body that looks like a request": post(f"Content-Length: {len(SMUGGLED)}", "Content-Type: text/plain", body=SMUGGLED,
                                                     head="POST /v1/files HTTP/1.1\r\nHost: localhost\r\n"),
            "empty lines in front": "\r\n" + post(LENGTH),
            "an empty field": post(LENGTH, "X-Empty:"),
        }
        for name, text in good.items():
            with self.subTest(name):
                before = self.upstream.count()
                found = self.answers(text.replace("{token}", self.token).encode("latin-1"))
                self.assertEqual([f[0] for f in found], [200])
                self.assertEqual(self.upstream.count(), before + 1)
                seen = self.upstream.requests[-1]
                names = [n.lower() for n, _ in seen.headers]
                self.assertEqual(names.count("content-length") + names.count("transfer-encoding"), 1, seen.headers)
                self.assertNotIn("x-t", names)

    def test_answers_belong_to_their_requests(self):
        """Pipelined good and refused requests: each answer is its own request's, in order."""
        parts, wanted = [], []
        for i in range(40):
            if i % 4 == 3:
                parts.append("GET /nobody HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: n-%d\r\n\r\n" % i)
                wanted.append(404)
            else:
                parts.append(post(LENGTH, "X-Request-ID: n-%d" % i).replace("{token}", self.token))
                wanted.append(200)
        client = self.raw()
        client.send("".join(parts))
        for i, status in enumerate(wanted):
            answer = client.answer()
            self.assertEqual((answer.status, answer.header("x-request-id")), (status, f"n-{i}"))

    def test_all_that_was_parsed_is_in_the_log(self):
        until(lambda: len([e for e in self.events() if e["details"]["forwarded"]]) == self.upstream.count(), "an event for each")


if __name__ == "__main__":
    unittest.main()
