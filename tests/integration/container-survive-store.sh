#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens to containers while the daemon is not there, and systemd keeps its descriptors (fdstore.py stands in):
# the next one knows how nspawn ended, and what it said. Nothing stays in the store. Without it: what is unknown counts
# as a failure, and is said to be unknown. Kernels before 6.15 do not tell how somebody else's child ended.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

CONTROL=$SANDBOX/fdstore.control

stored() {
  python3 "$TEST_LIB/fdstore.py" list "$CONTROL" | tr '\n' ' ' | sed 's/ $//'
}

start_store() {
  export FDSTORE=$SANDBOX/fdstore
  exec {STORE_FD}< <(exec python3 "$TEST_LIB/fdstore.py" serve "$FDSTORE" "$CONTROL")
  STORE_PID=$!
  own_pid $STORE_PID
  read -r -t 30 _ <&"$STORE_FD" || fail "fdstore.py does not run"
  WITHOUT_STORE=("${DAEMON_WRAPPER[@]}")
  DAEMON_WRAPPER+=(python3 "$TEST_LIB/fdstore.py" exec "$CONTROL")
}

# Ends while no daemon runs: its nspawn is gone and reaped.
gone() { # NAME
  assert_soon is_gone_for_good "$1"
}

is_gone_for_good() {
  [ ! -d "/proc/$(cat "$SANDBOX/$1.nspawn")" ]
}

remember() { # NAME...
  local name
  for name; do
    nspawn_of "$name" >"$SANDBOX/$name.nspawn"
  done
}

# The same for each way to end: (NAME, STATE, RESULT, EXITCODE, EXITSTATUS) of those that do not start again.
payload_conf fine "log /shared/log await /shared/go exit 0"
payload_conf seven "log /shared/log await /shared/go exit 7"
payload_conf shot "log /shared/log sleep"
payload_conf rebooted "log /shared/log first /shared/booted await /shared/go reboot -- sleep"
payload_conf again "log /shared/log first /shared/begun await /shared/go exit 9 -- sleep" Service.Restart=on-failure \
  Service.RestartSec=50ms
payload_conf becomes-ready "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes Service.TimeoutStartSec=infinity Service.TimeoutStopSec=500ms
payload_conf late "log /shared/log await /shared/never ready sleep" Exec.NotifyReady=yes Service.TimeoutStartSec=infinity Service.TimeoutStopSec=500ms
payload_conf starts "log /shared/log sleep"

while_nobody_looks() {
  local name
  remember fine seven shot rebooted again
  kill_daemon
  kill -KILL "$(cat "$SANDBOX/shot.nspawn")"
  for name in fine seven rebooted again becomes-ready; do
    : >"$SHARED/$name/go"
  done
  for name in fine seven shot rebooted again; do
    gone $name
  done
  await_log becomes-ready "notified READY=1"
}

