#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Every way in which a provider fails ends in the documented status or a cleanly broken stream, once, with one audit
event, and a POST reaches a provider at most once."""
import json
import ssl
import threading
import unittest
import warnings

from certificates import Authority
from cli_case import free_port
from proxy_case import KEY, Proxy, chunked, fresh_id, request, until
from upstream import Upstream

BODY = {"model": "m", "stream": True}


class UpstreamFaults(Proxy):
    settings = {"UPSTREAM_FIRST_BYTE_TIMEOUT": "300ms", "UPSTREAM_IDLE_TIMEOUT": "300ms", "UPSTREAM_CONNECT_TIMEOUT": "2s"}

    def fails(self, behave, status, code, reason, path="/v1/chat/completions", token=None, forwarded=True, body=BODY):
        """A refusal by the proxy for the provider's fault."""
        before, request_id = self.upstream.count(), fresh_id()
        answer = self.ask(path, body, token=token, behave=behave, headers=[("X-Request-ID", request_id)])
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error"), answer.whole), (status, code, True), answer.body)
        self.assertNotIn(b"127.0.0.1", answer.body)
        event = self.event_of(request_id)
        details = event["details"]
        self.assertEqual((event["result"], details["status"], details["reason"], details["forwarded"]),
                         ("error", status, reason, forwarded), event)
        self.assertLessEqual(self.upstream.count(), before + 1, "never twice")
        return answer

    def breaks(self, behave, reason, chunks=1):
        """A stream that began and is not whole: no final chunk, no invented bytes."""
        before, request_id = self.upstream.count(), fresh_id()
        answer = self.ask(body=BODY, behave=behave, headers=[("X-Request-ID", request_id)])
        self.assertEqual((answer.status, answer.whole, answer.body), (200, False, b"data: 1\n\n" * chunks))
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"], event["details"]["upstream_status"]), ("error", reason, 200))
        self.assertEqual(self.upstream.count(), before + 1)

    def other_provider(self, base_url):
        project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": base_url}])["id"]
        return self.new_token(project_id=project)["token"]

    def test_refused(self):
        token = self.other_provider(f"http://127.0.0.1:{free_port()}/v1")
        self.fails("", 502, "upstream_unreachable", "upstream_refused", token=token, forwarded=False)

    def test_unknown_name(self):
        token = self.other_provider("https://does-not-exist.invalid/v1")
        self.fails("", 502, "upstream_unreachable", "upstream_dns", token=token, forwarded=False)
        lines = lambda: [line for line in (self.cwd / "log").read_text().splitlines() if '"upstream_dns"' in line]
        until(lines, "the application log says so")
        self.assertIn("cannot be resolved", lines()[0])

    def test_the_application_log_says_where_a_request_could_not_go(self):
        """Provider, host and reason, and nothing of a path or a query."""
        plain = self.upstream.url.split("//")[1]
        port = free_port()
        for base_url, reason, host in (("https://no-such-host.invalid/secret-path", "upstream_dns", "no-such-host.invalid"), (f"http://127.0.0.1:{port}/secret-path", "upstream_refused", f"127.0.0.1:{port}"),
                                       (f"https://{plain}/secret-path", "upstream_connect_timeout", plain)):
            token = self.other_provider(base_url)

            def said():
                self.ask("/v1/models?secret-query=1", token=token)
                return [line for line in map(json.loads, (self.cwd / "log").read_text().splitlines()) if line.get("host") == host]
            line = until(said, f"a line about {host}", pause=0.3)[0]  # one a second for each reason
            self.assertEqual((line["level"], line["provider"], line["reason"]), ("warn", "openai", reason))
            self.assertNotIn("secret-", (self.cwd / "log").read_text())

    def test_reset_and_close_before_the_head(self):
        self.fails("reset", 502, "upstream_unreachable", "upstream_reset")
        self.fails("close", 502, "upstream_unreachable", "upstream_closed")

    def test_broken_mid_stream(self):
        self.upstream.open_gate("reset")
        self.breaks("reset-mid-stream", "upstream_reset")
        self.breaks("truncate-chunks", "upstream_truncated")
        request_id = fresh_id()
        answer = self.ask(body=BODY, behave="truncate-length", headers=[("X-Request-ID", request_id)])
        self.assertEqual((answer.status, answer.whole, answer.body), (200, False, b"12345"))
        self.assertEqual(self.event_of(request_id)["details"]["reason"], "upstream_truncated")

    def test_stalled(self):
        self.fails("stall", 504, "upstream_timeout", "upstream_first_byte_timeout")
        for behave in ("stall-mid-stream", "stall-mid-body", "stall-after-head"):
            request_id = fresh_id()
            answer = self.ask(body=BODY, behave=behave, headers=[("X-Request-ID", request_id)])
            self.assertEqual((answer.status, answer.whole), (200, False))
            self.assertEqual(self.event_of(request_id)["details"]["reason"], "upstream_idle_timeout")

    def test_malformed_heads(self):
        for what in ("version", "garbage", "lengths", "both", "nul", "barelf", "folded", "switching", "chunks"):
            with self.subTest(what):
                self.fails(f"bad-head={what}", 502, "upstream_unreachable", "upstream_bad_head")
        self.fails("endless-head", 502, "upstream_unreachable", "upstream_head_too_large")

    def test_dialects_of_our_own_errors(self):
        answer = self.fails("reset", 502, "upstream_unreachable", "upstream_reset", path="/v1/messages")
        self.assertRegex(answer.body, rb'^\{"type":"error","error":\{"type":"api_error","message":')
        answer = self.fails("reset", 502, "upstream_unreachable", "upstream_reset", path="/v1beta/models/g:generateContent")
        self.assertRegex(answer.body, rb'^\{"error":\{"code":502,"message":".*","status":"UNAVAILABLE"\}\}$')
        answer = self.fails("reset", 502, "upstream_unreachable", "upstream_reset")
        self.assertRegex(answer.body, rb'^\{"error":\{"message":".*","type":"server_error","param":null,"code":"upstream_unreachable"\}\}$')

    def test_provider_errors_pass_byte_for_byte(self):
        for status in (400, 401, 404, 429, 500, 503, 529):
            request_id = fresh_id()
            answer = self.ask(body=BODY, behave=f"status={status}", headers=[("X-Request-ID", request_id)])
            self.assertEqual((answer.status, answer.body), (status, b'{"error": {"message": "as asked", "type": "x", "code": null}}'))
            self.assertIsNone(answer.header("x-llm-proxy-error"), "the provider's, not ours")
            self.assertEqual(answer.header("x-upstream-request-id"), "up-1")
            self.assertEqual(answer.header("retry-after"), "0")
            event = self.event_of(request_id)
            self.assertEqual(event["result"], "success" if status < 500 else "error")
            self.assertEqual((event["details"]["upstream_status"], event["details"]["status"]), (status, status))

    def test_redirects_are_not_followed(self):
        before = self.upstream.count()
        answer = self.ask(body=BODY, behave="redirect")
        self.assertEqual((answer.status, answer.header("location")), (307, "http://other.example/"))
        self.assertEqual(self.upstream.count(), before + 1)

    def test_interim_answers_stop_here(self):
        answer = self.ask(body={"model": "m"}, behave="interim=3")
        self.assertEqual((answer.status, answer.whole), (200, True))
        self.fails("interim=30", 502, "upstream_unreachable", "upstream_bad_head")

    def test_early_answer_while_the_body_is_sent(self):
        request_id, before = fresh_id(), self.upstream.count()
        client = self.raw()
        client.send(request("/v1/files", b"", "POST", [("Authorization", f"Bearer {self.token}"), ("Content-Length", "100000"),
                                                       ("Content-Type", "text/plain"), ("X-Behave", "answer"),
                                                       ("X-Request-ID", request_id)]))
        client.send(b"x" * 1000)
        answer = client.answer()
        self.assertEqual((answer.status, answer.header("connection")), (413, "close"))
        self.assertEqual(self.event_of(request_id)["details"]["upstream_status"], 413)
        self.assertEqual(self.upstream.count(), before + 1)

    def test_a_connection_that_closes_when_it_is_used_again(self):
        # Each answer promises keep-alive and closes at once: the next request meets the close before or while it is sent.
        for _ in range(30):
            before = self.upstream.count()
            answer = self.ask(body={"model": "m"}, behave="close-after")
            self.assertLessEqual(self.upstream.count(), before + 1)
            self.assertIn(answer.status, (200, 502))

    def test_bad_chunks_from_the_client_are_not_forwarded_as_whole(self):
        request_id, before = fresh_id(), self.upstream.count()
        client = self.raw()
        client.send(request("/v1/files", b"", "POST", [("Authorization", f"Bearer {self.token}"), ("Transfer-Encoding", "chunked"),
                                                       ("X-Request-ID", request_id)]))
        client.send(b"5\r\nhello\r\n")
        seen = self.upstream.wait_request(before + 1)
        client.send(b"zz\r\n")
        self.assertEqual(client.answer().status, 400)
        self.upstream.wait_end(seen)
        event = self.event_of(request_id)
        self.assertEqual((event["result"], event["details"]["reason"]), ("error", "bad_request"))
        self.assertEqual(self.ask("/v1/files", chunked(b"a", b"bc"), headers=[("Transfer-Encoding", "chunked")]).status, 200)


