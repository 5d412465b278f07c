#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What becomes of containers when the daemon is stopped, replaced or killed, or nspawn is: they run on in
# their scopes, and two inits never share a root.
. "$(dirname "$0")/lib.sh" || exit 1

conf plain <<<'[Namespace]'
payload_conf plain "log /shared/log lock /shared/lock fork 2 sleep"
start_netnsd
assert_ok ctl start plain
await_log plain locked
before=$(identity_of plain)

step "S50: a stop, a restart and a kill of the service leave it running, and the next daemon takes it over"
assert_ok systemctl stop netnsd.service
assert_eq "$(identity_of plain)" "$before" "after a stop"
is_unit "$(scope_of plain)" || fail "the scope has gone"
start_netnsd
assert_eq "$(identity_of plain)" "$before" "after a start"
assert_runs plain
assert_ok systemctl restart netnsd.service
assert_eq "$(identity_of plain)" "$before" "after a restart"
assert_runs plain
kill_netnsd
assert_eq "$(identity_of plain)" "$before" "after a kill"
assert_runs plain
assert_eq "$(machines)" plain
assert_ok ctl stop plain
assert_cstate plain dead success
assert_gone plain

step "one that ends while there is no daemon is found ended, and started again by its policy"
payload_conf plain "log /shared/log lock /shared/lock fork 2 first /shared/once await /shared/go reboot -- sleep" \
  Service.Restart=always
assert_ok ctl apply
forget_log plain
assert_ok ctl start plain
await_log plain "forked 2"
before=$(identity_of plain)
assert_ok systemctl stop netnsd.service
: >"$SHARED/plain/go"
assert_soon is_dead "${before% *}" "${before#* }"
assert_soon no_unit "$(scope_of plain)"
start_netnsd
wait_for 60 is_another_than "$before" plain || fail "it was not started again: $(ctl status plain.container 2>&1)"
assert_soon_eq running cstate plain
assert_eq "$(log_of plain | grep -c 'locked already')" 0 "two of them at a time"

step "what nobody remembers is ended before a new one begins"
payload_conf plain "log /shared/log lock /shared/lock fork 2 sleep"
for auto in no yes; do
  payload_conf plain "log /shared/log lock /shared/lock fork 2 sleep" Container.AutoStart=$auto
  before=$(identity_of plain)
  assert_ok systemctl stop netnsd.service
  rm -r /run/netnsd/state
  forget_log plain
  start_netnsd
  [ $auto = yes ] || assert_ok ctl start plain
  wait_for 60 is_another_than "$before" plain || fail "there is no new one"
  assert_soon_eq running cstate plain
  await_log plain "forked 2"
  assert_eq "$(nspawns_of plain | wc -l)" 1
  assert_eq "$(log_of plain | grep -c 'locked already')" 0 "two of them at a time"
  is_dead "${before% *}" "${before#* }" || fail "the old one runs on"
done

step "A5: nspawn is killed: no orphan stays, and it starts again"
payload_conf plain "log /shared/log lock /shared/lock fork 2 sleep" Service.Restart=on-failure Service.RestartSec=0
assert_ok ctl apply
assert_ok ctl restart plain
for _ in 1 2 3; do
  before=$(identity_of plain)
  kill -KILL "$(nspawn_of plain)"
  wait_for 60 is_another_than "$before" plain || fail "it does not come back: $(ctl status plain.container 2>&1)"
  assert_soon_eq running cstate plain
  is_dead "${before% *}" "${before#* }" || fail "the payload outlives its nspawn"
done
assert_eq "$(log_of plain | grep -c 'locked already')" 0 "two of them at a time"
assert_eq "$(cgroup_pids plain | wc -l)" 4 "processes in the scope: nspawn, payload, its two"
payload_conf plain "log /shared/log lock /shared/lock fork 2 sleep" Service.Restart=no
assert_ok ctl apply
kill -KILL "$(nspawn_of plain)"
assert_cstate plain failed signal
assert_gone plain
assert_ok ctl reset-failed plain

step "S31: a namespace that is deleted stops its containers first"
forget_log plain
assert_ok ctl start plain
await_log plain "forked 2"
assert_ok ctl down plain
await_log plain "signal SIGTERM"
assert_cstate plain dead success
assert_gone plain

finish
