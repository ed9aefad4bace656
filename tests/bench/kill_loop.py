#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""kill -9 under load, as often as you like: bench/kill_loop.py [CYCLES] [--seed N] [VARIANT…]

CYCLES (100) are shared out among the variants, which differ in where the audit log is kept (tests/support/kill_loop.py says
what is checked after each kill). LLM_PROXY_BIN names the program; without it that of the preset "dev" is taken. KILL_SEED and the
cycle that a failure names repeat its choices, though not its exact moments."""
import argparse
import os
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cycles", nargs="?", type=int, default=100)
    parser.add_argument("variants", nargs="*")
    parser.add_argument("--seed")
    options = parser.parse_args()
    os.environ.setdefault("LLM_PROXY_BIN", str(ROOT / "build" / "dev" / "llm-proxy"))
    if options.seed:
        os.environ["KILL_SEED"] = options.seed
    sys.path.remove(str(Path(__file__).parent))  # this file's name is also that of what it runs
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import kill_loop
    variants = [v for v in kill_loop.VARIANTS if not options.variants or v.__name__ in options.variants]
    share, more = divmod(options.cycles, len(variants))
    suite = unittest.TestSuite()
    for number, variant in enumerate(variants):
        variant.cycles = share + (number < more)
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(variant))
    print(f"KILL_SEED={kill_loop.SEED}", flush=True)
    began = time.monotonic()
    good = unittest.TextTestRunner().run(suite).wasSuccessful()
    print(f"{sum(v.kills for v in variants)} of {options.cycles} cycles passed, {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
