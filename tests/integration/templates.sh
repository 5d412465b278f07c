#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab@.netns is the form of any lab@x: asked for by "up" or "add", known to the next daemon, gone with
# "del" or with the template. What is down stays down until "up" or the next start. Names of all kinds.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth

conf lab@ <<'X'
[Namespace]
Description=Lab %i of %n, 100%%
[Veth eth0]
PeerName=ns-%i
Address=10.50.%i.2/24
X
conf manual <<<$'[Namespace]\nAutoStart=no'
start_daemon

address_of() { # NAME
  nsjson "$1" addr show eth0 | jq -r '[.[0].addr_info[] | select(.family == "inet").local] | join(" ")'
}

step "a template is no namespace; up makes an instance"
assert_eq "$(ctl list --no-legend | awk '{ print $1 }')" manual
assert_status 1 ctl up lab@
assert_status 1 ctl up nosuch@1
assert_ok ctl up lab@1
assert_eq "$(address_of lab@1)" 10.50.1.2
assert_contains "$(ctl list)" "Lab 1 of lab@1, 100%"
assert_plan_empty

step "add puts settings on top of the template"
assert_ok ctl add lab@2 "Veth eth0.MTUBytes=1300" "Veth eth0.Address=10.51.2.2/24"
assert_eq "$(address_of lab@2)" "10.50.2.2 10.51.2.2"
assert_json '.[0].mtu' 1300 nsjson lab@2 link show eth0
assert_ok ctl add lab@3
assert_eq "$(address_of lab@3)" 10.50.3.2
assert_status 1 ctl add lab@3
assert_status 1 ctl add lab@4 "Veth eth0.NoSuchKey=1"
assert_contains "$OUTPUT" NoSuchKey
assert_eq "$(state_of lab@4)" ""
assert_contains "$(ctl status --full lab@2)" "(transient)"
assert_plan_empty

step "the next daemon knows them"
before=$(fingerprint lab@1 lab@2 lab@3)
kill_daemon
start_daemon
for name in lab@1 lab@2 lab@3; do
  assert_eq "$(state_of $name)" configured
done
assert_eq "$(fingerprint lab@1 lab@2 lab@3)" "$before"
assert_plan_empty

step "del forgets them"
assert_ok ctl del lab@1 lab@2
assert_eq "$(find /run/netnsd/transient -name 'lab@2*')" ""
stop_daemon
start_daemon
[ ! -e /run/netns/lab@1 ] || fail "lab@1 is back"
[ ! -e /run/netns/lab@2 ] || fail "lab@2 is back"

step "an instance goes with its template"
assert_ok ctl up lab@7
assert_ok ctl del lab@3
rm /etc/netnsd/lab@.netns
assert_contains "$(ctl plan)" "- lab@7: namespace"
assert_ok ctl apply
[ ! -e /run/netns/lab@7 ] || fail "lab@7 is still there"
assert_plan_empty

step "AutoStart=no is down until up, and after each start unless it runs"
assert_eq "$(state_of manual)" down
assert_ok ctl apply
assert_eq "$(state_of manual)" down
assert_ok ctl up manual
kill_daemon
start_daemon
assert_eq "$(state_of manual)" configured
assert_ok ctl down manual
assert_soon_eq down state_of manual

step "down until up or the next start"
conf one <<<'[Namespace]'
assert_ok ctl apply
for verb in down del; do
  assert_ok ctl up one manual
  assert_ok ctl $verb one
  assert_ok ctl apply
  assert_ok ctl reload
  kill -HUP "$DAEMON_PID"
  assert_soon_eq down state_of one
  assert_plan_empty
  [ ! -e /run/netns/one ] || fail "one is back without up"
  assert_ok ctl up one
  is_nsfs one || fail "up has not brought one back"
  assert_ok ctl $verb one
  stop_daemon
  start_daemon
  is_nsfs one || fail "a start has not brought one back"
done

step "names with every sign, and a link named after each"
for name in a-b a@b a:b a+b a.b a_b web-front 0 lo all; do
  printf '%s\n' '[Namespace]' '[Veth eth0.7]' 'Address=10.9.0.1/24' >"/etc/netnsd/$name.netns"
  printf '%s\n' "Sysctl=net.ipv4.conf.eth0/7.rp_filter=2" >"$SANDBOX/sysctl"
  sed -i "1r $SANDBOX/sysctl" "/etc/netnsd/$name.netns"
  assert_ok ctl apply
  assert_eq "$(ctl exec "$name" cat /proc/sys/net/ipv4/conf/eth0.7/rp_filter)" 2 "sysctl of a link with a dot"
  assert_eq "$(ip netns exec "$name" ip -o -4 addr show eth0.7 | awk '{ print $4 }')" 10.9.0.1/24
  assert_plan_empty
  rm "/etc/netnsd/$name.netns"
  assert_ok ctl apply
  [ ! -e "/run/netns/$name" ] || fail "$name is still there"
done
finish
