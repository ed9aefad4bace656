#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What the console costs: its longest stall while the engine beside it carries load, its first window, its idling, and what ten
million audit rows take in it. Under Xvfb, with the engine, the provider and the clients on the same processors.

    tests/bench/console.py [--rate 3000] [--seconds 20] [--rows 10000000]

Each stall is shown beside one of the same walk without load: the ratio says what the load does, the rest is the machine's."""
import argparse
import json
import os
import subprocess
import tempfile
import time

from bench import BUILD, Upstream, build, cpu_ns


class Console:
    def __init__(self, screen, *arguments):
        self.process = subprocess.Popen([BUILD / "bench_console", *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "DISPLAY": screen, "QT_QPA_PLATFORM": "xcb", "LC_ALL": "C.UTF-8"})

    def line(self):
        return json.loads(self.process.stdout.readline())

    def begin(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)


def walk(screen, upstream, seconds, rate):
    with tempfile.TemporaryDirectory() as folder:
        console = Console(screen, "load", folder, upstream.port, seconds)
        ready = console.line()
        load = None
        if rate:
            port = ready["address"].rsplit(":", 1)[1]
            load = subprocess.Popen([BUILD / "bench_peer", "rate", port, ready["token"], str(rate), str(seconds), "32"], stdout=subprocess.PIPE, text=True)
        console.begin()
        found = console.line()
        found["first_window_ms"] = ready["first_window_ms"]
        if load:
            found["load"] = json.loads(load.communicate()[0])
        console.end()
        return found


def idle(screen, upstream, seconds=10):
    with tempfile.TemporaryDirectory() as folder:
        console = Console(screen, "load", folder, upstream.port, 0)
        console.line()
        time.sleep(5)  # the first answers and charts
        before = cpu_ns(console.process.pid)
        time.sleep(seconds)
        share = (cpu_ns(console.process.pid) - before) / (seconds * 1e9)
        console.end()
        return share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=3000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    build()
    screen = ":94"
    server = subprocess.Popen(["Xvfb", screen, "-screen", "0", "1600x1000x24"], stderr=subprocess.DEVNULL)
    upstream = Upstream()
    try:
        while not os.path.exists("/tmp/.X11-unix/X94"):
            time.sleep(0.02)
        quiet = walk(screen, upstream, options.seconds, 0)
        loaded = walk(screen, upstream, options.seconds, options.rate)
        share = idle(screen, upstream)
        audit = Console(screen, "audit", options.rows)
        rows = audit.line()
        audit.end()
    finally:
        upstream.end()
        server.kill()
        server.wait()
    carried = loaded["load"]
    print(f"requests carried beside the console: {carried['requests'] / options.seconds:.0f} a second, {carried['errors']} errors")
    print(f"longest stall of the GUI thread: {loaded['longest_ms']:.1f} ms (without load {quiet['longest_ms']:.1f}; at most 50)")
    print(f"its 99th percentile: {loaded['p99_ms']:.2f} ms (without load {quiet['p99_ms']:.2f}; at most 16)")
    print(f"first window: {quiet['first_window_ms']:.0f} ms after the start (at most 400)")
    print(f"idle: {100 * share:.2f} % of a processor (at most 0.5)")
    print(f"{rows['rows']} audit rows scrolled through: {rows['grown_bytes'] / 1e6:.1f} MB ({rows['pages_read']} pages read; at most 64 MB)")


if __name__ == "__main__":
    main()
