#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-only
# Unit and integration tests under ThreadSanitizer, with an SQLite that is instrumented, too: without one it sees nothing of how two
# threads meet in the database. Installs what it needs (as root); SQLite's source is that of the installed Debian package, and what
# is built of it stays in build/tsan-sqlite.
#   tests/tsan.sh              everything that is not long
#   tests/tsan.sh -R regex     further arguments go to ctest
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export HOME="${HOME:-/root}" LC_ALL=C.UTF-8
installer/packages.sh --tests
installer/packages.sh --tsan

sqlite=$PWD/build/tsan-sqlite
# The package's source, from the same archives as the packages, whether or not this machine lists sources.
fetch_sqlite() {
    local apt=$sqlite/apt
    mkdir -p "$apt/parts" "$apt/lists/partial"
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$apt/parts/$(basename "$list")"
    done
    [ ! -s /etc/apt/sources.list ] || sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$apt/parts/sources.list"
    local options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/parts" -o "Dir::State::lists=$apt/lists" -o APT::Sandbox::User=root)
    apt-get -qq "${options[@]}" update
    (cd "$sqlite" && apt-get -qq "${options[@]}" source --download-only "sqlite3=$(dpkg-query -W -f '${Version}' libsqlite3-0)")
}
if [ ! -e "$sqlite/libsqlite3.so.0" ]; then
    mkdir -p "$sqlite/source"
    fetch_sqlite
    tar -C "$sqlite/source" --strip-components=1 -xf "$(ls "$sqlite"/sqlite3_*.orig.tar.*)"
    (cd "$sqlite/source" && ./configure --quiet && make -s sqlite3.c)
    # Qt's driver asks for the names of columns.
    gcc -O1 -g1 -fPIC -shared -fsanitize=thread -Wl,-soname,libsqlite3.so.0 -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_COLUMN_METADATA \
        "$sqlite/source/sqlite3.c" -o "$sqlite/libsqlite3.so.0.tmp" -lpthread -ldl -lm
    mv "$sqlite/libsqlite3.so.0.tmp" "$sqlite/libsqlite3.so.0"
fi

cmake --preset tsan >build/tsan-build.log
cmake --build --preset tsan >>build/tsan-build.log
# The programs find the instrumented SQLite by their rpath; what else a test runs (Python) has the system's.
ctest --test-dir build/tsan -j2 -L 'unit|integration' -LE long --output-on-failure "$@"
