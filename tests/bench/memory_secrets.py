#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""How often each secret stands in a server's memory, and where.

    tests/bench/memory_secrets.py [--requests 30] [--seconds 5]

Counted in all readable maps of /proc/PID/mem and in /proc/PID/environ, SECONDS after the last of: a start, REQUESTS to the data
plane, REQUESTS management calls, a new provider key. "locked" is the memory of the Secret type: mlock()ed, not dumped, wiped.
LLM_PROXY_BIN names the program; without it that of the preset "dev" is taken. Needs CAP_SYS_PTRACE."""
import argparse
import base64
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("LLM_PROXY_BIN", str(ROOT / "build" / "dev" / "llm-proxy"))
sys.path.insert(0, str(ROOT / "tests" / "support"))
from process_memory import copies, shown  # noqa: E402
from proxy_case import KEY, MANAGEMENT, Proxy  # noqa: E402


class Measured(Proxy):
    key = os.urandom(32)
    settings = {"ENCRYPTION_KEY": base64.b64encode(key).decode()}

    def measure(self, when, seconds):
        time.sleep(seconds)
        needles = {"encryption key": self.key, "encryption key, base64": base64.b64encode(self.key), "management token": MANAGEMENT.encode(),
                   "provider key": KEY.encode(), "access token": self.token.encode()}
        for name, counts in copies(self.server.pid, needles).items():
            print(f"{when:<28} {name:<24} {shown(counts)}", flush=True)

    def run_all(self, requests, seconds):
        self.measure("start", seconds)
        for _ in range(requests):
            self.ask(body={"model": "m"})
        self.measure(f"{requests} requests", seconds)
        for _ in range(requests):
            self.manage("GET", "/manage/projects")
        self.measure(f"{requests} management calls", seconds)
        self.new_project()
        self.measure("a new provider key", seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    try:
        Measured.setUpClass()
        Measured.end()
        Measured.start()  # one whose management nobody has called
        measured = Measured()
        measured.run_all(options.requests, options.seconds)
        measured.doCleanups()
    finally:
        Measured.doClassCleanups()


if __name__ == "__main__":
    main()
