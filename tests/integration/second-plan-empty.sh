#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# After an apply there is nothing to do: the plan is empty, a second apply changes nothing and sends
# the kernel nothing that others see as an event, and so after each of several configurations.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

quiet_apply() { # WHAT
  local events before
  assert_plan_empty
  before=$(fingerprint - "${names[@]}")
  # In the background, until the apply is done; its own mark says when it listens.
  ip -o monitor link address route >"$SANDBOX/events" 2>/dev/null &
  local monitor=$!
  wait_for 10 sh -c "ip link add mark0 type bridge; ip link del mark0; grep -q mark0 $SANDBOX/events" ||
    fail "ip monitor does not run"
  local out
  out=$(ctl apply) || fail "$1: apply failed: $out"
  assert_eq "$out" "" "$1: what a second apply prints"
  ip link add mark1 type bridge
  ip link del mark1
  wait_for 10 grep -q mark1 "$SANDBOX/events" || fail "ip monitor has stopped"
  kill $monitor
  wait $monitor 2>/dev/null
  events=$(grep -v -e mark0 -e mark1 "$SANDBOX/events" | grep -vE 'fe80|ff00|STALE|REACHABLE|DELAY')
  assert_eq "$events" "" "$1: events of a second apply"
  assert_eq "$(fingerprint - "${names[@]}")" "$before" "$1: inodes and ifindexes"
  assert_plan_empty
}

step "a laboratory"
names=(router red blue)
conf_lab
start_daemon
wait_for 10 sh -c '! ip -6 addr show tentative | grep -q .'
quiet_apply laboratory

step "one namespace without anything"
conf empty <<<'[Namespace]'
assert_contains "$(ctl plan)" empty "the plan names what it would create"
[ ! -e /run/netns/empty ] || fail "plan has created something"
assert_ok ctl apply
names+=(empty)
quiet_apply empty

step "Loopback=no, and many addresses"
conf quiet <<'FILE'
[Namespace]
Loopback=no
FILE
{
  echo '[Namespace]'
  echo '[Veth eth0]'
  echo 'PeerBridge=br-lan'
  for i in {1..50}; do
    echo "Address=10.40.$i.1/24"
    echo "Address=fd00:40:$i::1/64"
  done
} | conf many
assert_ok ctl apply
assert_json '.[0].flags | index("UP")' null nsjson quiet link show lo
assert_json '[.[0].addr_info[] | select(.scope == "global")] | length' 100 nsjson many addr show eth0
names+=(quiet many)
quiet_apply many

step "a link on the host's side only, and one that is pending"
conf host2 <<'FILE'
[Namespace]
[Veth eth0]
PeerBridge=br-later
Address=10.50.0.2/24
FILE
assert_ok ctl apply
assert_plan_empty
assert_contains "$(cat "$SANDBOX/plan.err")" "host2.netns: waits for " "plan says what it waits for"
assert_eq "$(state_of host2)" pending
assert_contains "$(ctl status --full host2)" br-later "status says what it waits for"
rm /etc/netnsd/host2.netns
assert_ok ctl apply
quiet_apply "after the removal"

step "a start over what exists"
before=$(fingerprint - "${names[@]}")
stop_daemon
start_daemon
assert_eq "$(fingerprint - "${names[@]}")" "$before"
quiet_apply "after a start"
finish