start_all() {
  rm -f "$SHARED"/*/{go,log,booted,begun}
  assert_ok ctl start fine seven shot rebooted again
  assert_ok ctl start --no-block becomes-ready late
  for name in fine seven shot rebooted again becomes-ready late; do
    await_log $name "begin 1"
  done
  assert_cstate becomes-ready start
}

step "without a store: what nobody saw is unknown, a failure, and said to be both"
start_daemon
start_all
late=$(identity_of late)
while_nobody_looks
mark=$(log_mark)
start_daemon
for name in fine seven shot; do
  assert_cstate $name failed exit-code
  assert_eq "$(cshow $name .runtime.exitCode)" "" "the exit of $name"
  logged "$name.container: has ended while netnsd did not run; how is not known: taken for a failure" "$mark" ||
    fail "that it is not known of $name was not said"
  assert_nothing_of $name
done
# A reboot that nobody saw is one of those.
assert_cstate rebooted failed exit-code
await_log again "begin 1" 2
assert_cstate again running
logged "becomes-ready.container: whether it said that it is ready while netnsd did not run is not known" "$mark" ||
  fail "nothing is said of a readiness that may be lost"
assert_eq "$(cstate becomes-ready)" start
assert_eq "$(identity_of late)" "$late"
assert_ok ctl stop fine seven shot rebooted again becomes-ready late

step "killed while it starts one that says nothing: ready is who executes its payload"
kill_daemon
start_daemon
for delay in 0 0.005 0.02 0.05 0.1; do
  ctl start --no-block starts
  sleep $delay # any moment will do
  kill_daemon
  start_daemon
  assert_soon_eq running cstate starts
  assert_runs starts
  assert_eq "$(cshow starts '.runtime.restarts // 0')" 0
  assert_ok ctl stop starts
  assert_nothing_of starts
done
kill_daemon

step "with a store: what is kept while they run, and no longer"
start_store
start_daemon
assert_soon_eq "" stored
start_all
assert_soon_eq "$(for name in again becomes-ready fine late rebooted seven shot; do echo notify-$name pidfd-$name; done |
  tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')" stored
assert_contains "$(cat "$SANDBOX/notify.log")" "FDPOLL=0"
assert_ok ctl stop late
assert_soon_eq 12 eval 'stored | wc -w'

step "with a store: all is known that happened meanwhile"
while_nobody_looks
assert_eq "$(stored | wc -w)" 12 "descriptors that are kept though what they are of has ended"
mark=$(log_mark)
start_daemon
assert_cstate becomes-ready running
assert_eq "$(begins_of becomes-ready)" 1
if tells_exits; then
  assert_cstate fine dead success
  assert_cstate seven failed exit-code
  assert_eq "$(cshow seven '[.runtime.exitCode, .runtime.exitStatus]')" '["exited",7]'
  assert_cstate shot failed signal
  assert_eq "$(cshow shot '[.runtime.exitCode, .runtime.exitStatus]')" '["killed",9]'
  await_log rebooted "begin 1" 2
  assert_cstate rebooted running
  await_log again "begin 1" 2
  assert_cstate again running
  assert_contains "$(cshow again .runtime.restartReason)" "exit status 9"
  logged "is not known" "$mark" && fail "something is not known: $(tail -n "+$mark" "$SANDBOX/daemon.log" | grep 'not known')"
else
  echo "how each ended: skipped, Linux $(uname -r) does not tell (6.15)"
fi
assert_nothing_of fine
assert_soon_eq "notify-again notify-becomes-ready notify-rebooted pidfd-again pidfd-becomes-ready pidfd-rebooted" stored

step "over a stop and several starts it neither grows nor shrinks"
before=$(identity_of becomes-ready)
held=$(daemon_fds_at_rest)
for _ in 1 2 3; do
  stop_daemon
  assert_eq "$(stored | wc -w)" 6
  start_daemon
  assert_soon_eq 6 eval 'stored | wc -w'
done
assert_eq "$(identity_of becomes-ready)" "$before"
assert_eq "$(daemon_fds_at_rest)" "$held" "descriptors of the daemon"

step "what nobody takes is dropped: its file and its record have gone meanwhile"
kill_daemon
rm /etc/netnsd/again.container /run/netnsd/state/again.record
start_daemon
assert_soon_eq "notify-becomes-ready notify-rebooted pidfd-becomes-ready pidfd-rebooted" stored
assert_nothing_of again

step "a store that had been lost is filled again"
kill_daemon
kill "$STORE_PID"
exec {STORE_FD}<&-
DAEMON_WRAPPER=("${WITHOUT_STORE[@]}")
start_store
start_daemon
assert_eq "$(identity_of becomes-ready)" "$before"
assert_soon_eq "notify-becomes-ready notify-rebooted pidfd-becomes-ready pidfd-rebooted" stored
assert_ok ctl stop becomes-ready rebooted
assert_soon_eq "" stored

finish
kill "$STORE_PID"
