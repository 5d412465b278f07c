#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Network cards, nic0 and nic1, at the two ends of one wire. One that somebody moved into a namespace goes
# back to the host when netnsd removes the namespace, also while a process holds it and after a crash; one
# that is the parent of declared links stays where it is. Runs in the machine's own network namespace.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

cards=()
for file in /sys/class/net/*; do
  [ ! -e "$file/device" ] || cards+=("${file##*/}")
done
[ ${#cards[@]} = 2 ] || fail "expected two network cards, there are: ${cards[*]-}"
# Distinct from the eth0 that namespaces have.
ip link set dev "${cards[0]}" name nic0
ip link set dev "${cards[1]}" name nic1

mac_of() { # NAME IFNAME; NAME - is the host
  if [ "$1" = - ]; then cat "/sys/class/net/$2/address"; else inns "$1" ip -br link show dev "$2" | awk '{ print $3 }'; fi
}
on_host() { # IFNAME MAC
  [ "$(mac_of - "$1" 2>&1)" = "$2" ] || fail "the card is not back on the host as $1: $(ip -br link)"
}
hold() { # NAME: a process in it, $HOLDER
  ip netns exec "$1" sleep 1000 &
  HOLDER=$!
  assert_soon_eq "$1" ip netns identify $HOLDER
}
let_go() {
  kill $HOLDER
  wait $HOLDER 2>/dev/null
}
conf_out() {
  conf out <<'FILE'
[Veth eth0]
Address=10.1.0.2/24
[Bridge br0]
FILE
}
mac0=$(mac_of - nic0) mac1=$(mac_of - nic1)

step "what the kernel does by itself: a card is away as long as a process is there"
ip netns add theirs
ip link set nic0 netns theirs
hold theirs
ip netns del theirs
sleep 1
[ ! -e /sys/class/net/nic0 ] || fail "this kernel hands cards back, there is nothing to be tested"
let_go
assert_soon test -e /sys/class/net/nic0

step "a card works in a namespace, and is left alone there"
conf_out
start_daemon
ip link set nic0 netns out
inns out ip addr add 10.9.0.2/24 dev nic0
inns out ip link set nic0 up
ip addr add 10.9.0.1/24 dev nic1
ip link set nic1 up
assert_soon inns out ping -n -q -c 1 -W 1 10.9.0.1
assert_plan_empty
assert_contains "$(ctl status --full out)" nic0
stop_daemon
assert_eq "$(mac_of out nic0)" "$mac0" "after a stop"
start_daemon
assert_plan_empty

step "the plan says that it goes back; it does"
rm /etc/netnsd/out.netns
plan=$(ctl plan)
assert_contains "$plan" "nic0"
assert_contains "$plan" "goes back to the host"
assert_eq "$(mac_of out nic0)" "$mac0" "a plan only says"
assert_ok ctl apply
on_host nic0 "$mac0"
[ ! -e /run/netns/out ] || fail "out is still there"
assert_lacks "$(ip link show nic0)" "group $LINK_GROUP" "nic0 is nobody's"

step "also while a process holds the namespace, and out of a bridge of ours"
for verb in down del; do
  conf_out
  assert_ok ctl apply
  [ $verb = down ] || assert_ok ctl up out
  ip link set nic0 netns out
  inns out ip link set nic0 master br0 up
  assert_plan_empty
  hold out
  assert_status 0 ctl $verb out
  assert_contains "$OUTPUT" "$HOLDER"
  on_host nic0 "$mac0"
  assert_eq "$(state_of out)" removing
  let_go
  assert_soon_eq down state_of out
done

step "both, and the daemon was killed in between"
assert_ok ctl up out
ip link set nic0 netns out
ip link set nic1 netns out
kill_daemon
hold out
rm /etc/netnsd/out.netns
start_daemon
on_host nic0 "$mac0"
on_host nic1 "$mac1"
[ ! -e /run/netns/out ] || fail "out is still there"
let_go

step "its name is taken meanwhile"
conf_out
assert_ok ctl apply
ip link set nic0 netns out
ip link add nic0 type dummy
assert_ok ctl down out
name=$(grep -lx "$mac0" /sys/class/net/*/address | cut -d / -f 5)
[ -n "$name" ] || fail "the card is not back on the host: $(ip -br link)"
assert_ne "$name" nic0
ip link del nic0
ip link set "$name" down
ip link set "$name" name nic0
rm /etc/netnsd/out.netns
assert_ok ctl apply

step "an adopted namespace keeps it"
ip netns add theirs
foreign theirs
ip link set nic0 netns theirs
conf theirs <<'FILE'
[Namespace]
Adopt=yes
[Veth eth0]
FILE
assert_ok ctl apply
rm /etc/netnsd/theirs.netns
assert_ok ctl apply
assert_eq "$(links_of theirs)" nic0
inns theirs ip link set nic0 netns 1
on_host nic0 "$mac0"
ip netns del theirs

step "links on it: packets with tags and by other addresses, from card to card"
ip link set nic0 up
ip link set nic1 up
# Without LooseBinding= a VLAN can only be up when its parent is, and cards are down at first.
conf left <<'FILE'
[VLAN guests]
Parent=nic0
Id=30
LooseBinding=yes
Address=10.30.0.1/24
[VLAN service]
Parent=nic0
Id=31
Protocol=802.1ad
LooseBinding=yes
Address=10.31.0.1/24
[MACVLAN mac0]
Parent=nic0
Mode=bridge
Address=10.32.0.1/24
FILE
conf right <<'FILE'
[VLAN guests]
Parent=nic1
Id=30
Address=10.30.0.2/24
[VLAN service]
Parent=nic1
Id=31
Protocol=802.1ad
Address=10.31.0.2/24
[IPVLAN ip0]
Parent=nic1
Mode=L2
Address=10.32.0.2/24
FILE
assert_ok ctl apply
for network in 30 31 32; do
  assert_soon inns left ping -n -q -c 1 -W 1 10.$network.0.2
done
assert_plan_empty
hold left
assert_ok ctl down --all
on_host nic0 "$mac0"
on_host nic1 "$mac1"
let_go
assert_ok ctl up left right
assert_soon inns left ping -n -q -c 1 -W 1 10.31.0.2

step "a card is taken out of the machine and the links on it with it; all come back"
kept=$(ns_ifindex right guests)
slot=$(dirname "$(readlink -f /sys/class/net/nic0/device)")
echo 1 >"$slot/remove"
assert_eq "$(links_of left)" ""
assert_ok ctl apply
assert_eq "$(state_of left)" pending
assert_contains "$(ctl status --full left)" nic0
echo 1 >/sys/bus/pci/rescan
assert_soon grep -lx "$mac0" /sys/class/net/*/address
ip link set "$(grep -lx "$mac0" /sys/class/net/*/address | cut -d / -f 5)" name nic0
ip link set nic0 up
assert_soon_eq configured state_of left
assert_soon inns left ping -n -q -c 1 -W 1 10.30.0.2
assert_eq "$(ns_ifindex right guests)" "$kept" "what must stay"
assert_plan_empty
step "a VLAN on a card that is down waits for it"
ip link set nic0 down
conf waits <<'X'
[VLAN v31]
Parent=nic0
Id=31
Address=10.77.0.1/24
Gateway=10.77.0.254
X
assert_ok ctl apply
assert_eq "$(state_of waits)" pending
assert_contains "$(ctl status --full waits)" "nic0 to come up"
ip link set nic0 up
assert_soon_eq configured state_of waits
assert_json '.[0].gateway' 10.77.0.254 nsjson waits route show default
assert_plan_empty
rm /etc/netnsd/waits.netns
assert_ok ctl apply
ip link set nic0 down

finish
