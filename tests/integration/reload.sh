#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply, reload and SIGHUP do what changed and nothing else: the rest keeps its inode and ifindex. A
# bad file refuses the whole.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

conf_lab
start_daemon
red=$(fingerprint red)
before=$(fingerprint - router red blue)

step "a changed MTU, MAC and address are changed in place"
sed -i -e 's/^MTUBytes=.*/MTUBytes=1300/' -e 's/^MACAddress=.*/MACAddress=02:00:00:00:00:03/' \
  -e 's|^Address=10.30.0.2/24|Address=10.30.0.9/24|' /etc/netnsd/router.netns
plan=$(ctl plan)
assert_contains "$plan" 1300 "the plan"
assert_contains "$plan" 10.30.0.9 "the plan"
assert_lacks "$plan" red: "the plan"
assert_json '.[0].mtu' 1400 nsjson router link show eth0
assert_ok ctl apply
assert_json '.[0] | "\(.mtu) \(.address)"' "1300 02:00:00:00:00:03" nsjson router link show eth0
assert_json '[.[0].addr_info[] | select(.family == "inet").local] | join(" ")' 10.30.0.9 nsjson router addr show eth0
assert_json '.[0].gateway' 10.30.0.1 nsjson router route show default
assert_eq "$(fingerprint - router red blue)" "$before"
assert_plan_empty

step "a new gateway, and a gateway that goes"
sed -i -e 's/^Gateway=10.30.0.1/Gateway=10.30.0.254/' -e '/^Gateway=fd00/d' /etc/netnsd/router.netns
assert_ok ctl reload
assert_json '[.[].gateway] | join(" ")' 10.30.0.254 nsjson router route show default
assert_json 'length' 0 nsjson router -6 route show default
assert_eq "$(fingerprint - router red blue)" "$before"
assert_plan_empty

step "SIGHUP: a namespace more, a link more"
conf green <<<'[Namespace]'
printf '%s\n' '[Veth eth1]' 'PeerBridge=br-lan' >>/etc/netnsd/red.netns
kill -HUP "$DAEMON_PID"
assert_soon is_nsfs green
assert_soon inns red ip link show eth1
assert_soon_eq "" ctl plan
assert_eq "$(nsjson red link show eth0 | jq '.[0].ifindex')" "$(jq '.[1][1]' <<<"${red#* * }")" "ifindex of eth0 in red"
assert_contains "$(cat "$SANDBOX/notify.log")" RELOADING=1

step "a bad file refuses the whole"
before=$(fingerprint - router red blue green)
conf bad <<<$'[Namespace]\nNoSuchKey=1'
conf orange <<<'[Namespace]'
assert_status 1 ctl apply
assert_contains "$OUTPUT" /etc/netnsd/bad.netns:2
assert_contains "$OUTPUT" NoSuchKey
assert_status 1 ctl reload
assert_contains "$OUTPUT" /etc/netnsd/bad.netns:2
assert_status 1 ctl plan
kill -HUP "$DAEMON_PID"
assert_soon grep -q 'bad.netns:2' "$SANDBOX/daemon.log"
[ ! -e /run/netns/orange ] || fail "a good file was applied beside a bad one"
assert_eq "$(fingerprint - router red blue green)" "$before"
rm /etc/netnsd/bad.netns
assert_ok ctl apply
is_nsfs orange || fail "orange is not there"

step "a removed file takes its namespace, and the other end of its links"
rm /etc/netnsd/blue.netns /etc/netnsd/orange.netns /etc/netnsd/green.netns
assert_ok ctl apply
for name in blue orange green; do
  [ ! -e /run/netns/$name ] || fail "$name is still there"
done
assert_soon_eq "eth0 red" links_of router
assert_eq "$(fingerprint - red)" "$(grep -e ^host -e '^red ' <<<"$before")" "what did not change"
assert_plan_empty

step "the file of the host by another name, and without what it declared"
mv /etc/netnsd/host.netns /etc/netnsd/other.netns
assert_plan_empty
before=$(fingerprint -)
assert_ok ctl apply
assert_eq "$(fingerprint -)" "$before"
assert_eq "$(state_of other)" configured
sed -i '/PeerBridge=/d' /etc/netnsd/r*.netns
rm /etc/netnsd/other.netns
assert_ok ctl apply
host_json link show br-lan >/dev/null 2>&1 && fail "the bridge is still there"
assert_plan_empty

step "links whose files change places"
pairs() {
  local name
  for name in one two three; do
    nsjson $name link | jq -r --arg n $name '.[] | select(.ifname != "lo") | "\($n):\(.ifname)"'
  done | sort | paste -sd' '
}
end() { # FILE LINK PEERNAMESPACE PEERNAME
  printf '%s\n' '[Namespace]' "[Veth $2]" "PeerNamespace=$3" "PeerName=$4" 'Address=10.77.0.1/24' >"/etc/netnsd/$1.netns"
}
for name in two three; do
  conf $name <<<'[Namespace]'
done
end one a two b
assert_ok ctl apply
assert_eq "$(pairs)" "one:a two:b"
index=$(ns_ifindex one a)
# The same pair, declared by the file of the other end: nothing is made again.
conf one <<<'[Namespace]'
end two b one a
assert_ok ctl apply
assert_eq "$(pairs) $(ns_ifindex one a)" "one:a two:b $index"
assert_plan_empty
end two b three a
assert_ok ctl apply
assert_eq "$(pairs)" "three:a two:b"
assert_plan_empty
# Both files change, and each end is now where the other was.
conf two <<<'[Namespace]'
end three b two a
assert_ok ctl apply
assert_eq "$(pairs)" "three:b two:a"
assert_plan_empty
conf three <<<'[Namespace]'
assert_ok ctl apply
assert_eq "$(pairs)" ""
assert_plan_empty
end one a two b
assert_ok ctl apply
stop_daemon
conf one <<<'[Namespace]'
end three a two b
start_daemon
assert_eq "$(pairs)" "three:a two:b"
assert_plan_empty

step "a host bridge that comes later: pending, then configured"
printf '%s\n' '[Namespace]' '[Veth eth0]' 'PeerName=ns-late' 'PeerBridge=br-later' >/etc/netnsd/late.netns
assert_ok ctl apply
assert_eq "$(state_of late)" pending
ip link add br-later type bridge
ip link set br-later up
assert_ok ctl apply
assert_eq "$(state_of late)" configured
assert_json '.[0].master' br-later host_json link show ns-late
assert_plan_empty
finish
