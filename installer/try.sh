#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-only
# Everything once, on a fresh Debian: installs packages (as root), builds the server, starts it with its demo
# provider, hands out a token, streams a chat completion through it and shows the audit line that this left.
# Then it keeps serving until Ctrl-C.
#   installer/try.sh           as above
#   installer/try.sh --once    stops at the end: exit 0, or 1 when any part failed
set -euo pipefail

once=false
case ${1-} in
'') ;;
--once) once=true ;;
*)
    echo "usage: installer/try.sh [--once]" >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/build/server/llm-proxy
work=$(mktemp -d) # 0700: tokens are kept here while it runs
server=

finish() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        if ! wait "$server" && [ "$status" = 0 ]; then
            echo "try: the server did not stop cleanly" >&2
            status=1
        fi
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'echo; exit 0' INT TERM

fail() {
    echo "try: $1" >&2
    # stdout is the application log; stderr, which holds the demo's secrets, is not shown
    [ ! -s "$work/log" ] || tail -n 20 "$work/log" >&2
    exit 1
}
step() { printf '\n== %s\n' "$1"; }

# Always run in a subshell. Ours alone: no variable and no .env of the caller's reaches the demo.
proxy() { exec env -i PATH="$PATH" HOME="${HOME:-/root}" LC_ALL=C.UTF-8 LISTEN_ADDR=127.0.0.1:0 LOG_FORMAT=json "$bin" "$@"; }
masked() { sed -E 's/^(tok-.{4}).*(.{4})$/\1****\2/' <<<"$1"; }

step "packages and build"
"$root/installer/packages.sh"
mkdir -p "$root/build"
build_log=$root/build/try-build.log
echo "building build/server (some minutes the first time; log: build/try-build.log)"
if ! (cd "$root" && cmake --preset server && cmake --build --preset server) >"$build_log" 2>&1; then
    tail -n 40 "$build_log" >&2
    fail "the build failed; the whole log is $build_log"
fi
"$bin" --version

step "llm-proxy --serve --demo"
cd "$work"
umask 077
proxy --serve --demo >"$work/log" 2>"$work/secrets" &
server=$!
address=
for _ in $(seq 300); do
    address=$(grep -m1 '"message":"listening"' "$work/log" | jq -r .address || true)
    [ -z "$address" ] || break
    kill -0 "$server" 2>/dev/null || { sed 's/tok-[0-9A-Za-z]*/tok-****/' "$work/secrets" >&2; fail "the server ended"; }
    sleep 0.1
done
[ -n "$address" ] || fail "the server did not begin to listen within 30 s"
data=$(grep -m1 '"message":"listening"' "$work/log" | jq -r .data_dir)
[ -d "$data" ] || fail "the server named no data directory"
curl -fsS "http://$address/health" >/dev/null || fail "GET /health failed"
echo "listening on $address"

step "a project and a token"
project=$(proxy project create --json --name "try it" --provider demo --data-dir "$data" | jq -er .id) ||
    fail "project create failed"
echo "project $project"
token=$(proxy token create --json --project "$project" --ttl 1h --data-dir "$data" | jq -er .token) ||
    fail "token create failed"
printf '%s' "$token" >"$work/token"
echo "token   $(masked "$token")"

step "one streamed chat completion through the proxy"
printf 'header = "Authorization: Bearer %s"\n' "$token" >"$work/curlrc" # keeps it out of the process list
request='{"model":"demo-chat","stream":true,"stream_options":{"include_usage":true},
          "messages":[{"role":"user","content":"Say hello through the proxy"}]}'
curl -sSN --fail-with-body --max-time 60 -K "$work/curlrc" -H 'Content-Type: application/json' \
    -d "$request" "http://$address/v1/chat/completions" |
    tee "$work/stream" |
    sed -u -n '/^data: {/s/^data: //p' |
    jq --unbuffered -j '.choices[0].delta.content // empty' ||
    { cat "$work/stream" >&2; fail "the request failed"; }
echo
grep -q '^data: \[DONE\]' "$work/stream" || fail "the stream did not reach its end"

step "the audit line it left"
grep '"action":"token.access"' "$data/audit.log" | grep -F "\"project_id\":\"$project\"" | grep '"result":"success"' |
    tail -n 1 || fail "no audit line for it"
if grep -qF "$token" "$data/audit.log" "$work/log"; then
    fail "the token stands in clear in a log"
fi

$once && exit 0
cat <<EOF

Serving until Ctrl-C. In another terminal:
  export OPENAI_BASE_URL=http://$address/v1 OPENAI_API_KEY=\$(cat $work/token)
  curl -N "\$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer \$OPENAI_API_KEY" -H 'Content-Type: application/json' \\
    -d '{"model":"demo-chat","stream":true,"messages":[{"role":"user","content":"count to 30"}]}'
  $bin token list --data-dir $data
EOF
wait "$server" || fail "the server ended"
