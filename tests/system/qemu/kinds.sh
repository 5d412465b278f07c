#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kinds of links that the kernel of a test machine may lack, by way of the daemon: dummy, VLAN in VLAN,
# IPVLAN, VRF, a bridge that filters by VLAN; and sysctls of links with a dot in the name. Made, changed in
# place, made again with what is on top of them, mended, and packets pass.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

lab() { # VLAN OUTER-VLAN PVID FILTERING MODE TABLE
  conf lab <<FILE
[Namespace]
IPv4Forwarding=yes
Sysctl=net.ipv4.conf.br0/100.rp_filter=2
Sysctl=net/ipv6/conf/d0/hop_limit=33
Sysctl=net.ipv4.tcp_l3mdev_accept=1
[Dummy d0]
MACAddress=02:00:00:00:00:d0
MTUBytes=9000
Address=192.0.2.53/32
Address=2001:db8::53/128
[Bridge br0]
VLANFiltering=$4
VLANProtocol=802.1q
DefaultPVID=$3
[Dummy port0]
Bridge=br0
[VLAN br0.100]
Parent=br0
Id=$1
Address=10.100.0.1/24
[VLAN outer]
Parent=d0
Id=$2
Protocol=802.1ad
LooseBinding=yes
[VLAN inner]
Parent=outer
Id=5
ReorderHeader=no
VRF=blue
Address=10.5.0.1/24
Address=fd00:5::1/64
[IPVLAN ip0]
Parent=d0
Mode=$5
Flags=private
Address=10.8.0.2/24
[VRF blue]
Table=$6
[Veth wire]
PeerNamespace=far
PeerName=wire
PeerAddress=10.30.0.2/24
PeerAddress=fd00:30::2/64
VRF=blue
Address=10.30.0.1/24
Address=fd00:30::1/64
[Route in-blue]
Destination=198.51.100.0/24
Gateway=10.30.0.2
Table=$6
FILE
}
conf far <<<'[Namespace]'

in_blue() { # NUMBER OF TABLE
  local routes
  routes=$(inns lab ip route show table "$1"; inns lab ip -6 route show table "$1")
  assert_contains "$routes" "10.30.0.0/24 dev wire"
  assert_contains "$routes" "10.5.0.0/24 dev inner"
  assert_contains "$routes" "fd00:5::/64 dev inner"
  assert_contains "$routes" "198.51.100.0/24 via 10.30.0.2 dev wire proto $ROUTE_PROTO"
  assert_lacks "$(inns lab ip route show)" "10.30.0.0/24" "the main table"
  assert_ok inns lab ping -n -q -c 1 -W 5 -I blue 10.30.0.2
  assert_ok inns lab ping -n -q -c 1 -W 5 -I blue fd00:30::2
}

step "made as declared"
lab 100 200 7 yes L3 77
start_daemon
link_has lab d0 dummy 'mtu 9000' 02:00:00:00:00:d0
assert_eq "$(addresses lab d0)" "192.0.2.53/32 2001:db8::53/128"
link_has lab br0 'vlan_filtering 1' 'vlan_default_pvid 7' 'vlan_protocol 802.1Q'
link_has lab port0 'master br0' bridge_slave
assert_contains "$(inns lab bridge vlan show dev port0)" "7 PVID Egress Untagged"
link_has lab br0.100 'vlan protocol 802.1Q id 100'
link_has lab outer 'vlan protocol 802.1ad id 200 <REORDER_HDR,LOOSE_BINDING>'
link_has lab inner 'vlan protocol 802.1Q id 5' 'master blue' 'vrf_slave table 77'
assert_lacks "$(inns lab ip -d link show dev inner)" REORDER_HDR
link_has lab ip0 'ipvlan  mode l3 private'
link_has lab blue 'vrf table 77'
assert_eq "$(addresses lab inner)" "10.5.0.1/24 fd00:5::1/64"
assert_eq "$(sysctl_of lab ipv4/conf/br0.100/rp_filter)" 2
assert_eq "$(sysctl_of lab ipv6/conf/d0/hop_limit)" 33
assert_eq "$(sysctl_of lab ipv4/tcp_l3mdev_accept)" 1
assert_eq "$(cat /proc/sys/net/ipv4/tcp_l3mdev_accept)" 0 "tcp_l3mdev_accept on the host"
in_blue 77
assert_plan_empty

step "changed in place"
before=$(fingerprint lab far -)
lab 100 200 9 no L2 77
sed -i 's/LooseBinding=yes/LooseBinding=no/; s/ReorderHeader=no/ReorderHeader=yes/' /etc/netnsd/lab.netns
assert_ok ctl apply
link_has lab br0 'vlan_filtering 0' 'vlan_default_pvid 9'
link_has lab inner '<REORDER_HDR>'
assert_lacks "$(inns lab ip -d link show dev outer)" LOOSE_BINDING
link_has lab ip0 'ipvlan  mode l2 private'
assert_eq "$(fingerprint lab far -)" "$before" "what must stay"
assert_plan_empty

step "made again, with the links on top and the members"
d0=$(ns_ifindex lab d0) inner=$(ns_ifindex lab inner) wire=$(ns_ifindex lab wire)
lab 101 201 9 no L2 78
assert_ok ctl apply
link_has lab br0.100 'vlan protocol 802.1Q id 101'
link_has lab outer 'vlan protocol 802.1ad id 201 <REORDER_HDR,LOOSE_BINDING>'
link_has lab inner 'vlan protocol 802.1Q id 5' 'master blue' 'vrf_slave table 78'
link_has lab wire 'master blue'
assert_ne "$(ns_ifindex lab inner)" "$inner" "inner, whose parent is a new one"
assert_eq "$(ns_ifindex lab d0) $(ns_ifindex lab wire)" "$d0 $wire" "what must stay"
assert_eq "$(addresses lab inner)" "10.5.0.1/24 fd00:5::1/64"
assert_eq "$(sysctl_of lab ipv4/conf/br0.100/rp_filter)" 2 "of a link that is new"
in_blue 78
assert_plan_empty

step "mended"
inns lab ip link del d0 # and with it outer, inner, ip0
inns lab ip link del blue
inns lab sysctl -q -w net.ipv4.tcp_l3mdev_accept=0
inns lab ip link set br0 type bridge vlan_filtering 1
assert_ok ctl apply
assert_eq "$(links_of lab)" "blue br0 br0.100 d0 inner ip0 outer port0 wire"
link_has lab br0 'vlan_filtering 0'
assert_eq "$(sysctl_of lab ipv4/tcp_l3mdev_accept) $(sysctl_of lab ipv6/conf/d0/hop_limit)" "1 33"
in_blue 78
assert_plan_empty

step "the same for a daemon that starts anew"
before=$(fingerprint lab far -)
kill_daemon
start_daemon
assert_plan_empty
assert_eq "$(fingerprint lab far -)" "$before" "what must stay"

step "no longer declared"
cat >/etc/netnsd/lab.netns <<'FILE'
[Dummy d0]
[Dummy port0]
[Veth wire]
PeerNamespace=far
PeerName=wire
Address=10.30.0.1/24
FILE
port0=$(ns_ifindex lab port0)
assert_ok ctl apply
assert_eq "$(links_of lab)" "d0 port0 wire"
assert_lacks "$(inns lab ip link show dev port0)" master
assert_eq "$(ns_ifindex lab port0)" "$port0" "port0"
assert_eq "$(addresses lab wire)" 10.30.0.1/24
assert_plan_empty
finish
