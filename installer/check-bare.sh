#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-only
# Runs the README's two commands where nothing is installed: in a fresh root of Debian 12 or 13 (debootstrap, minbase) with
# git alone, in a clone of what is committed here. As root, on Debian. Its last lines say how each command ended and how long
# it took; exit 0 only when both succeeded and left no demo folder behind.
#   installer/check-bare.sh [12|13] [--keep]    --keep: the root stays, for a look at its logs
set -euo pipefail

release=12
keep=false
for argument in "$@"; do
    case $argument in
    12 | 13) release=$argument ;;
    --keep) keep=true ;;
    *)
        echo "usage: installer/check-bare.sh [12|13] [--keep]" >&2
        exit 2
        ;;
    esac
done
[ "$(id -u)" = 0 ] || { echo "check-bare: run it as root" >&2; exit 2; }
case $release in 12) suite=bookworm ;; 13) suite=trixie ;; esac

# A mount and process namespace of its own: whatever ends this script ends all that runs in the root and unmounts it.
if [ "${CHECK_BARE_INSIDE-}" != yes ]; then
    "$(dirname "${BASH_SOURCE[0]}")/packages.sh" --bare
    CHECK_BARE_INSIDE=yes exec unshare --mount --pid --fork --kill-child "${BASH_SOURCE[0]}" "$@"
fi

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(mktemp -d "${TMPDIR:-/tmp}/llm-proxy-bare-XXXXXX")
finish() {
    local status=$?
    trap - EXIT INT TERM
    for place in dev/shm dev/pts dev proc; do
        umount -l "$root/$place" 2>/dev/null || true
    done
    if $keep; then
        echo "the root is $root"
    else
        rm -rf --one-file-system "$root"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "== a bare Debian $release in $root"
debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"
# The network as here: names, certificate authorities of the site, apt's settings.
cp /etc/resolv.conf "$root/etc/resolv.conf"
grep -q localhost "$root/etc/hosts" 2>/dev/null || echo "127.0.0.1 localhost" >>"$root/etc/hosts"
if compgen -G '/usr/local/share/ca-certificates/*' >/dev/null; then
    cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
git -C "$source" diff --quiet HEAD -- || echo "check-bare: only what is committed is checked" >&2
git clone --quiet --no-hardlinks "$source" "$root/srv/llm-proxy"
commit=$(git -C "$root/srv/llm-proxy" rev-parse --short HEAD)

inside() {
    chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt sh -c "cd /srv/llm-proxy && $1" </dev/null
}
summary=
failed=0
check() {
    local began=$SECONDS status=0
    printf '\n== %s\n' "$1"
    inside "$1" || status=$?
    local took=$((SECONDS - began))
    summary+=$(printf '%-26s exit %d after %d min %02d s' "$1" "$status" $((took / 60)) $((took % 60)))$'\n'
    [ "$status" = 0 ] || failed=1
}
check "./installer/try.sh --once"
check "./tests/run.sh"

left=$(find "$root/tmp" -maxdepth 1 -name 'llm-proxy-*' | wc -l)
[ "$left" = 0 ] || failed=1
printf '\n== Debian %s, %s processors, commit %s\n%s' "$release" "$(nproc)" "$commit" "$summary"
echo "build/ holds $(du -sh "$root/srv/llm-proxy/build" | cut -f1); folders left in /tmp: $left"
exit "$failed"
