#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Repair on Debian's kernel, and of the kinds that the test machine lacks: what a foreign hand takes away
# comes back, and followers hear of it from the right namespace. The whole of it is in
# integration/repair.sh, which asks too much of an emulated machine.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

cat >/etc/netnsd/netnsd.conf <<'X'
[Manager]
AuditSec=500ms
X
conf one <<'X'
[Namespace]
Sysctl=net.ipv4.ip_default_ttl=77
[Veth eth0]
PeerName=ns-one
Address=10.1.0.2/24
Gateway=10.1.0.1
[Dummy d0]
Address=10.2.0.1/24
[VLAN v7]
Parent=eth0
Id=7
Address=10.7.0.2/24
[IPVLAN i0]
Parent=d0
[VRF red]
Table=77
[RoutingPolicyRule a]
Priority=1000
Table=100
X
start_daemon
inode=$(ns_inode one)
"$NETNSCTL" monitor --json=short >"$SANDBOX/monitor.log" &
monitor=$!
own_pid $monitor
assert_soon grep -q '"ready"' "$SANDBOX/monitor.log"

is_back() { # WHAT IP-ARGS...: ip shows something again
  local what=$1
  shift
  assert_soon eval "[ -n \"\$(inns one ip $* 2>/dev/null)\" ]"
  assert_soon_eq configured state_of one
  assert_eq "$(ns_inode one)" "$inode" "$what"
}

for link in d0 v7 i0 red eth0; do
  inns one ip link del $link
  is_back $link -o link show dev $link up
done
assert_soon_eq "d0 eth0 i0 red v7" links_of one
inns one ip addr flush dev v7
is_back address -o addr show dev v7 to 10.7.0.2
inns one ip route del default
is_back route route show default
inns one ip rule del priority 1000
is_back rule rule show priority 1000
inns one ip link set eth0 down
is_back up -o link show dev eth0 up
inns one sh -c 'echo 64 >/proc/sys/net/ipv4/ip_default_ttl'
assert_soon_eq 77 sysctl_of one ipv4/ip_default_ttl
ip netns del one
named_again() { [ "$(ns_inode one 2>/dev/null)" = "$inode" ]; }
assert_soon named_again
assert_soon_eq configured state_of one

step "they were heard"
kill $monitor
wait $monitor 2>/dev/null
python3 - "$SANDBOX/monitor.log" <<'X' || fail "see above"
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1]) if l.strip()]
changes = [l for l in lines if "sequence" in l and "object" in l]
numbers = [l["sequence"] for l in changes]
assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a gap"
gone = {l["interface"] for l in changes if (l["namespace"], l["object"], l["change"]) == ("one", "link", "removed")}
assert gone >= {"d0", "v7", "i0", "red", "eth0"}, gone
causes = {l["cause"] for l in changes}
assert causes == {"ours", "foreign"}, causes
X
finish
