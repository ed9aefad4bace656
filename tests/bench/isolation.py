#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What isolation costs at the start of a command: `llm-proxy run -- true` with it and with --no-isolation, in turn.

    tests/bench/isolation.py [--rounds 41]

Beside a running server, and where run has an engine of its own. The times are medians, and the ratio is that of the medians.
LLM_PROXY_BIN names the program; without it that of the preset "dev" is taken."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = os.environ.get("LLM_PROXY_BIN", str(ROOT / "build" / "dev" / "llm-proxy"))


def took(command, **more):
    """Milliseconds of a run that succeeded, and was isolated when it should be."""
    before = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, **more)
    spent = 1000 * (time.perf_counter() - before)
    wanted = "isolation: off" if "--no-isolation" in command else "isolation: on"
    if wanted not in done.stderr:
        sys.exit(f"not what was to be measured: {done.stderr}")
    return spent


def measure(what, base, rounds, **more):
    ways = {"isolated": ["--require-isolation"], "not": ["--no-isolation"]}
    times = {name: [] for name in ways}
    for turn in range(-2, rounds):  # the first two warm up
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            spent = took([*base, "run", "--project", "p", *ways[name], "--", "true"], **more)
            if turn >= 0:
                times[name].append(spent)
    on, off = (statistics.median(times[name]) for name in ways)
    print(f"{what}: {on:.0f} ms isolated, {off:.0f} ms not: {on - off:+.0f} ms, ratio {on / off:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        more = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8", "LISTEN_ADDR": "127.0.0.1:0", "MANAGEMENT_TOKEN": "m" * 43}}
        base = [BIN, "--data-dir", folder + "/data"]
        subprocess.run([*base, "project", "create", "--name", "P", "--id", "p", "--key-stdin"], input="sk-bench\n", check=True, capture_output=True, text=True, **more)
        measure("with an engine of its own", base, options.rounds, **more)
        server = subprocess.Popen([BIN, "--serve", "--data-dir", folder + "/data"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
        try:
            next(line for line in server.stdout if '"listening"' in line)
            measure("beside a running server", base, options.rounds, **more)
        finally:
            server.terminate()
            server.communicate(timeout=60)


if __name__ == "__main__":
    main()