class Certificates(Proxy):
    """TLS towards providers: only what the configured authorities vouch for, for this very name."""

    @classmethod
    def setUpClass(cls):
        folder = cls.class_folder()
        cls.authority = Authority(folder)
        cls.authority.certificate("good", "IP:127.0.0.1")
        cls.authority.certificate("other", "DNS:other.example")
        cls.authority.certificate("expired", "IP:127.0.0.1", 0)  # over at once; OpenSSL 3.5 takes no end before the start
        cls.authority.self_signed("self", "IP:127.0.0.1")
        cls.settings = {"SSL_CERT_FILE": str(cls.authority.file)}
        super().setUpClass()

    def ask_over_tls(self, name, version=None):
        context = self.authority.server_context(name)
        if version:  # OpenSSL speaks what is so old with its weakest ciphers only
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        with Upstream(context) as upstream:
            project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": upstream.url + "/v1"}])["id"]
            token = self.new_token(project_id=project)["token"]
            request_id = fresh_id()
            answers = [self.ask(body=BODY, token=token, headers=[("X-Request-ID", request_id)])]
            event = self.event_of(request_id)
            if answers[0].status == 200:  # on the kept connection too, and without a stream
                answers.append(self.ask(body={"model": "m"}, token=token))
            return [a.status for a in answers], event["details"]["reason"] if "reason" in event["details"] else None, upstream.count()

    def test_good(self):
        self.assertEqual(self.ask_over_tls("good"), ([200, 200], None, 2))

    def test_an_upload_over_tls_to_a_slow_reader_is_whole(self):
        with Upstream(self.authority.server_context("good")) as upstream:
            project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": upstream.url + "/v1"}])["id"]
            token = self.new_token(project_id=project)["token"]
            size = 8 << 20
            client = self.raw().send(request("/v1/files", b"", "POST", [
                ("Authorization", f"Bearer {token}"), ("Content-Type", "text/plain"), ("Content-Length", str(size)),
                ("X-Behave", "slow-body")]))
            sender = threading.Thread(target=client.send, args=(b"x" * size,))
            sender.start()
            upstream.wait_request()
            upstream.open_gate("body")
            sender.join()
            answer = client.answer()
            self.assertEqual((answer.status, upstream.requests[0].body_bytes), (200, size))

    def test_versions(self):
        """TLS 1.0 and 1.1 are no protection for a key any more (RFC 8996)."""
        for version, result in ((ssl.TLSVersion.TLSv1, ([502], "upstream_connect_failed", 0)), (ssl.TLSVersion.TLSv1_1, ([502], "upstream_connect_failed", 0)),
                                (ssl.TLSVersion.TLSv1_2, ([200, 200], None, 2)), (ssl.TLSVersion.TLSv1_3, ([200, 200], None, 2))):
            with self.subTest(version.name), warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # Python's, about the old ones
                self.assertEqual(self.ask_over_tls("good", version), result)

    def test_bad(self):
        for name in ("other", "expired", "self"):
            with self.subTest(name):
                self.assertEqual(self.ask_over_tls(name), ([502], "upstream_certificate", 0))
        lines = until(lambda: [line for line in map(json.loads, (self.cwd / "log").read_text().splitlines()) if line.get("reason") == "upstream_certificate"], "the log says so")
        self.assertTrue(lines[0]["host"].startswith("127.0.0.1:"), lines)


if __name__ == "__main__":
    unittest.main()
