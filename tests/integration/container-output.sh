#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a container says: to its console, to the notify socket; floods of both. One that floods slows nobody
# else, and can be stopped. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

CONSOLE_MAX=$((4 << 20))
console_of() { # NAME
  cat "/var/log/netnsd/$1.log"
}

console_has() { # NAME TEXT
  grep -q -F -- "$2" "/var/log/netnsd/$1.log"
}

payload_conf talks "log /shared/log say 'first words' lines 200 await /shared/go say 'last words' sleep"
payload_conf floods "log /shared/log say 'before the flood' flood" Service.TimeoutStopSec=2s
payload_conf notifies "log /shared/log flood-notify" Service.TimeoutStopSec=2s
payload_conf long "log /shared/log long 20000 say 'end of it' sleep"
payload_conf escapes "log /shared/log escapes sleep"
payload_conf quiet "log /shared/log sleep"
start_daemon

step "S40: the console is in a file of its own, root's, and netnsctl log shows it"
assert_ok ctl start talks
assert_soon console_has talks "line 200 of the console"
assert_eq "$(stat -c '%a %U' /var/log/netnsd/talks.log)" "640 root"
assert_status 0 ctl log talks
assert_contains "$OUTPUT" "first words"
assert_contains "$OUTPUT" "line 200 of the console"

step "S40: log -f goes on"
"$NETNSCTL" log -f talks >"$SANDBOX/follow" 2>&1 &
FOLLOWER=$!
own_pid $FOLLOWER
assert_soon grep -q "line 200 of the console" "$SANDBOX/follow"
: >"$SHARED/talks/go"
assert_soon grep -q "last words" "$SANDBOX/follow"
kill $FOLLOWER
wait $FOLLOWER 2>/dev/null

step "S80: no terminal and no pipe that a container could die of"
for fd in 1 2; do
  assert_eq "$(readlink "/proc/$(nspawn_of talks)/fd/$fd")" /var/log/netnsd/talks.log
done

step "S40: lines of 20000 bytes are not cut; what is not printable does no harm to a terminal"
assert_ok ctl start long escapes
assert_soon console_has long "end of it"
assert_eq "$(console_of long | tr -cd x | wc -c)" 20000
assert_soon console_has escapes red
if [[ "$(script -q -c "$NETNSCTL log --no-pager escapes" /dev/null 2>/dev/null)" == *$'\a'* ]]; then
  fail "netnsctl log rings the bell of a terminal"
fi

step "the log of the run before stays; stop and start add to it"
assert_ok ctl stop talks
assert_ok ctl start talks
assert_soon eval "[ \"\$(grep -c 'first words' /var/log/netnsd/talks.log)\" -ge 2 ]"

step "a flood is bounded, others are not slowed, the payload can be stopped"
assert_ok ctl start floods
assert_soon eval "[ \"\$(stat -c %s /var/log/netnsd/floods.log)\" -gt 1000000 ]"
largest=0
began=$(now_ms)
calls=0
worst=0
while [ $(($(now_ms) - began)) -lt 3500 ]; do
  size=$(stat -c %b /var/log/netnsd/floods.log)
  size=$((size * 512))
  [ $size -le $largest ] || largest=$size
  before=$(now_ms)
  ctl show --json=short quiet.container >/dev/null || fail "the daemon does not answer under a flood"
  took=$(($(now_ms) - before))
  [ $took -le $worst ] || worst=$took
  calls=$((calls + 1))
done
echo "largest size $((largest >> 10)) KiB, $calls calls, the slowest took $worst ms"
began=$(now_ms)
assert_ok ctl start quiet
took=$(($(now_ms) - began))
[ $took -lt 5000 ] || fail "a start took $took ms beside a flood"
assert_runs quiet
assert_ok ctl stop floods
assert_nothing_of floods
assert_soon eval "[ \"\$(stat -c %s /var/log/netnsd/floods.log)\" -le $CONSOLE_MAX ]"
[ "$largest" -lt $((1 << 30)) ] || fail "the file grew to $largest bytes"
assert_status 0 ctl log floods
[ ${#OUTPUT} -le $((CONSOLE_MAX + 1000)) ] || fail "netnsctl log printed ${#OUTPUT} bytes"

step "a flood of notifications from inside: bounded, told to nobody, no lie about the leader"
assert_ok ctl start notifies
assert_soon is_running notifies
leader=$(leader_of notifies)
for _ in 1 2 3 4 5; do
  assert_eq "$(cshow notifies .runtime.leader)" "$leader"
  assert_lacks "$(cshow notifies .runtime.statusText)" $'\033'
  ctl show --json=short quiet.container >/dev/null || fail "the daemon does not answer"
done
assert_eq "$(cstate notifies)" running
assert_ok ctl stop notifies
assert_nothing_of notifies

step "a stranger at the notify socket is not heard"
payload_conf unready "log /shared/log sleep" Exec.NotifyReady=yes
assert_ok ctl reload
assert_ok ctl start --no-block unready
await_log unready "begin 1"
assert_eq "$(stat -c '%a %U' /run/netnsd/notify)" "700 root"
python3 - /run/netnsd/notify/unready <<'PYTHON' || fail "the stranger could not send"
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
s.send(b"READY=1")
s.send(b"X_NSPAWN_LEADER_PID=1\nSTATUS=lies\nWATCHDOG=1")
s.send(b"STATUS=" + b"x" * 65000)
s.send(b"READY=1\0READY=1\n\x1b[2J")
s.send(b"")
PYTHON
assert_eq "$(cstate unready)" start
assert_ne "$(cshow unready .runtime.statusText)" lies
assert_ok ctl stop unready

assert_ok ctl stop talks long escapes quiet
finish
