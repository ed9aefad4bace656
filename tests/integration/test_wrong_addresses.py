#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What people set wrongly in a client is refused with a word about what to set instead."""
import json
import unittest

from proxy_case import CHAT, Proxy


class WrongAddresses(Proxy):
    def refused(self, path, status, hint, headers=(), method="POST"):
        answer = self.ask(path, json.dumps(CHAT).encode() if method == "POST" else b"", method, headers=headers)
        self.assertEqual(answer.status, status, (path, answer.body))
        self.assertIn(hint, json.loads(answer.body)["error"]["message"])
        return json.loads(answer.body)

    def test_a_base_url_with_a_slash_at_its_end(self):
        for path, status in (("//v1/chat/completions", 404), ("//v1/messages", 404), ("//v1beta/models/m:generateContent", 404), ("/openai//v1/chat/completions", 400)):
            self.refused(path, status, "remove the slash at the end of the client's base URL")

    def test_a_base_url_with_the_version_that_the_client_adds(self):
        for path in ("/v1/v1/chat/completions", "/v1/v1/messages", "/anthropic/v1/v1/messages", "/openai/v1/v1/models", "/v1/v1beta/models/m:generateContent",
                     "/v1beta/v1beta/models/m:generateContent"):
            before = self.upstream.count()
            self.refused(path, 404, "base URL")
            self.assertEqual(self.upstream.count(), before)
        self.assertEqual(self.refused("/anthropic/v1/v1/messages", 404, "ANTHROPIC_BASE_URL")["error"]["type"], "not_found_error")

    def test_our_address_in_https_proxy(self):
        answer = self.raw().send("CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n").answer()
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (501, "not_implemented"))
        for word in ("HTTPS_PROXY", "base URL", "OPENAI_BASE_URL"):
            self.assertIn(word, json.loads(answer.body)["error"]["message"])

    def test_our_address_in_http_proxy(self):
        answer = self.raw().send("GET http://api.openai.com/v1/models HTTP/1.1\r\nHost: api.openai.com\r\n\r\n").answer()
        self.assertEqual((answer.status, answer.header("x-llm-proxy-error")), (421, "misdirected_request"))
        self.assertIn("HTTP_PROXY", json.loads(answer.body)["error"]["message"])


if __name__ == "__main__":
    unittest.main()
