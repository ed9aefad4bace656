#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-only
# The one list of Debian packages. Installs what is missing (as root); a second run only looks.
#   installer/packages.sh            what a build needs
#   installer/packages.sh --tests    and what the tests need
#   installer/packages.sh --bare     what check-bare.sh needs, alone
#   installer/packages.sh --tsan     what tests/tsan.sh needs beside the tests, alone
#   installer/packages.sh --list     prints the names, installs nothing
set -euo pipefail

BUILD=(
    qt6-base-dev            # Qt Core, Network, Sql, Test, Widgets
    qt6-httpserver-dev      # QHttpServer, behind our front
    qt6-websockets-dev      # Debian 12: needed by qt6-httpserver-dev's CMake files
    libqt6sql6-sqlite       # the SQLite driver, loaded at run time
    qt6-svg-dev qt6-charts-dev # the console's icons and charts
    libgl-dev libopengl-dev libqt6opengl6-dev # Debian 12: needed by qt6-charts-dev's CMake files
    qt6-tools-dev qt6-l10n-tools # its translations
    libcurl4-openssl-dev    # dials providers
    libssl-dev
    libsqlite3-dev          # audit rows, written through SQLite's own interface
    node-llhttp             # the sources of llhttp
    libyaml-cpp-dev
    libcli11-dev
    libsimdjson-dev
    libjemalloc-dev         # the allocator of what is shipped
    zlib1g-dev libbrotli-dev libzstd-dev
    libseccomp-dev bubblewrap # llm-proxy run: the filter of its command's system calls, and what isolates it
    pkgconf                 # where they are
    cmake ninja-build g++ ccache mold
    make                    # GCC links with LTO on one processor where it is missing
    ca-certificates curl jq # to talk to it
)
TESTS=(
    python3 python3-venv openssl sqlite3 iproute2 testssl.sh
    certbot pebble           # certificates, and an ACME server that gives them
    logrotate                # the guide's example is run
    nginx-light              # in front, with its default configuration
    xvfb openbox trayer xdotool # a screen, a window manager, a tray, and keys and mouse for the console
    at-spi2-core dbus python3-gi # where its widgets are, over the accessibility bus
    xclip imagemagick        # its clipboard, and a picture where a flow fails
    git openssh-client openssh-server gpg gpg-agent sudo tmux less vim-tiny procps xauth # what works inside llm-proxy run
    clang libclang-rt-14-dev # fuzz targets
)
# Debian 13 has llhttp as a library, and a newer clang.
if [ "$(. /etc/os-release && echo "${VERSION_ID:-}")" = 13 ]; then
    BUILD=("${BUILD[@]/node-llhttp/libllhttp-dev}")
    BUILD=("${BUILD[@]/libqt6opengl6-dev}")
    TESTS=("${TESTS[@]/libclang-rt-14-dev/libclang-rt-19-dev}")
fi

list=("${BUILD[@]}")
want_tests=false
only_list=false
for argument in "$@"; do
    case $argument in
    --tests) want_tests=true ;;
    --bare) list=(debootstrap) ;;
    --tsan) list=(tcl dpkg-dev) ;; # SQLite's source is made of parts by Tcl
    --list) only_list=true ;;
    *)
        echo "usage: installer/packages.sh [--tests | --bare | --tsan] [--list]" >&2
        exit 2
        ;;
    esac
done

# Any Node.js from 18 on will do; Debian's is used only where there is none.
node_is_good() {
    command -v npm >/dev/null && command -v node >/dev/null &&
        [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 18 ]
}
if $want_tests; then
    list+=("${TESTS[@]}")
    node_is_good || list+=(nodejs npm)
fi
if $only_list; then
    printf '%s\n' "${list[@]}"
    exit 0
fi

missing=()
for package in "${list[@]}"; do
    [ -n "$package" ] || continue
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Packages are missing. As root: apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# Mirrors and other apt processes come and go: three tries, and up to five minutes for a lock.
apt_get() {
    local attempt
    for attempt in 1 2 3; do
        if apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >>"$log" 2>&1; then
            return 0
        fi
        [ "$attempt" = 3 ] || sleep $((attempt * 3))
    done
    tail -n 30 "$log" >&2
    echo "apt-get $1 failed; the last lines of its output stand above." >&2
    return 1
}
echo "packages: installing ${#missing[@]} of ${#list[@]} (${missing[*]})"
apt_get update
apt_get install -y --no-install-recommends "${missing[@]}"
