#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything that can be declared of links, addresses, routes, rules, neighbours, sysctls and DNS, as the
# kernel then shows it; namespaces that refer to each other in a circle.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

conf left <<'X'
[Namespace]
IPv4Forwarding=yes
IPv6Forwarding=yes
DNS=10.1.0.53 fd01::53
Domains=lab.example example.org
Sysctl=net.ipv4.ip_local_port_range=32768 50000

[Bridge br0]
Address=10.9.0.1/24

[Bridge br-stp]
STP=yes
MulticastSnooping=no
AgeingTimeSec=30
ForwardDelaySec=4

[Veth to-right]
PeerNamespace=right
PeerName=to-left
PeerAddress=10.1.0.2/30
PeerMACAddress=02:00:00:00:01:02
PeerMTUBytes=1400
Address=10.1.0.1/30
Address=fd01::1/64
MTUBytes=1400
MACAddress=02:00:00:00:01:01
Alias=way to the right
AlternativeName=uplink-of-the-left-hand-side second-name
LinkLocalAddressing=no

[Veth port0]
PeerNamespace=right
PeerName=leg
PeerBridge=br1
Bridge=br0

[Address extra]
Link=to-right
Address=10.7.0.1/24
RouteMetric=77
PreferredLifetime=0
Label=to-right:x

[Route far]
Destination=198.51.100.0/24
Gateway=10.1.0.2
Metric=50
PreferredSource=10.1.0.1
MTUBytes=1300

[Route hole]
Destination=203.0.113.0/24
Type=blackhole

[Route six]
Destination=2001:db8::/32
Gateway=fd01::2
Table=100

[Route both]
Destination=192.0.2.0/24
MultiPathRoute=10.1.0.2 10
MultiPathRoute=10.9.0.2@br0 20

[RoutingPolicyRule mark]
From=10.7.0.0/24
Table=100
Priority=1000
FirewallMark=7
Family=ipv4

[Neighbor fixed]
Link=to-right
Address=10.1.0.2
LinkLayerAddress=02:00:00:00:01:02
X

conf right <<'X'
[Bridge br1]
Address=10.9.0.2/24

[Veth back]
PeerNamespace=left
PeerName=back
PeerAddress=10.2.0.1/30
Address=10.2.0.2/30

[Route home]
Destination=10.7.0.0/24
Gateway=10.1.0.1
X

conf a-namespace-with-a-long-name <<'X'
[Veth eth0]
Address=10.3.0.1/24
[Veth an-interface-with-a-long-name]
Address=10.4.0.1/24
X

start_daemon

step "what is declared is there"
assert_json '.[0] | "\(.mtu) \(.address) \(.ifalias) \(.inet6_addr_gen_mode)"' \
  "1400 02:00:00:00:01:01 way to the right none" nsjson left link show to-right
assert_json '.[0].altnames | sort | join(" ")' "second-name uplink-of-the-left-hand-side" nsjson left link show to-right
assert_json '.[0] | "\(.mtu) \(.address)"' "1400 02:00:00:00:01:02" nsjson right link show to-left
assert_json '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort | join(" ")' \
  "10.1.0.1/30 10.7.0.1/24 fd01::1/64" nsjson left addr show to-right
assert_json '.[0].addr_info[] | select(.local == "10.7.0.1") | "\(.label) \(.metric) \(.deprecated)"' \
  "to-right:x 77 true" nsjson left addr show to-right
assert_json '.[0].linkinfo.info_data | "\(.stp_state) \(.mcast_snooping) \(.ageing_time) \(.forward_delay)"' "1 0 3000 400" \
  nsjson left link show br-stp
assert_json '.[0].master' br0 nsjson left link show port0
assert_json '.[0].master' br1 nsjson right link show leg
assert_json '.[] | select(.dst == "198.51.100.0/24") | "\(.gateway) \(.metric) \(.prefsrc) \(.metrics[0].mtu)"' \
  "10.1.0.2 50 10.1.0.1 1300" nsjson left route show
assert_json '.[] | select(.dst == "203.0.113.0/24").type' blackhole nsjson left route show
assert_json '.[].gateway' fd01::2 nsjson left -6 route show table 100
assert_json '.[] | select(.dst == "192.0.2.0/24") | [.nexthops[] | "\(.gateway)@\(.dev)*\(.weight)"] | join(" ")' \
  "10.1.0.2@to-right*10 10.9.0.2@br0*20" nsjson left route show
assert_json '.[] | select(.priority == 1000) | "\(.src)/\(.srclen) \(.fwmark) \(.table)"' "10.7.0.0/24 0x7 100" nsjson left rule show
assert_json '.[] | select(.dst == "10.1.0.2") | "\(.lladdr) \(.state[0])"' "02:00:00:00:01:02 PERMANENT" nsjson left neigh show
assert_eq "$(inns left cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | xargs)" "1 1"
assert_eq "$(inns left cat /proc/sys/net/ipv4/ip_local_port_range | xargs)" "32768 50000"
assert_eq "$(inns right cat /proc/sys/net/ipv4/ip_forward)" 0 "forwarding in right"
assert_contains "$(cat /etc/netns/left/resolv.conf)" "nameserver fd01::53"
assert_contains "$(cat /etc/netns/left/resolv.conf)" "search lab.example example.org"
[ ! -e /etc/netns/right/resolv.conf ] || fail "right has a resolv.conf nobody declared"

step "names of more than 15 characters"
host_end=$(host_json link | jq -r '.[] | select(.altnames // [] | index("ns-a-namespace-with-a-long-name")).ifname')
[ -n "$host_end" ] || fail "there is no host end with the full name as alternative name"
[ ${#host_end} -le 15 ] || fail "host end is '$host_end'"
assert_json '.[0].altnames[0]' an-interface-with-a-long-name nsjson a-namespace-with-a-long-name link show an-interface-with-a-long-name

step "packets find their way"
assert_ok inns right ping -c1 -W2 10.1.0.1
assert_ok inns right ping -c1 -W2 10.2.0.1
assert_ok inns left ping -c1 -W2 10.9.0.2

step "nothing is left to do; a kill changes nothing"
assert_plan_empty
before=$(fingerprint - left right a-namespace-with-a-long-name)
kill_daemon
start_daemon
assert_plan_empty
assert_eq "$(fingerprint - left right a-namespace-with-a-long-name)" "$before"

step "one end goes with the other's namespace, and comes back with it"
assert_ok ctl down right
assert_soon_eq pending state_of left
assert_ok ctl up right
assert_soon_eq configured state_of left
assert_ok inns right ping -c1 -W2 10.1.0.1
assert_plan_empty
finish
