#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job: files in /etc/netnsd, the daemon, and the kernel has what they declare; packets go
# from one namespace to another through the one that forwards.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

conf_lab
start_daemon
assert_soon grep -q '^STATUS=4 configured' "$SANDBOX/notify.log"

step "namespaces have names that are theirs alone, and numbers of ours"
assert_contains "$(grep ' /run/netns ' /proc/self/mountinfo)" shared: "/run/netns is shared, as ip makes it"
assert_eq "$(stat -c %a /run/netns)" 755 "mode of /run/netns"
for name in router red blue; do
  is_nsfs $name || fail "/run/netns/$name is not a namespace"
  assert_eq "$(grep -c " /run/netns/$name " /proc/self/mountinfo)" 1 "mounts on $name"
  [ "$(nsid_of $name)" -ge "$NSID_FIRST" ] || fail "the nsid of $name is $(nsid_of $name)"
  assert_json '[.[] | select(.flags | index("UP")) | .addr_info[].local] | sort | join(" ")' "127.0.0.1 ::1" \
    nsjson $name addr show lo
done
assert_eq "$(find /run/netns -mindepth 1 | wc -l)" 3 "names in /run/netns"

step "links are as declared, and marked as ours"
assert_json '.[0].linkinfo.info_kind' bridge host_json link show br-lan
assert_json '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort | join(" ")' \
  "10.30.0.1/24 fd00:30::1/64" host_json addr show br-lan
assert_json '.[0].master' br-lan host_json link show ns-router
assert_json '[.[].ifname] | sort | join(" ")' "br-lan lo ns-router" host_json link
assert_eq "$(links_of router)" "blue eth0 red"
assert_eq "$(links_of red)" eth0
assert_json '.[0] | "\(.linkinfo.info_kind) \(.mtu) \(.address) \(.operstate)"' \
  "veth 1400 02:00:00:00:00:02 UP" nsjson router link show eth0
assert_json '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort | join(" ")' \
  "10.30.0.2/24 fd00:30::2/64" nsjson router addr show eth0
assert_eq "$(ip -o link show group "$LINK_GROUP" | wc -l)" 2 "links on the host in our group"
assert_eq "$(ip -n router -o link show group "$LINK_GROUP" | wc -l)" 3 "links in router in our group"
# No port of a bridge has a link-local address of its own.
assert_eq "$(ip -6 -o addr show dev ns-router)" "" "addresses of the bridge port"

step "routes are as declared, and marked as ours"
assert_json '.[0] | "\(.gateway) \(.dev) \(.protocol)"' "10.31.1.1 eth0 $ROUTE_PROTO" nsjson red route show default
assert_json '.[0] | "\(.gateway) \(.dev) \(.protocol)"' "fd00:31:1::1 eth0 $ROUTE_PROTO" nsjson red -6 route show default

step "what is not ours is as it was"
assert_eq "$(inns red cat /proc/sys/net/ipv4/ip_forward)" 0
assert_eq "$(inns router cat /proc/sys/net/ipv4/ip_forward)" 1
assert_eq "$(inns router cat /proc/sys/net/ipv6/conf/all/forwarding)" 1
assert_eq "$(cat /proc/sys/net/ipv4/ip_forward)" 0 "forwarding on the host"

step "packets go from red to blue through router"
ping_from red 10.31.2.2
ping_from red fd00:31:2::2
ping_from router 10.30.0.1
ping_from router fd00:30::1
assert_contains "$(inns red ping -n -c 1 -t 1 -W 2 10.31.2.2 2>&1)" "From 10.31.1.1 icmp_seq=1 Time to live exceeded"

step "netnsctl shows it"
for name in router red blue host; do
  assert_eq "$(state_of $name)" configured "state of $name"
done
assert_contains "$(ctl status --full router)" "Way out"
assert_contains "$(ctl status --full router)" eth0
assert_json '[.[].name] | sort | join(" ")' "blue host red router" ctl list --json=short
assert_plan_empty

step "a stop leaves all as it is"
before=$(fingerprint - router red blue)
stop_daemon
assert_eq "$(fingerprint - router red blue)" "$before"
ping_from red 10.31.2.2
start_daemon
assert_eq "$(fingerprint - router red blue)" "$before"
finish
