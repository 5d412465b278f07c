#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# OnDrift=: a foreign hand changes or takes away what is declared, and it is back, in the same namespace;
# what is not ours stays as that hand left it; report tells, ignore is silent; who fights is named.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

cat >/etc/netnsd/netnsd.conf <<'X'
[Manager]
AuditSec=50ms
LogLevel=debug
X
conf_all() { # ONDRIFT
  conf host <<'X'
[Namespace]
Host=yes
[Bridge br-lan]
MACAddress=02:00:00:00:00:01
Address=10.30.0.1/24
X
  conf one <<X
[Namespace]
OnDrift=$1
DNS=10.30.0.1
IPv4Forwarding=yes
Sysctl=net.ipv4.conf.eth0.rp_filter=2
Sysctl=net.ipv4.ip_default_ttl=77
[Veth eth0]
PeerName=ns-one
PeerBridge=br-lan
MACAddress=02:00:00:00:00:02
PeerMACAddress=02:00:00:00:00:03
MTUBytes=1400
Alias=up link
AlternativeName=uplink
Address=10.30.0.2/24
Address=fd00:30::2/64
Gateway=10.30.0.1
[Veth side]
PeerNamespace=two
PeerName=from-one
MACAddress=02:00:00:00:00:04
PeerMACAddress=02:00:00:00:00:05
PeerAddress=10.32.0.1/24
Address=10.32.0.2/24
[Route mirrors]
Destination=198.51.100.0/24
Gateway=10.30.0.254
Metric=50
[RoutingPolicyRule a]
Priority=1000
From=10.30.0.2
Table=100
[Neighbor a]
Address=10.30.0.77
LinkLayerAddress=02:00:00:00:00:77
Link=eth0
X
  conf two <<'X'
[Namespace]
[Route back]
Destination=203.0.113.0/24
Gateway=10.32.0.2
X
}

whole() {
  dump_of - one two
}

same_again() {
  [ "$(whole)" = "$before" ] && [ "$(state_of one)" = configured ] && [ -z "$(ctl plan)" ]
}

is_put_back() { # WHAT
  wait_for 15 same_again ||
    fail "$1: not put back: $(
      diff <(echo "$before") <(whole)
      ctl status one
      ctl plan
    )"
  assert_eq "$(ns_inode one)" "$inode" "$1: inode"
}

holds() { # WHAT COMMAND...: after this command of somebody else everything is as it was
  local what=$1
  shift
  "$@" || fail "$what: $* failed"
  is_put_back "$what"
}

conf_all repair
start_daemon
inode=$(ns_inode one)
before=$(whole)
assert_contains "$before" 198.51.100.0/24

step "links"
holds "link deleted" inns one ip link del eth0
holds "far end deleted" ip link del ns-one
holds "pair between namespaces deleted" inns two ip link del from-one
holds "MTU" inns one ip link set eth0 mtu 1300
holds "MAC" inns one ip link set eth0 address 02:00:00:00:00:99
holds "MAC of the far end" ip link set ns-one address 02:00:00:00:00:98
holds "down" inns one ip link set eth0 down
holds "far end down" ip link set ns-one down
holds "far end in another namespace down" inns two ip link set from-one down
holds "lo down" inns one ip link set lo down
holds "master" ip link set ns-one nomaster
holds "the bridge deleted" ip link del br-lan
holds "renamed" inns one sh -c 'ip link set eth0 down; ip link set eth0 name other'
holds "alias" inns one ip link set eth0 alias nonsense
holds "alternative name" inns one ip link property del dev eth0 altname uplink
holds "moved away" inns one ip link set eth0 netns 1

step "addresses, routes, rules, neighbours"
holds "address deleted" inns one ip addr del 10.30.0.2/24 dev eth0
holds "IPv6 address deleted" inns one ip addr del fd00:30::2/64 dev eth0
holds "all addresses deleted" inns one ip addr flush dev eth0
holds "address on the bridge" ip addr del 10.30.0.1/24 dev br-lan
holds "address in the other namespace" inns two ip addr del 10.32.0.1/24 dev from-one
holds "route deleted" inns one ip route del 198.51.100.0/24
holds "default route deleted" inns one ip route del default
holds "route in the other namespace" inns two ip route del 203.0.113.0/24
holds "rule deleted" inns one ip rule del priority 1000
holds "neighbour deleted" inns one ip neigh del 10.30.0.77 dev eth0
holds "neighbour changed" inns one ip neigh replace 10.30.0.77 lladdr 02:00:00:00:00:66 dev eth0 nud permanent

