#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Floods of strangers, as long as you like: bench/strangers.py [REQUESTS] [TEST…]

REQUESTS (200000) are sent in each flood of tests/support/stranger_flood.py, which says what is checked; TEST names some of its
tests. LLM_PROXY_BIN names the program; without it that of the preset "dev" is taken."""
import argparse
import os
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", nargs="?", type=int, default=200_000)
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    os.environ.setdefault("LLM_PROXY_BIN", str(ROOT / "build" / "dev" / "llm-proxy"))
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from stranger_flood import StrangerFlood
    StrangerFlood.requests, StrangerFlood.timed = options.requests, True
    names = options.tests or unittest.defaultTestLoader.getTestCaseNames(StrangerFlood)
    began = time.monotonic()
    good = unittest.TextTestRunner().run(unittest.TestSuite(StrangerFlood(name) for name in names)).wasSuccessful()
    print(f"{options.requests} requests a flood, {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
