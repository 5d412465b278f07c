#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply --confirm SPAN: taken back unless confirmed, also when the daemon is killed meanwhile; another apply
# is refused; a damaged checkpoint is no crash and never half applied.
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh" || exit 1 # nothing below may run outside of the sandbox
sandbox "$@"
need_kind veth

old_files() {
  rm -rf /etc/netnsd/*
  conf red <<'X'
[Namespace]
Description=before
[Veth eth0]
Address=10.1.0.2/24
MTUBytes=1500
X
  conf blue <<'X'
[Veth eth0]
Address=10.2.0.2/24
X
}

new_files() {
  conf red <<'X'
[Namespace]
Description=after
IPv4Forwarding=yes
[Veth eth0]
Address=10.1.0.3/24
MTUBytes=1400
X
  rm -f /etc/netnsd/blue.netns
  conf green <<'X'
[Veth eth0]
Address=10.3.0.2/24
X
}

is_old() {
  [ "$(nsjson red addr show eth0 | jq -r '.[0] | "\(.mtu) \([.addr_info[] | select(.family == "inet").local] | join(" "))"')" = "1500 10.1.0.2" ] &&
    is_nsfs blue && [ ! -e /run/netns/green ]
}

is_new() {
  [ "$(nsjson red addr show eth0 | jq -r '.[0] | "\(.mtu) \([.addr_info[] | select(.family == "inet").local] | join(" "))"')" = "1400 10.1.0.3" ] &&
    is_nsfs green && [ ! -e /run/netns/blue ]
}

old_again() { # applied and quiet
  old_files
  assert_ok ctl apply
  assert_plan_empty
  assert_soon settled red blue
}

checkpoint_state() {
  sed -n 's/^State=//p' /run/netnsd/checkpoint/state 2>/dev/null
}

# So that nothing here waits for its time: the deadline of a killed daemon's checkpoint.
set_deadline() { # USEC
  sed -i "s/^DeadlineUSec=.*/DeadlineUSec=$1/" /run/netnsd/checkpoint/state
}

step "spans"
old_files
start_daemon
for span in 0 500ms 2days infinity -1 x ''; do
  assert_status 2 ctl apply "--confirm=$span"
  assert_contains "$OUTPUT" "from 1s to 1day"
done
assert_status 2 ctl list --confirm=3s
assert_status 1 ctl confirm
assert_contains "$OUTPUT" "nothing waits to be confirmed"

step "nothing changed, nothing to confirm"
assert_ok ctl apply --confirm=10s
assert_status 1 ctl confirm
[ ! -e /run/netnsd/checkpoint ] || fail "there is a checkpoint"

step "confirmed"
assert_soon settled red blue
before=$(snapshot red blue)
new_files
out=$(ctl apply --confirm=1h 2>&1) || fail "apply failed: $out"
assert_contains "$out" "netnsctl confirm"
is_new || fail "not applied"
assert_contains "$(ctl status --full)" "netnsctl confirm"
assert_eq "$(checkpoint_state)" waiting
assert_status 1 ctl apply
assert_contains "$OUTPUT" "waits to be confirmed: run 'netnsctl confirm', or wait"
assert_status 1 ctl apply --confirm=30s
assert_contains "$OUTPUT" "waits to be confirmed"
assert_status 1 ctl reload
assert_status 1 ctl add extra
assert_contains "$OUTPUT" "waits to be confirmed"
assert_ok ctl down green
assert_ok ctl up green
assert_ok ctl confirm
assert_status 1 ctl confirm
[ ! -e /run/netnsd/checkpoint ] || fail "the checkpoint is still there"
assert_lacks "$(ctl status --full)" "confirm"
is_new || fail "confirming changed something"
assert_plan_empty

step "not confirmed"
old_again
inode=$(ns_inode red)
before=$(snapshot red blue)
new_files
assert_ok ctl apply --confirm=1s
assert_soon is_old
assert_soon_eq rolled-back checkpoint_state
assert_snapshot "$before" red blue
assert_eq "$(ns_inode red)" "$inode"
assert_contains "$(ctl status --full)" "Nobody confirmed"
assert_contains "$(ctl status --full red)" "not in effect"
assert_contains "$(ctl status --full red)" "red - before"
assert_status 1 ctl confirm
assert_ok ctl plan
assert_contains "$(ctl plan)" "10.1.0.3"
assert_ok ctl apply --atomic --confirm=1h
is_new || fail "not applied"
assert_ok ctl confirm

