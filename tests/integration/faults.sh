#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# After failures and kills the daemon still knows what was in force: found by the sweep, and shown here
# without failing system calls.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

altnames() {
  nsjson one link show eth0 | jq -r '.[0].altnames // [] | join(" ")'
}

master() {
  host_json link show ns-one | jq -r '.[0].master'
}

conf_one() { # MORE LINES...
  printf '%s\n' '[Namespace]' '[Veth eth0]' 'PeerName=ns-one' "$@" >/etc/netnsd/one.netns
}

step "what is no longer declared goes, also when the first try failed"
printf '%s\n' '[Namespace]' 'Host=yes' '[Bridge br0]' >/etc/netnsd/host.netns
conf_one AlternativeName=first PeerBridge=br0
start_daemon
assert_eq "$(altnames) $(master)" "first br0"
conf_one '[Route lost]' Destination=198.51.100.0/24 Gateway=203.0.113.1
assert_status 1 ctl apply
assert_eq "$(altnames) $(master)" "first br0" "after the undo"
conf_one
assert_ok ctl apply
assert_eq "$(altnames) $(master)" " null"
assert_plan_empty

step "and when the daemon was killed, and the file changed before the next start"
conf_one AlternativeName=second PeerBridge=br0
assert_ok ctl apply
assert_soon test -s /run/netnsd/last-good/one.netns
assert_soon grep -q second /run/netnsd/last-good/one.netns
kill_daemon
conf_one
start_daemon
assert_eq "$(altnames) $(master)" " null"

step "a directory that cannot be read is not an empty one"
inode=$(ns_inode one)
mv /etc/netnsd /etc/kept
touch /etc/netnsd
assert_status 1 ctl apply
assert_contains "$OUTPUT" "/etc/netnsd"
assert_status 1 ctl add two
stop_daemon
start_daemon_refused
assert_contains "$(daemon_log)" "/etc/netnsd"
assert_eq "$(ns_inode one)" "$inode"
rm /etc/netnsd
mv /etc/kept /etc/netnsd
start_daemon
assert_eq "$(ns_inode one)" "$inode"
assert_plan_empty

step "declared anew while the old one is still held: it comes up, whatever was said of the old one"
nsenter --net=/run/netns/one -- sleep 1000 &
holder=$!
own_pid $holder
wait_for 15 sh -c "[ \"\$(readlink /proc/$holder/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]" || fail "no holder"
assert_ok ctl down one
rm /etc/netnsd/one.netns
assert_ok ctl apply
assert_eq "$(state_of one)" removing
conf_one
assert_ok ctl apply
is_nsfs one || fail "it is not there"
kill $holder
wait $holder 2>/dev/null
assert_soon_eq configured state_of one

step "killed between unmounting a name and removing it: nothing is left of it"
kill_daemon
umount -l /run/netns/one
rm /etc/netnsd/one.netns
start_daemon
[ ! -e /run/netns/one ] || fail "an empty file is left"

step "taken down while others look at it, because they have a link into it: it goes all the same"
rm -f /etc/netnsd/*.netns
assert_ok ctl apply
stop_daemon
assert_ok python3 "$(dirname "$0")/down_looked_at.py"
leak_check
rm /etc/netnsd/netnsd.conf
start_daemon
finish
