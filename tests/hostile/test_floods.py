#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""One address that does not stop: guesses, requests beyond its share, heads that are refused. It is told so, cheaply; nobody
else notices, and neither does the disk."""
import time
import unittest

from proxy_case import Proxy, request

MANY = 3000


class Flood(Proxy):
    def flood(self, address, path="/v1/models", token=None, host=None):
        """Statuses of MANY requests on one connection, pipelined."""
        fields = [("Authorization", f"Bearer {token or self.token}"), ("X-Forwarded-For", address)]
        one = request(path, headers=fields)
        if host:
            one = one.replace(b"Host: localhost", b"Host: " + host.encode(), 1)
            self.assertIn(host.encode(), one)
        client, statuses = self.raw(), []
        for _ in range(MANY // 100):
            client.send(one * 100)
            statuses += [client.answer().status for _ in range(100)]
        return statuses

    def good(self, address="198.51.100.1"):
        return self.ask("/v1/models", headers=[("X-Forwarded-For", address)]).status

    def log_lines(self):
        return len(self.events(None))


class Guesses(Flood):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "AUTH_FAILURE_LIMIT": "10/m"}

    def test_guessed_tokens(self):
        before, lines = self.upstream.count(), self.log_lines()
        began = time.monotonic()
        statuses = self.flood("203.0.113.1", token="tok-" + "a" * 38)
        refilled = int((time.monotonic() - began) / 6) + 1  # one more in six seconds
        self.assertEqual(statuses.count(401) + statuses.count(429), MANY)
        self.assertTrue(10 <= statuses.count(401) <= 10 + refilled, statuses.count(401))
        self.assertEqual(self.upstream.count(), before)
        self.assertLessEqual(self.log_lines() - lines, 10 + 3)  # those that were looked at, and one for all the others
        self.assertEqual(self.good(), 200)
        self.assertEqual(self.good("203.0.113.1"), 200, "a valid token is always served")


class Requests(Flood):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "IP_RATE_LIMIT": "50/m"}

    def test_more_than_its_share(self):
        before = self.upstream.count()
        statuses = self.flood("203.0.113.2")
        passed = statuses.count(200)
        self.assertEqual(passed + statuses.count(429), MANY)
        self.assertLessEqual(passed, 50 + 50)  # a burst, and what a minute of flooding refills
        self.assertEqual(self.upstream.count() - before, passed)
        self.assertEqual(self.good("198.51.100.2"), 200)

    def test_hosts_that_are_not_ours(self):
        before, lines = self.upstream.count(), self.log_lines()
        statuses = self.flood("203.0.113.3", token="tok-" + "a" * 38, host="evil.example")
        self.assertEqual(set(statuses), {421})
        self.assertEqual(self.upstream.count(), before)
        self.assertLessEqual(self.log_lines() - lines, 2 * (10 + 2))  # ten of each minute begun, and two for all the others
        self.assertEqual(self.good("198.51.100.3"), 200)


if __name__ == "__main__":
    unittest.main()
