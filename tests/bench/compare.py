#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What a change costs: this tree's program beside another build of it, in turn in one run.

    tests/bench/compare.py OTHER_LLM_PROXY [--rounds 9] [--seconds 3]

Each round measures both, the first one taking turns; the figures are the medians of the rounds' ratios. CPU time is that of bench.py,
p99 is measured at 1,000 requests a second. Exit 1 when CPU is over 1.05 or p99 over 1.15."""
import argparse
import statistics
import sys
from pathlib import Path

import bench


class Compare(bench.Bench):
    def run(self, other):
        servers = [bench.Ours(self.folder, self.upstream, name="this"), bench.Ours(self.folder, self.upstream, name="other", binary=other)]
        ratios = {"engine": [], "whole": [], "p50": [], "p99": []}
        # Latency apart from the load: what that left for the database to write would be measured with it.
        for names, unit, measure in ((("engine", "whole"), (1000, "µs"), lambda server: self.wrk(server)[1:]), (("p50", "p99"), (1, "ms"), self.rate)):
            for server in servers:
                measure(server)
            bench.time.sleep(3)
            for turn in range(self.options.rounds):
                order = servers if turn % 2 == 0 else servers[::-1]
                found = {server.folder.name: measure(server) for server in order}
                for name, one, reference in zip(names, found["this"], found["other"]):
                    ratios[name].append(one / reference)
                print(f"round {turn + 1}: " + ", ".join(f"{name} {one / unit[0]:.3f} / {reference / unit[0]:.3f} {unit[1]}"
                                                        for name, one, reference in zip(names, found["this"], found["other"])), flush=True)
        for name, what, most in (("engine", "CPU per request ÷ the other's: engine threads", 1.05), ("whole", "the same, whole process", 1.05),
                                 ("p50", "latency at 1,000 requests/s ÷ the other's: p50", None), ("p99", "the same: p99", 1.15)):
            self.row(what, statistics.median(ratios[name]), most, None, f"{min(ratios[name]):.3f} to {max(ratios[name]):.3f}")
        for server in servers:
            server.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3, help="of one measurement")
    parser.add_argument("--folder", help="where data lies; default: the system's temporary folder")
    options = parser.parse_args()
    bench.build()
    compare = Compare(options)
    try:
        compare.run(options.other.resolve())
    finally:
        compare.end()
    return 1 if any(row[4] == "MISSED" for row in compare.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
