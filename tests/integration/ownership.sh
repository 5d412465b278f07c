#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is not ours is left alone: names, links, files. Adopt=yes takes a namespace as it is; a file
# that a crashed "ip netns add" left is no namespace and no obstacle.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

# As somebody else would make them, before the daemon comes.
ip netns add taken
ip netns add adopted
ip netns add stranger
foreign taken adopted stranger directory file
for name in taken adopted stranger; do
  ip -n $name link add keep0 type veth peer name keep1
  ip -n $name addr add 192.0.2.1/24 dev keep0
done
: >/run/netns/leftover
chmod 000 /run/netns/leftover
mkdir /run/netns/directory
echo content >/run/netns/file
before=$(fingerprint taken adopted stranger)

for name in taken leftover directory file good; do
  printf '%s\n' '[Namespace]' '[Veth eth0]' 'PeerBridge=br-lan' >/etc/netnsd/$name.netns
done
printf '%s\n' '[Namespace]' 'Adopt=yes' '[Veth eth0]' 'PeerBridge=br-lan' 'PeerName=ns-adopted' \
  'Address=10.30.0.7/24' >/etc/netnsd/adopted.netns
# What is ours in it beside links: on links of others, or on none.
adopted_rest() {
  printf '%s\n' '[Route r]' 'Destination=198.51.100.0/24' 'Link=keep0' '[RoutingPolicyRule r]' 'Priority=100' \
    'From=10.0.0.0/8' 'Table=100' '[Neighbor n]' 'Link=eth0' 'Address=10.30.0.9' \
    'LinkLayerAddress=02:00:00:00:00:09'
}
adopted_rest >>/etc/netnsd/adopted.netns
sed -i '2iDNS=10.30.0.1' /etc/netnsd/adopted.netns
ip -n adopted link set keep0 up
conf host <<<$'[Namespace]\nHost=yes\n[Bridge br-lan]'
start_daemon

step "an existing name is an error of its own object, and is not touched"
assert_eq "$(state_of taken)" failed
assert_contains "$(ctl status --full taken)" Adopt=yes "the reason says what to do"
assert_eq "$(fingerprint taken stranger)" "$(grep -e '^taken ' -e '^stranger ' <<<"$before")"
assert_eq "$(nsid_of taken)" "" "a number for what is not ours"
assert_eq "$(nsid_of stranger)" "" "a number for what is not ours"
assert_eq "$(state_of stranger)" foreign
assert_eq "$(state_of good)" configured
for name in directory file; do
  assert_eq "$(state_of $name)" failed
done
[ -d /run/netns/directory ] || fail "somebody's directory has gone"
assert_eq "$(cat /run/netns/file)" content

step "the leftover of a crashed ip netns add becomes the namespace"
assert_eq "$(state_of leftover)" configured
is_nsfs leftover || fail "leftover is not a namespace"
assert_eq "$(links_of leftover)" eth0

step "Adopt=yes takes it as it is"
assert_eq "$(state_of adopted)" configured
assert_eq "$(ns_inode adopted)" "$(awk '$1 == "adopted" { print $2 }' <<<"$before")"
assert_eq "$(links_of adopted)" "eth0 keep0 keep1"
assert_json '[.[0].addr_info[] | select(.family == "inet").local] | join(" ")' 192.0.2.1 nsjson adopted addr show keep0
assert_json '[.[0].addr_info[] | select(.family == "inet").local] | join(" ")' 10.30.0.7 nsjson adopted addr show eth0
[ "$(nsid_of adopted)" -ge 2100000000 ] || fail "the number of an adopted namespace is $(nsid_of adopted)"

step "what cannot be had fails every plan and apply, and holds up nothing else"
assert_status 1 ctl plan
assert_contains "$OUTPUT" "Adopt=yes"
assert_lacks "$OUTPUT" "left as it had been"
assert_status 1 ctl apply
for name in taken directory file; do
  assert_contains "$OUTPUT" "$name"
done
rm /etc/netnsd/taken.netns /etc/netnsd/directory.netns /etc/netnsd/file.netns
assert_ok ctl apply

step "the adopted namespace outlives its file, without our links"
keep=$(nsjson adopted link show keep0 | jq '.[0].ifindex')
stop_daemon
start_daemon
assert_eq "$(state_of adopted)" configured
rm /etc/netnsd/adopted.netns
assert_ok ctl apply
is_nsfs adopted || fail "an adopted namespace was deleted"
assert_eq "$(ns_inode adopted)" "$(awk '$1 == "adopted" { print $2 }' <<<"$before")"
assert_eq "$(links_of adopted)" "keep0 keep1"
assert_eq "$(nsjson adopted link show keep0 | jq '.[0].ifindex')" "$keep"
assert_soon sh -c '! ip link show ns-adopted'
assert_soon_eq foreign state_of adopted
nothing_of_ours() {
  assert_json '[.[] | select(.protocol == "78" or .protocol == "netnsd")] | length' 0 nsjson adopted route
  assert_json '[.[] | select(.priority == 100)] | length' 0 nsjson adopted rule
  [ ! -e /etc/netns/adopted ] || fail "its DNS file is still there"
}
nothing_of_ours

