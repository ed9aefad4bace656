#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-only
# Installs what the tests need (as root), builds the presets dev, asan and fuzz and runs everything. CTest's own
# summary stands last; exit 0 only when both runs are green.
#   tests/run.sh             everything
#   tests/run.sh -R regex    further arguments go to both ctest runs
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export HOME="${HOME:-/root}" LC_ALL=C.UTF-8
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"

installer/packages.sh --tests

mkdir -p build
build() {
    local log=build/$1-build.log
    echo "building $1 (log: $log)"
    if ! { cmake --preset "$1" && cmake --build --preset "$1"; } >"$log" 2>&1; then
        grep -nE 'error:|Error' "$log" | head -n 20 >&2 || true
        tail -n 40 "$log" >&2
        echo "tests: the build of $1 failed; the whole log is $log" >&2
        exit 1
    fi
}
demo_folders() { find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'llm-proxy-demo-*' | sort; }
demos=$(demo_folders)
build dev
build asan

# Each fuzz target for some seconds on its kept corpus; tests/fuzz/run.sh SECONDS runs them longer.
fuzz=0
tests/fuzz/run.sh 5 || fuzz=$?

# Several tests at a time, since most wait for something; what measures or fills the machine runs alone (RUN_SERIAL).
run() { ctest --test-dir "build/$1" -j"$2" --output-on-failure "${@:3}"; }

# First the unit, console, integration and hostile tests under AddressSanitizer and UBSan, without the long ones.
asan=0
run asan 2 -L 'unit|gui|integration|hostile' -LE long "$@" 2>&1 |
    tee build/asan-ctest.log || asan=$?
dev=0
run dev 3 "$@" || dev=$?

left=$(comm -13 <(echo "$demos") <(demo_folders))
[ -z "$left" ] || printf '\nFolders of demos that nobody removed:\n%s\n' "$left" >&2

if [ "$asan" != 0 ]; then
    printf '\nUnder AddressSanitizer and UBSan (build/asan-ctest.log):\n'
    sed -n '/tests passed,/,$p' build/asan-ctest.log
fi
[ "$fuzz" = 0 ] && [ "$asan" = 0 ] && [ "$dev" = 0 ] && [ -z "$left" ]
