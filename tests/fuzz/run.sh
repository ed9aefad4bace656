#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-only
# Builds the fuzz targets and runs each on its kept corpus. New inputs go to build/fuzz/corpus, what breaks a property to
# build/fuzz/NAME-crash-….
#   tests/fuzz/run.sh [SECONDS] [NAME…]    seconds for each (5), all targets or some
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-5}
shift || true
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(head chunks sse body token config base_url audit log proof answer)

log=build/fuzz-build.log
mkdir -p build
if ! { cmake --preset fuzz && cmake --build --preset fuzz; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "fuzz: the build failed; the whole log is $log" >&2
    exit 1
fi
failed=0
for name in "${names[@]}"; do
    mkdir -p "build/fuzz/corpus/$name"
    if "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
        echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs, nothing broken"
    else
        tail -n 25 "build/fuzz/$name.log" >&2
        echo "fuzz $name: broken; the log is build/fuzz/$name.log" >&2
        failed=1
    fi
done
exit $failed
