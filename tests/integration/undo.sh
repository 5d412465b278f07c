#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An action that the kernel refuses undoes the transaction of its namespace, is told by name with errno
# and the kernel's words, and leaves the other namespaces alone.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

# the kernel's whole view of a namespace, without what counts up or comes by itself
dump() { # NAME
  nsjson "$1" addr | jq -c '[.[] | {ifname, ifindex, mtu, address, flags,
    addr_info: [.addr_info[] | select(.scope == "global") | {"local": .local, prefixlen, "label": .label}]}]'
  nsjson "$1" route show table all
  nsjson "$1" rule
  inns "$1" cat /proc/sys/net/ipv4/ip_forward
}

conf good <<'X'
[Veth eth0]
Address=10.0.1.2/24
X
# What only the kernel can refuse: the reader of files takes any net. sysctl.
printf '%s\n' '[Namespace]' 'DNS=10.0.2.1' 'Sysctl=net.core.no_such_sysctl=1' '[Veth eth0]' 'Address=10.0.2.2/24' >/etc/netnsd/bad.netns

step "a new namespace: nothing is left of it"
start_daemon
assert_eq "$(state_of good)" configured
assert_eq "$(state_of bad)" failed
assert_contains "$(ctl status --full bad)" no_such_sysctl
[ ! -e /run/netns/bad ] || fail "bad is there"
[ ! -e /etc/netns/bad/resolv.conf ] || fail "its resolv.conf is there"
host_json link show ns-bad >/dev/null 2>&1 && fail "its host end is there"

step "an existing namespace: as before, to the ifindex"
before=$(dump good)
printf '%s\n' '[Namespace]' 'IPv4Forwarding=yes' 'Sysctl=net.ipv4.conf.eth0.no_such=1' '[Veth eth0]' 'Address=10.0.1.2/24' 'Address=10.0.1.3/24' \
  'MTUBytes=1400' '[Veth eth1]' 'Address=10.0.3.1/24' '[RoutingPolicyRule one]' 'Priority=100' 'Table=7' >/etc/netnsd/good.netns
rm /etc/netnsd/bad.netns
conf other <<<'[Namespace]'
assert_status 1 ctl apply
assert_contains "$OUTPUT" no_such
assert_eq "$(dump good)" "$before" "good after a failed apply"
assert_eq "$(state_of good)" failed
is_nsfs other || fail "other namespaces have to be changed all the same"
host_json link show ns-good-eth1 >/dev/null 2>&1 && fail "the second link's host end is there"

step "once mended, it is done"
sed -i /no_such/d /etc/netnsd/good.netns
assert_ok ctl apply
assert_eq "$(state_of good)" configured
assert_json '.[0].mtu' 1400 nsjson good link show eth0
assert_plan_empty

step "a link that has to be made again, and cannot be: what ran before comes back"
conf mac <<'X'
[Veth eth0]
[MACVLAN m0]
Parent=eth0
Mode=bridge
Address=10.0.5.1/24
X
assert_ok ctl apply
printf '%s\n' '[Veth eth0]' '[MACVLAN m0]' Parent=eth0 Mode=passthru Address=10.0.5.1/24 '[MACVLAN m1]' Parent=eth0 Mode=bridge \
  >/etc/netnsd/mac.netns
assert_status 1 ctl apply
assert_contains "$OUTPUT" m1
assert_soon_eq bridge sh -c "ip netns exec mac ip -j -d link show m0 | jq -r '.[0].linkinfo.info_data.mode'"
assert_soon_eq 10.0.5.1 sh -c "ip netns exec mac ip -j addr show m0 | jq -r '.[0].addr_info[0].local'"
finish
