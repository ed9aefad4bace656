#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""A provider key whose source never answers, beside one that answers at once: what the rest of the server waits for it.

    tests/bench/sources.py [--rounds 9] [--program LLM_PROXY]

The source is a file whose open() hangs (tests/support/failing_disk.c, preloaded). Milliseconds, the slowest of the rounds, and as a
ratio to the same server whose file is there. Exit 1 when a revocation or a management read takes over 100 ms, or a start over 200."""
import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import bench

os.environ.setdefault("LLM_PROXY_BIN", str(bench.BUILD / "llm-proxy"))  # the test equipment asks for it
from disk_case import Disk  # noqa: E402

READS = ("/manage/overview", "/manage/projects", "/manage/tokens", "/manage/audit", "/manage/doctor", "/manage/usage", "/manage/settings")


class Server(bench.Ours):
    """Its project's key is a file."""

    def __init__(self, folder, upstream, disk, binary):
        super().__init__(folder, upstream, name="server", binary=binary, **disk.environment)
        secrets = self.folder / "data" / "secrets"
        secrets.mkdir()
        (secrets / "key").write_text(bench.KEY)
        self.slow = self.manage("POST", "/manage/projects", {"name": "Slow", "api_key": f"file:{secrets}/key", "base_url": f"http://localhost:{upstream.port}/v1"})


def milliseconds(action):
    began = time.monotonic()
    action()
    return (time.monotonic() - began) * 1000


def measure(server, rounds):
    """The slowest of each kind."""
    found = {"revoke": 0.0, "read": 0.0, "start": 0.0}
    for _ in range(rounds):
        server.end()
        found["start"] = max(found["start"], milliseconds(server.start))
        token = server.manage("POST", "/manage/tokens", {"project_id": server.project["id"]})["id"]
        for path in READS:
            found["read"] = max(found["read"], milliseconds(lambda: server.manage("GET", path)))
        found["revoke"] = max(found["revoke"], milliseconds(lambda: server.manage("DELETE", f"/manage/tokens/{token}")))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--program", type=Path, default=bench.BUILD / "llm-proxy")
    options = parser.parse_args()
    if options.program == bench.BUILD / "llm-proxy":
        bench.build()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        upstream, disk = bench.Upstream(), Disk(folder)
        server = Server(folder, upstream, disk, options.program.resolve())
        try:
            there = measure(server, options.rounds)
            disk.fails("open HANG /secrets/key")
            hangs = measure(server, options.rounds)
            assert disk.hung
        finally:
            disk.well()
            server.end(), upstream.end()
    for name, what, most in (("revoke", "revoke a token", 100), ("read", "slowest management read", 100), ("start", "start to the first answer", 200)):
        verdict = "ok" if hangs[name] < most else "MISSED"
        good = good and verdict == "ok"
        print(f"{what:<30} {hangs[name]:8.1f} ms while the source hangs, {hangs[name] / there[name]:5.2f} of {there[name]:.1f} ms   < {most}   {verdict}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