step "a route of somebody else in the place of ours is not touched, and ours comes back when it goes"
inns one ip route replace 198.51.100.0/24 via 10.30.0.253 metric 50
assert_soon_eq failed state_of one
assert_contains "$(ctl status --full one)" "route 198.51.100.0/24"
assert_json '.[0].gateway' 10.30.0.253 nsjson one route show 198.51.100.0/24
holds "the other route deleted" inns one ip route del 198.51.100.0/24

step "sysctls: those with an event, and those that only an audit finds"
forwarding() {
  inns one cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/eth0/rp_filter \
    /proc/sys/net/ipv4/ip_default_ttl | paste -sd' '
}
assert_eq "$(forwarding)" "1 2 77"
inns one sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
assert_soon_eq "1 2 77" forwarding
inns one sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter'
assert_soon_eq "1 2 77" forwarding
inns one sh -c 'echo 64 >/proc/sys/net/ipv4/ip_default_ttl'
assert_soon_eq "1 2 77" forwarding
echo nonsense >>/etc/netns/one/resolv.conf
assert_soon same_again

step "names"
holds "name deleted" ip netns del one
holds "unmounted" umount /run/netns/one
umount /run/netns/one && rm /run/netns/one
is_put_back "unmounted and removed"

# Again at once, also while it is being put back.
for _ in 1 2 3 4 5; do
  umount /run/netns/one 2>/dev/null
done
is_put_back "unmounted five times"

step "many at once"
inns one ip link del side
ip link del br-lan
inns one ip addr flush dev eth0
inns two ip route flush proto 78
is_put_back "many at once"

step "what is not ours stays"
inns one ip addr add 192.0.2.1/32 dev eth0
inns one ip link add foreign0 type bridge
inns one ip rule add priority 2000 table 7
inns one ip route add 192.0.2.128/25 via 10.32.0.9
ip route add 192.0.2.64/26 via 10.30.0.9
inns one ip route del 198.51.100.0/24
assert_soon_eq 1 eval 'inns one ip route show 198.51.100.0/24 | wc -l'
assert_eq "$(links_of one)" "eth0 foreign0 side"
assert_json '[.[0].addr_info[].local] | index("192.0.2.1") != null' true nsjson one addr show eth0
assert_json length 1 nsjson one route show 192.0.2.128/25
assert_json length 1 host_json route show 192.0.2.64/26
assert_json length 1 inns one ip -j rule show priority 2000
ip route del 192.0.2.64/26
inns one ip addr del 192.0.2.1/32 dev eth0
inns one ip route del 192.0.2.128/25
inns one ip link del foreign0
inns one ip rule del priority 2000
assert_soon same_again

step "our own doing is no drift"
: >"$SANDBOX/daemon.log"
sed -i 's/MTUBytes=1400/MTUBytes=1390/' /etc/netnsd/one.netns
assert_ok ctl apply
assert_plan_empty
sed -i 's/MTUBytes=1390/MTUBytes=1400/' /etc/netnsd/one.netns
assert_ok ctl apply
assert_soon same_again
assert_eq "$(grep -e repaired: -e 'not as declared' "$SANDBOX/daemon.log")" ""

step "a namespace that others have an end in goes and comes"
assert_ok ctl down two
assert_ok ctl up two
assert_soon same_again

step "report"
conf_all report
assert_ok ctl apply
inns one ip link set eth0 mtu 1300
assert_soon_eq degraded state_of one
assert_contains "$(ctl status --full one)" "MTUBytes 1300, declared 1400"
assert_json '.[0].mtu' 1300 nsjson one link show eth0
inns one ip link set eth0 mtu 1400
assert_soon_eq configured state_of one
inns one ip link del side
assert_soon_eq degraded state_of one
assert_ok ctl apply
assert_soon same_again

step "ignore"
conf_all ignore
assert_ok ctl apply
: >"$SANDBOX/daemon.log"
inns one ip link set eth0 mtu 1300
inns two ip route del 203.0.113.0/24 # heard later, and repaired: so the one before was heard as well
assert_soon_eq 1 eval 'inns two ip route show 203.0.113.0/24 | wc -l'
assert_eq "$(state_of one)" configured
assert_json '.[0].mtu' 1300 nsjson one link show eth0
assert_eq "$(grep 'one: ' "$SANDBOX/daemon.log" | grep -i -e repair -e 'not as declared')" ""
conf_all repair
assert_ok ctl apply
assert_soon same_again

step "a fight"
nsenter --net=/run/netns/one -- sh -c 'while :; do ip addr del 10.32.0.2/24 dev side; done' 2>/dev/null &
enemy=$!
own_pid $enemy
assert_soon_eq degraded state_of one
kill $enemy
wait $enemy 2>/dev/null
assert_contains "$(ctl status --full one)" 10.32.0.2/24
assert_contains "$(ctl status --full one)" "changed again and again"
assert_ok ctl apply
assert_eq "$(state_of one)" configured
assert_soon same_again

finish