step "its file gone while the daemon was down"
printf '%s\n' '[Namespace]' 'Adopt=yes' 'DNS=10.30.0.1' '[Veth eth0]' 'PeerName=ns-adopted' >/etc/netnsd/adopted.netns
adopted_rest >>/etc/netnsd/adopted.netns
sed -i 's/^Address=10.30.0.9/Address=10.30.0.10/' /etc/netnsd/adopted.netns
assert_ok ctl apply
assert_eq "$(state_of adopted)" configured
stop_daemon
rm /etc/netnsd/adopted.netns
start_daemon
assert_eq "$(state_of adopted)" foreign
assert_eq "$(links_of adopted)" "keep0 keep1"
nothing_of_ours
assert_plan_empty

step "its number stays, but it is not taken without Adopt=yes"
conf adopted <<<$'[Namespace]\n[Veth eth0]\nPeerName=ns-adopted'
assert_status 1 ctl apply
assert_contains "$OUTPUT" Adopt=yes
assert_eq "$(links_of adopted)" "keep0 keep1"
sed -i '1aAdopt=yes' /etc/netnsd/adopted.netns
assert_ok ctl apply
assert_eq "$(links_of adopted)" "eth0 keep0 keep1"
assert_ok ctl down adopted
assert_eq "$(links_of adopted)" "keep0 keep1"
assert_eq "$(state_of adopted)" down
rm /etc/netnsd/adopted.netns
assert_ok ctl apply
is_nsfs adopted || fail "an adopted namespace was deleted"

step "del refuses what is somebody else's"
assert_status 1 ctl del stranger
assert_status 1 ctl del adopted
assert_status 1 ctl add stranger
assert_status 1 ctl add ../stranger
assert_status 1 ctl del ../stranger
assert_eq "$(fingerprint stranger adopted)" "$(grep -e '^stranger ' <<<"$before"; grep -e '^adopted ' <<<"$before")"

step "links of others: in our namespace, on the host, and under a name that we want"
ip -n good link add mine0 type bridge
ip -n good addr add 198.51.100.1/24 dev mine0
ip -n good link set mine0 up
ip -n good route add 203.0.113.0/24 dev mine0
ip link add ns-want type bridge
want=$(ns_ifindex - ns-want)
printf '%s\n' '[Namespace]' '[Veth eth0]' 'PeerName=ns-want' >/etc/netnsd/clash.netns
assert_status 1 ctl apply
assert_contains "$OUTPUT" ns-want
assert_eq "$(state_of clash)" failed
[ ! -e /run/netns/clash ] || fail "a transaction that failed has left its namespace"
assert_eq "$(ns_ifindex - ns-want)" "$want"
assert_eq "$(links_of good)" "eth0 mine0"
assert_json '[.[].dst] | index("203.0.113.0/24") != null' true nsjson good route
rm /etc/netnsd/clash.netns
assert_ok ctl apply
assert_plan_empty
assert_eq "$(links_of good)" "eth0 mine0"

step "a link that goes takes no stranger along"
sed -i '/Veth/,$d' /etc/netnsd/good.netns
assert_ok ctl apply
assert_eq "$(links_of good)" mine0
assert_eq "$(ns_ifindex - ns-want)" "$want"
ip link del ns-want

step "somebody else's resolv.conf stays"
mkdir -p /etc/netns/good
echo "nameserver 192.0.2.53" >/etc/netns/good/resolv.conf
printf '%s\n' '[Namespace]' 'DNS=10.30.0.1' >/etc/netnsd/good.netns
ctl apply >/dev/null 2>&1
assert_eq "$(cat /etc/netns/good/resolv.conf)" "nameserver 192.0.2.53"
rm -r /etc/netns/good
assert_ok ctl apply
assert_contains "$(cat /etc/netns/good/resolv.conf)" "nameserver 10.30.0.1"

step "what could not be adopted, or no longer is, is not held: its owner takes it away, and the name is ours"
ip netns add moved
ip -n moved link add eth0 type veth peer name keep0
conf moved <<<$'[Namespace]\nAdopt=yes\n[Veth eth0]'
assert_status 1 ctl apply
assert_contains "$OUTPUT" "a link eth0 exists already in moved"
sed -i /Adopt/d /etc/netnsd/moved.netns
ip netns del moved
assert_ok ctl apply
assert_eq "$(state_of moved)" configured
assert_ne "$(nsid_of moved)" ""
rm /etc/netnsd/moved.netns
assert_ok ctl apply
ip netns add moved
conf moved <<<$'[Namespace]\nAdopt=yes\n[Veth eth0]'
assert_ok ctl apply
sed -i /Adopt/d /etc/netnsd/moved.netns
assert_status 1 ctl apply
assert_contains "$OUTPUT" "Adopt=yes takes it over"
ip netns del moved
assert_soon_eq configured state_of moved
assert_plan_empty
finish
