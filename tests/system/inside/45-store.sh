#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# systemd's own file descriptor store (FileDescriptorStoreMax=): what is in it while containers run, that it comes back
# after a kill and a restart of the service, that exits are known which happened in between, and that nothing stays.
. "$(dirname "$0")/lib.sh" || exit 1

stored() {
  property netnsd.service NFileDescriptorStore
}

# What PID 1 really holds; some it opens and closes all the time.
fds_of_init() {
  local i least=''
  for i in 1 2 3 4 5 6 7 8; do
    set -- /proc/1/fd/*
    [ -n "$least" ] && [ $# -ge "$least" ] || least=$#
    sleep 0.02
  done
  echo "$least"
}

fds_of_daemon() {
  local dir
  dir=/proc/$(daemon_pid)/fd
  set -- "$dir"/*
  echo $#
}

# By name, where systemd tells (254).
assert_stored() { # NAME...: containers
  assert_soon_eq $(($# * 2)) stored
  [ "$(systemctl --version | awk 'NR == 1 { print $2 }')" -ge 254 ] || return 0
  assert_eq "$(systemd-analyze fdstore --json=short netnsd.service 2>/dev/null | jq -r '.[].fdname' | sort | xargs)" \
    "$({ printf 'notify-%s\n' "$@"; printf 'pidfd-%s\n' "$@"; } | sort | xargs)" "names in the store"
}

payload_conf one "log /shared/log lock /shared/lock fork 2 sleep"
payload_conf two "log /shared/log ready sleep" Exec.NotifyReady=yes
start_netnsd
[ "$(property netnsd.service FileDescriptorStoreMax)" -gt 0 ] || fail "the unit has no store"
assert_eq "$(stored)" 0

step "two descriptors of each container that runs, and no longer"
assert_ok ctl start one two
assert_stored one two
assert_ok ctl stop two
assert_stored one
assert_ok ctl start two
assert_stored one two
assert_ok ctl restart one two
assert_stored one two
await_log one "forked 2"
one=$(identity_of one) two=$(identity_of two)

step "S50: ten kills and restarts: the same containers, the same number of descriptors"
assert_ok systemctl restart netnsd.service
held=$(fds_of_init)
daemon=$(fds_of_daemon)
for i in {1..10}; do
  old=$(daemon_pid)
  if [ $((i % 2)) = 0 ]; then
    assert_ok systemctl restart netnsd.service
  else
    assert_ok systemctl kill -s KILL --kill-whom=main netnsd.service
    wait_for 60 is_another_daemon "$old" || fail "systemd does not start the daemon again"
  fi
  assert_eq "$(identity_of one), $(identity_of two)" "$one, $two" "after end $i of the daemon"
  assert_stored one two
done
assert_runs one
assert_runs two
assert_eq "$(log_of one | grep -c 'locked already')" 0 "two of them at a time"
assert_eq "$(begins_of one) $(begins_of two)" "2 3" # with their own stops and starts
wait_for 60 eval "[ \$(fds_of_init) -le $held ]" || fail "PID 1 held $held descriptors, and holds $(fds_of_init)"
wait_for 60 eval "[ \$(fds_of_daemon) -le $daemon ]" || fail "the daemon held $daemon descriptors, and holds $(fds_of_daemon)"
if journal -u netnsd.service | grep 'not known'; then fail "something is said to be not known"; fi

step "a kill of all in its cgroup, as systemctl kill does by default, ends the daemon alone"
old=$(daemon_pid)
assert_ok systemctl kill -s KILL netnsd.service
wait_for 60 is_another_daemon "$old" || fail "systemd does not start the daemon again"
assert_eq "$(identity_of one), $(identity_of two)" "$one, $two"
assert_stored one two

step "what ended while the daemon was dead: status and result are known, and Restart= is obeyed"
payload_conf fine "log /shared/log await /shared/go exit 0" Service.Restart=on-failure
payload_conf seven "log /shared/log await /shared/go exit 7"
payload_conf shot "log /shared/log sleep"
payload_conf rebooted "log /shared/log first /shared/booted await /shared/go reboot -- sleep"
payload_conf again "log /shared/log first /shared/begun await /shared/go exit 9 -- sleep" Service.Restart=on-failure \
  Service.RestartSec=50ms
payload_conf becomes-ready "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes Service.TimeoutStartSec=infinity
assert_ok ctl apply
assert_ok ctl start fine seven shot rebooted again
assert_ok ctl start --no-block becomes-ready
await_log becomes-ready "begin 1"
assert_stored one two fine seven shot rebooted again becomes-ready
ends() {
  local name
  kill -KILL "$(nspawn_of shot)"
  for name in fine seven rebooted again becomes-ready; do
    : >"$SHARED/$name/go"
  done
  for name in fine seven rebooted again; do
    assert_soon no_unit "$(scope_of $name)"
  done
  for name in fine seven shot rebooted again; do
    assert_soon_eq "" nspawns_of $name
  done
  await_log becomes-ready "notified READY=1"
  assert_eq "$(stored)" 16 "descriptors that are kept though what they are of has ended"
}
kill_netnsd_for_now
ends
restart_netnsd
assert_cstate becomes-ready running
assert_eq "$(begins_of becomes-ready)" 1
if tells_exits; then
  assert_cstate fine dead success
  assert_eq "$(cshow fine '[.runtime.exitCode, .runtime.exitStatus]')" '["exited",0]'
  assert_cstate seven failed exit-code
  assert_eq "$(cshow seven '[.runtime.exitCode, .runtime.exitStatus]')" '["exited",7]'
  assert_cstate shot failed signal
  assert_eq "$(cshow shot '[.runtime.exitCode, .runtime.exitStatus]')" '["killed",9]'
  assert_contains "$(cshow again .runtime.restartReason)" "exit status 9"
  if journal -u netnsd.service | grep 'not known'; then fail "something is said to be not known"; fi
else
  echo "how each ended: skipped, Linux $(uname -r) does not tell (6.15)"
fi
for name in rebooted again; do
  await_log $name "begin 1" 2
  assert_cstate $name running
  assert_eq "$(nspawns_of $name | wc -l)" 1
done
assert_stored one two rebooted again becomes-ready
assert_eq "$(identity_of one), $(identity_of two)" "$one, $two"
assert_gone fine
assert_gone shot

step "a stop of the service empties it, and the next start fills it again"
assert_ok systemctl stop netnsd.service
assert_eq "$(stored)" 0
start_netnsd
assert_stored one two rebooted again becomes-ready
assert_eq "$(identity_of one), $(identity_of two)" "$one, $two"

step "all are stopped: nothing is kept"
assert_ok ctl stop --all
assert_eq "$(stored)" 0
for name in one two rebooted again becomes-ready; do
  assert_gone $name
done
finish