step "killed before the deadline: the rest of the time"
old_again
before=$(snapshot red blue)
new_files
assert_ok ctl apply --atomic --confirm=1h
kill_daemon
start_daemon
is_new || fail "a restart before the deadline takes back"
assert_contains "$(ctl status --full)" "netnsctl confirm"
kill_daemon
now=$(cut -d' ' -f1 /proc/uptime)
set_deadline $((${now%.*} * 1000000 + 4000000))
start_daemon
assert_soon is_old
assert_snapshot "$before" red blue
assert_contains "$(ctl status --full)" "Nobody confirmed"

step "killed, and the deadline over at the next start"
old_again
before=$(snapshot red blue)
new_files
assert_ok ctl apply --confirm=1h
kill_daemon
set_deadline 1
start_daemon
assert_snapshot "$before" red blue
assert_eq "$(checkpoint_state)" rolled-back
assert_eq "$(state_of red) $(state_of blue) $(state_of green)" "configured configured "
kill_daemon
start_daemon
assert_snapshot "$before" red blue
assert_ok ctl apply
is_new || fail "the next apply takes the files"
[ ! -e /run/netnsd/checkpoint ] || fail "the checkpoint outlives an apply"

step "confirmed after a restart"
old_again
new_files
assert_ok ctl apply --confirm=1h
kill_daemon
start_daemon
assert_ok ctl confirm
kill_daemon
start_daemon
is_new || fail "confirmed and lost"

for damage in garbage empty version truncated; do
  step "a damaged state ($damage): what ran before comes back"
  old_again
  before=$(snapshot red blue)
  new_files
  assert_ok ctl apply --confirm=1h
  kill_daemon
  state=/run/netnsd/checkpoint/state
  case $damage in
    garbage) head -c 300 /dev/urandom >$state ;;
    empty) : >$state ;;
    version) sed -i 's/^Version=.*/Version=999/' $state ;;
    truncated) truncate -s 20 $state ;;
  esac
  start_daemon
  assert_contains "$(daemon_log)" "what ran before it comes back"
  assert_snapshot "$before" red blue
  assert_eq "$(checkpoint_state)" rolled-back
done

step "a damaged object: the files on disk"
old_again
new_files
assert_ok ctl apply --confirm=1h
kill_daemon
echo '[Nonsense' >/run/netnsd/checkpoint/old/red.netns
set_deadline 1
start_daemon
assert_contains "$(daemon_log)" "the files on disk are used"
is_new || fail "expected the files on disk"
[ ! -e /run/netnsd/checkpoint ] || fail "the checkpoint is still there"

step "a damaged state without the rest: the files on disk"
old_again
new_files
assert_ok ctl apply --confirm=1h
kill_daemon
echo x >/run/netnsd/checkpoint/state
rm -r /run/netnsd/checkpoint/old /run/netnsd/checkpoint/wanted
start_daemon
is_new || fail "expected the files on disk"

step "one of another boot"
old_again
new_files
assert_ok ctl apply --confirm=1h
kill_daemon
sed -i 's/^BootID=.*/BootID=00000000-0000-0000-0000-000000000000/' /run/netnsd/checkpoint/state
start_daemon
is_new || fail "expected the files on disk"
assert_status 1 ctl confirm

step "what ran and was down stays down; transient ones come back"
old_again
assert_ok ctl add extra "Veth eth0.Address=10.9.0.2/24"
assert_ok ctl down blue
new_files
conf blue <<<'[Namespace]'
assert_ok ctl apply --confirm=1h
assert_ok ctl up blue
kill_daemon
set_deadline 1
start_daemon
assert_eq "$(state_of extra) $(state_of blue)" "configured down"
[ ! -e /run/netns/blue ] || fail "blue was down"
assert_json '.[0].mtu' 1500 nsjson red link show eth0
rm /etc/netnsd/green.netns
assert_ok ctl apply
assert_ok ctl del extra
finish
