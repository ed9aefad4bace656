#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A thousand streams at once over two engine threads: every one complete and unmixed, and the memory comes back."""
import asyncio
import unittest

from proxy_case import SANITIZED, Proxy, request, until

STREAMS = 1000


class Streams(Proxy):
    async def one(self, number, begun, go):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request("/v1/chat/completions", {"model": "m", "stream": True}, headers=[
            ("Authorization", f"Bearer {self.token}"), ("X-Behave", "gate=thousand"), ("X-Request-ID", f"stream-{number}")]))
        head = await reader.readuntil(b"\r\n\r\n")
        first = await reader.readuntil(b"\n\n\r\n")
        begun.release()
        await go.wait()
        rest = await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()
        return (f"X-Request-ID: stream-{number}\r\n".encode() in head and b" 200 " in head
                and first + rest == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async def all(self):
        begun, go = asyncio.Semaphore(0), asyncio.Event()
        tasks = [asyncio.ensure_future(self.one(n, begun, go)) for n in range(STREAMS)]
        for _ in range(STREAMS):
            await asyncio.wait_for(begun.acquire(), 120)
        open_at_once = self.memory()
        self.upstream.open_gate("thousand")
        go.set()
        return open_at_once, await asyncio.gather(*tasks)

    def test_thousand(self):
        self.upstream.open_gate("warm-up")
        for _ in range(50):  # what the first requests allocate for good is not counted
            self.ask(body={"model": "m", "stream": True}, behave="gate=warm-up")
        since, before = self.last_seq(), self.memory()
        during, whole = asyncio.run(self.all())
        self.assertEqual(whole, [True] * STREAMS)
        until(lambda: len(self.events(since=since)) == STREAMS, "an event for each stream")
        self.assertEqual({(e["result"], e["details"]["forwarded"]) for e in self.events(since=since)}, {("success", True)})
        per_stream = (during - before) / STREAMS
        print(f"memory: {before >> 10} KiB before, {per_stream / 1024:.1f} KiB more per open stream")
        if not SANITIZED:  # a sanitizer keeps freed memory on purpose
            until(lambda: self.memory() <= before * 1.1, f"memory within 10 % of {before}, is {self.memory()}", 30)


if __name__ == "__main__":
    unittest.main()
