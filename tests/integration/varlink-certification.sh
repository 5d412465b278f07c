#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The public certification client, which nobody here wrote, against the same files that serve netnsd's
# own interfaces. They are compiled anew with the sanitizers, so that a bug beyond what the client sees
# shows as well.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

need_program varlink-go-certification
CC=${CC:-cc}
need_program "${CC%% *}"
dir=$(mktemp -d) || fail "no temporary directory"
server=''
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT

step "build the server"
src=$NETNSD_SRCDIR/src
sanitizers=-fsanitize=address,undefined
echo 'int main(void) { return 0; }' >"$dir/probe.c"
# shellcheck disable=SC2086
if ! $CC $sanitizers -o "$dir/probe" "$dir/probe.c" 2>/dev/null || ! "$dir/probe"; then
  sanitizers=''
fi
# shellcheck disable=SC2086
$CC -std=gnu11 -D_GNU_SOURCE -O1 -g $sanitizers -I"$src" -I"$NETNSD_SRCDIR/include" -o "$dir/server" \
  "$NETNSD_SRCDIR/tests/integration/certification_server.c" "$src"/varlink_*.c "$src/error.c" "$src/log.c" \
  "$src"/str*.c "$src"/parse*.c -lev -ljansson -lsystemd || fail "the server does not compile"

step "run it"
"$dir/server" "$dir/socket" 2>"$dir/log" &
server=$!
assert_soon test -S "$dir/socket"

certify() {
  local out
  out=$(timeout 20 varlink-go-certification -client -varlink="unix:$dir/socket" 2>&1) || fail "the client failed: $out"
  # The client's status is 0 whatever happens; End says whether all was as it should be.
  [ "$(tail -n 1 <<<"$out")" = "End: 'true'" ] || fail "not certified: $out"
}

step "one client"
certify

step "ten at a time"
pids=()
for _ in {1..10}; do
  certify &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || exit 1
done

step "the end"
kill -TERM "$server"
wait "$server" || fail "the server ended with status $?: $(cat "$dir/log")"
server=''
[ ! -s "$dir/log" ] || fail "the server complained: $(cat "$dir/log")"
[ ! -e "$dir/socket" ] || fail "the socket was left behind"
echo passed
