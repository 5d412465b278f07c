#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every kind that this kernel has, and both address sources, by way of the daemon: made, the same for
# a second plan, changed in place or made again, and the same for a daemon that knows nothing.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

for kind in macvlan macvtap vxlan ifb; do
  case $kind in
  vxlan) need_kind vxlan id 1 dstport 4789 ;;
  ifb) need_kind ifb ;;
  *) unshare -n sh -c "ip link add name aa0 type veth peer name aa1 && ip link add link aa0 name aa2 type $kind" 2>/dev/null ||
    skip "this kernel has no link kind $kind" ;;
  esac
done

lab() { # MODE HELLO VNI TTL
  conf lab <<FILE
[Namespace]
[Veth base0]
PeerName=ns-lab
AddressPool=10.9.0.0/24
AddressPool=fd00:9::/64
[Veth base1]
PeerName=ns-lab1
[MACVLAN m0]
Parent=base0
Mode=$1
BroadcastMulticastQueueLength=77
Address=10.8.0.2/24
[MACVTAP t0]
Parent=base1
Mode=bridge
[IFB i0]
MTUBytes=1400
[Bridge b0]
HelloTimeSec=$2
AgeingTimeSec=1333ms
ForwardDelaySec=0
MulticastSnooping=no
[VXLAN x0]
Parent=base0
VNI=$3
Group=239.1.1.1
TTL=$4
DestinationPort=4789
ReduceARPProxy=yes
Bridge=b0
[VXLAN x1]
VNI=9
Remote=10.9.0.250
DestinationPort=4790
FILE
  sed -i 's/AgeingTimeSec=1333ms/AgeingTimeSec=1330ms/' /etc/netnsd/lab.netns
}
addresses() { # IFNAME
  nsjson lab addr show dev "$1" | jq -r '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort | join(" ")'
}

step "made as declared"
lab bridge 1330ms 5 7
conf host <<'FILE'
[Namespace]
Host=yes
[Bridge br-host]
Address=10.7.0.1/24
[Veth up0]
PeerName=up1
FILE
# A link whose parent is on the host: the tunnel leaves there.
conf far <<'FILE'
[Namespace]
[VXLAN tun0]
Parent=br-host
VNI=77
Remote=10.7.0.9
DestinationPort=4789
[MACVLAN m0]
Parent=up0
Mode=private
FILE
start_daemon
assert_json '.[0].linkinfo | [.info_kind, .info_data.mode]' '["macvlan","bridge"]' nsjson lab link show m0
assert_json '.[0].link' base0 nsjson lab link show m0
assert_json '.[0].linkinfo.info_kind' macvtap nsjson lab link show t0
assert_json '.[0] | [.linkinfo.info_kind, .mtu]' '["ifb",1400]' nsjson lab link show i0
assert_json '.[0].linkinfo.info_data | [.forward_delay, .mcast_snooping]' '[0,0]' nsjson lab link show b0
assert_json '.[0].linkinfo.info_data | [.id, .group, .link, .ttl, .port, .proxy]' \
  '[5,"239.1.1.1","base0",7,4789,true]' nsjson lab link show x0
assert_json '.[0].master' b0 nsjson lab link show x0
assert_json '.[0].linkinfo.info_data | [.id, .remote]' '[9,"10.9.0.250"]' nsjson lab link show x1
assert_json '.[0].linkinfo.info_data | [.id, .remote]' '[77,"10.7.0.9"]' nsjson far link show tun0
assert_json '.[0].linkinfo.info_data.mode' private nsjson far link show m0
# What the pool gives for lab/base0, computed apart (tests/plugins/pool.c does too).
pooled=$(addresses base0)
assert_eq "$pooled" "$(python3 - <<'PYTHON'
import ipaddress
def pool(name, prefix):
    hash = 14695981039346656037
    for byte in name.encode():
        hash = (hash ^ byte) * 1099511628211 % 2 ** 64
    net = ipaddress.ip_network(prefix)
    last = 2 ** min(net.max_prefixlen - net.prefixlen, 64) - 1
    return f"{net.network_address + hash % (last - (2 if net.version == 4 else 1)) + 2}/{net.prefixlen}"
print(" ".join(sorted(pool("lab/base0", p) for p in ("10.9.0.0/24", "fd00:9::/64"))))
PYTHON
)" "addresses of the pool"
assert_plan_empty

step "changed in place"
before=$(fingerprint lab far -)
lab vepa 2s 5 9
assert_ok ctl apply
assert_json '.[0].linkinfo.info_data.mode' vepa nsjson lab link show m0
assert_json '.[0].linkinfo.info_data.hello_time' 200 nsjson lab link show b0
assert_json '.[0].linkinfo.info_data.ttl' 9 nsjson lab link show x0
assert_eq "$(fingerprint lab far -)" "$before" "what must stay"
assert_plan_empty

step "made again"
# passthru wants its parent for itself, and what is no longer declared goes last.
sed -i '/^\[MACVTAP/,/^Mode/d' /etc/netnsd/lab.netns
assert_ok ctl apply
lab passthru 2s 6 9
sed -i 's/^Parent=base0/Parent=base1/; /^\[MACVTAP/,/^Mode/d' /etc/netnsd/lab.netns
m0=$(ns_ifindex lab m0) x0=$(ns_ifindex lab x0) b0=$(ns_ifindex lab b0)
assert_ok ctl apply
assert_json '.[0] | [.link, .linkinfo.info_data.mode]' '["base1","passthru"]' nsjson lab link show m0
assert_json '.[0] | [.master, .linkinfo.info_data.id, .linkinfo.info_data.link]' '["b0",6,"base1"]' nsjson lab link show x0
assert_ne "$(ns_ifindex lab m0)" "$m0" "m0"
assert_ne "$(ns_ifindex lab x0)" "$x0" "x0"
assert_eq "$(ns_ifindex lab b0)" "$b0" "b0"
assert_eq "$(addresses m0)" 10.8.0.2/24
assert_plan_empty

step "the same for a daemon that starts anew"
before=$(fingerprint lab far -)
kill_daemon
start_daemon
assert_plan_empty
assert_eq "$(fingerprint lab far -)" "$before" "what must stay"
assert_eq "$(addresses base0)" "$pooled" "addresses of the pool"

step "a newcomer moves nobody, and a pool that is too small says so"
conf aaa <<'FILE'
[Namespace]
[Veth eth0]
AddressPool=10.9.0.0/24
AddressPool=192.0.2.0/30
FILE
assert_ok ctl apply
assert_eq "$(addresses base0)" "$pooled" "addresses of the pool"
conf bbb <<'FILE'
[Namespace]
[Veth eth0]
AddressPool=192.0.2.0/30
FILE
assert_status 1 ctl apply
assert_contains "$OUTPUT" "192.0.2.0/30 is exhausted"
assert_contains "$OUTPUT" "2 asked for"
rm /etc/netnsd/bbb.netns
assert_plan_empty
finish
