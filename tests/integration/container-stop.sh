#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stopping: which signals arrive, what does not listen, what is killed from outside; and that two inits never
# share a root: every payload locks a file of its own and tells when somebody has it. Rows of SEED.md are
# named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

# SIGWINCH is of the terminal that nspawn gives its payload.
signals_of() { # NAME
  log_of "$1" | sed -n '/SIGWINCH/d; s/^signal //p' | tr '\n' ' ' | sed 's/ $//'
}

payload_conf polite "log /shared/log lock /shared/lock fork 10 sleep" Service.StartLimitIntervalSec=0
payload_conf other "log /shared/log sleep" Service.KillSignal=SIGINT
payload_conf stubborn "log /shared/log lock /shared/lock fork 3 stubborn" Service.TimeoutStopSec=1s
payload_conf frozen "log /shared/log sleep" Service.TimeoutStopSec=1s
payload_conf silent "log /shared/log fork 3 sleep" Exec.NotifyReady=yes Service.TimeoutStartSec=1s
payload_conf slow "log /shared/log sleep" Exec.NotifyReady=yes
payload_conf orphaned "log /shared/log lock /shared/lock fork 10 stubborn" Service.Restart=always Service.RestartSec=50ms \
  Service.StartLimitIntervalSec=0 Service.TimeoutStopSec=500ms
payload_conf early "log /shared/log deaf /shared/go sleep" Service.TimeoutStopSec=30s
machine_root booted init
payload_conf booted "" Exec.Boot=yes
echo "log /shared/log sleep" >"$SHARED/booted/init"
start_daemon

# The one that takes six seconds goes first.
step "A4: an nspawn that does not move: killed 5 s after the second SIGTERM"
assert_ok ctl start frozen
assert_runs frozen
kill -STOP "$(nspawn_of frozen)"
FROZEN_AT=$(now_ms)
(tail -f --pid="$(nspawn_of frozen)" -s 0.1 /dev/null && now_ms >"$SANDBOX/frozen.end") &
WATCHER=$!
own_pid $WATCHER
assert_ok ctl stop --no-block frozen

step "A4, S43, S76: an init gets SIGRTMIN+3"
assert_ok ctl start booted
await_log booted "begin 1"
assert_ok ctl stop booted
assert_eq "$(signals_of booted)" SIGRTMIN+3
assert_eq "$(cstate booted)" dead
assert_nothing_of booted

step "A4, S44: all others SIGTERM, once, and nothing else from outside; its children go as well"
assert_ok ctl start polite other
assert_runs polite
await_log polite "forked 10"
assert_eq "$(cgroup_pids polite | wc -l)" 12 "nspawn, init and ten children"
assert_ok ctl stop polite other
assert_eq "$(signals_of polite)" SIGTERM
assert_eq "$(signals_of other)" SIGINT "KillSignal="
assert_eq "$(cstate polite)" dead
assert_eq "$(cresult polite)" success
assert_nothing_of polite

step "stopping what does not run, and twice at once"
assert_ok ctl stop polite
assert_ok ctl start polite
await_log polite locked 2
"$NETNSCTL" stop polite &
first=$!
assert_ok ctl stop polite
wait $first || fail "the first of two stops failed"
assert_eq "$(signals_of polite)" "SIGTERM SIGTERM" "one for each run"

step "S43: a payload that ignores it: the second SIGTERM makes nspawn kill it at TimeoutStopSec="
assert_ok ctl start stubborn
await_log stubborn "forked 3"
began=$(now_ms)
assert_ok ctl stop stubborn
took=$(($(now_ms) - began))
[ $took -ge 950 ] || fail "stopped after $took ms, before TimeoutStopSec=1s"
[ $took -le 4500 ] || fail "stopped after $took ms, expected 1 s and not to wait for the kill"
log_has stubborn "signal SIGTERM" || fail "it was not asked first"
assert_eq "$(cstate stubborn)" failed
assert_eq "$(cresult stubborn)" timeout
assert_nothing_of stubborn

