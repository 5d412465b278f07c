#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# del and down: the name goes at once, the holders are named, the state is "removing" until the kernel let
# go; what somebody else put into the namespace goes back to the host when it is a device of its own.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth

conf one <<'X'
[Namespace]
[Veth eth0]
Address=10.0.1.2/24
X
start_daemon

step "a holder keeps it"
ip netns exec one sleep 1000 &
holder=$!
assert_soon_eq one sh -c "ip netns identify $holder"
assert_status 0 ctl del one
assert_contains "$OUTPUT" "$holder"
[ ! -e /run/netns/one ] || fail "the name is still there"
host_json link show ns-one >/dev/null 2>&1 && fail "the host end is still there"
assert_eq "$(state_of one)" removing

step "up again beside the old one"
old=$(readlink /proc/$holder/ns/net)
assert_ok ctl up one
assert_ne "net:[$(ns_inode one)]" "$old" "inode"
assert_eq "$(state_of one)" configured
assert_plan_empty
assert_ok ctl down one
kill $holder
wait $holder 2>/dev/null
assert_soon_eq down state_of one

step "removing ends with the holder"
assert_ok ctl up one
ip netns exec one sleep 1000 &
holder=$!
assert_soon_eq one sh -c "ip netns identify $holder"
assert_ok ctl down one
assert_eq "$(state_of one)" removing
kill $holder
wait $holder 2>/dev/null
assert_soon_eq down state_of one

step "the name deleted behind our back comes back for the same inode"
assert_ok ctl up one
inode=$(ns_inode one)
ip netns del one
named_again() { [ "$(ns_inode one 2>/dev/null)" = "$inode" ]; }
assert_soon named_again
assert_soon_eq configured state_of one
assert_plan_empty

step "names that are not ours are refused"
ip netns add theirs
assert_status 1 ctl del theirs
assert_contains "$OUTPUT" "not"
is_nsfs theirs || fail "somebody else's namespace is gone"
assert_status 1 ctl del nosuch
assert_status 1 ctl add theirs
assert_status 1 ctl add one

step "many at once"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  conf "many$i" <<<$'[Veth eth0]\nAddress=10.0.2.2/24'
done
assert_ok ctl apply
assert_ok ctl down --all
assert_eq "$(ls /run/netns)" theirs
assert_ok ctl apply
assert_soon_eq down state_of many1
assert_ok ctl up many1
assert_eq "$(state_of many1)" configured
assert_ok ctl down --all
ip netns del theirs
finish