step "S42: never ready: ended at TimeoutStartSec=, nothing is left"
began=$(now_ms)
assert_status 1 ctl start silent
took=$(($(now_ms) - began))
[ $took -ge 950 ] || fail "gave up after $took ms, before TimeoutStartSec=1s"
assert_contains "$OUTPUT" silent
assert_eq "$(cstate silent)" failed
assert_eq "$(cresult silent)" timeout
assert_nothing_of silent

step "a stop while it starts; whoever waits for the start is told"
"$NETNSCTL" start slow >"$SANDBOX/start.out" 2>&1 &
starter=$!
await_log slow "begin 1"
assert_eq "$(cstate slow)" start
assert_ok ctl stop slow
status=0
wait $starter || status=$?
assert_eq $status 1 "the start that was stopped: $(cat "$SANDBOX/start.out")"
assert_eq "$(cstate slow)" dead
assert_nothing_of slow

step "a stop before the init listens: it is asked again, not killed at TimeoutStopSec="
assert_ok ctl start early
await_log early deaf
began=$(now_ms)
(sleep 1 && : >"$SHARED/early/go") &
own_pid $!
assert_ok ctl stop early
took=$(($(now_ms) - began))
assert_eq "$(signals_of early)" SIGTERM
[ $took -ge 950 ] || fail "stopped after $took ms, before its init listened"
[ $took -le 6000 ] || fail "stopped only after $took ms"
assert_eq "$(cstate early) $(cresult early)" "dead success"

step "A5: nspawn killed: its init and all else dies with it, before the next one begins"
assert_ok ctl start orphaned
for round in 1 2 3; do
  await_log orphaned "forked 10" $round
  assert_soon_eq running cstate orphaned
  LEADER=$(leader_of orphaned)
  STARTED=$(start_time "$LEADER")
  kill -KILL "$(nspawn_of orphaned)"
  await_log orphaned "begin 1" $((round + 1))
  is_dead "$LEADER" "$STARTED" || fail "round $round: the next one began while the last one's init was alive"
done
await_log orphaned locked 4
log_has orphaned "locked already" && fail "two inits shared a root"
assert_soon_eq running cstate orphaned
assert_eq "$(cgroup_pids orphaned | wc -l)" 12
assert_ok ctl stop orphaned
assert_nothing_of orphaned

step "A5: the daemon killed: the next one takes over, and starts no second one"
assert_ok ctl start polite
await_log polite "forked 10" 3
LEADER=$(leader_of polite)
STARTED=$(start_time "$LEADER")
# By then the frozen one must have been ended.
assert_soon_eq failed cstate frozen
wait $WATCHER
took=$(($(cat "$SANDBOX/frozen.end") - FROZEN_AT))
[ $took -ge 5900 ] || fail "the kernel's kill came after $took ms, expected 1 s and 5 s"
[ $took -le 9000 ] || fail "the kernel's kill came only after $took ms"
assert_eq "$(cresult frozen)" timeout
assert_nothing_of frozen
kill_daemon
start_daemon
assert_ok ctl start polite
assert_eq "$(leader_of polite) $(start_time "$LEADER")" "$LEADER $STARTED" "the init that was taken over"
assert_soon_eq running cstate polite
assert_eq "$(nspawns_of polite | grep -c .)" 1
log_has polite "locked already" && fail "two inits shared a root"
assert_ok ctl stop polite
assert_nothing_of polite

step "starts and stops at random never lead to two"
at_most_one() { # NAME
  [ "$(nspawns_of "$1" | grep -c .)" -le 1 ]
}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
echo "SEED=$SEED"
for i in $(seq 20); do
  case $((RANDOM % 3)) in
    0) ctl start --no-block polite ;;
    1) ctl stop --no-block polite ;;
    2) ctl restart --no-block polite ;;
  esac >/dev/null 2>&1
  # A child of nspawn that is not the payload yet may be taken for one, while its parents come and go.
  wait_for 2 at_most_one polite || fail "two nspawns after $i verbs: $(nspawns_of polite)"
done
assert_ok ctl restart polite
assert_runs polite
log_has polite "locked already" && fail "two inits shared a root"
assert_ok ctl stop polite
assert_nothing_of polite

finish
