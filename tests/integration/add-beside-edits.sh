#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Files are edited, and before anybody applies them a namespace is added and deleted by hand: what others' files
# say by now waits for the apply, which then does all of it.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

conf host <<'X'
[Namespace]
Host=yes
[Bridge br0]
X
conf lab@ <<'X'
[Bridge br0]
X
for name in edited removed; do
  conf $name <<'X'
[Veth eth0]
MTUBytes=1400
PeerBridge=br0
X
done
start_daemon
assert_soon_eq configured state_of edited

edit() {
  sed -i s/1400/1300/ /etc/netnsd/edited.netns
  rm /etc/netnsd/removed.netns
  conf new <<<'[Bridge br0]'
  echo '[Namespac]' >/etc/netnsd/broken.netns
  touch '/etc/netnsd/no name.netns'
}
mtu_of() { # NAME
  nsjson "$1" link show eth0 | jq '.[0].mtu'
}
assert_as_it_was() {
  assert_eq "$(mtu_of edited)" 1400
  assert_eq "$(cd /run/netns && echo *)" "$*"
  assert_eq "$(state_of new)$(state_of broken)" ""
  assert_contains "$(ctl show --json=short edited)" "MTUBytes=1400"
}

step "add, up and del touch nobody else's file"
edit
assert_ok ctl add one 'Veth eth0.PeerBridge=br0'
assert_as_it_was edited one removed
assert_ok ctl up lab@x
assert_as_it_was edited lab@x one removed
assert_ok ctl del one
assert_as_it_was edited lab@x removed

step "what drifts is put back to what was applied"
for name in edited removed; do
  inns $name ip link set eth0 mtu 1500
  assert_soon_eq 1400 mtu_of $name
done

step "an error of the new one names its own file, and what it clashes with"
assert_status 1 ctl add two 'Veth a.PeerName=vetha' 'Veth b.PeerName=vetha'
assert_contains "$OUTPUT" "/run/netnsd/transient/two.netns"
assert_status 1 ctl add two 'Veth eth0.PeerNamespace=edited' 'Veth eth0.PeerName=eth0'
assert_contains "$OUTPUT" "the name 'eth0' is taken twice in namespace edited, see /etc/netnsd/edited.netns [Veth eth0]"
assert_status 1 ctl add two 'Veth eth0.PeerNamespace=new'
assert_contains "$OUTPUT" "'new' cannot be used: its file has not been applied yet"
assert_status 1 ctl add new 'Veth eth0.PeerBridge=br0'
assert_contains "$OUTPUT" "/etc/netnsd/new.netns: declares it already, and has not been applied yet; use netnsctl apply"
assert_as_it_was edited lab@x removed

step "nothing is deleted that another one needs"
assert_ok ctl add two
assert_ok ctl add three 'Veth eth0.PeerNamespace=two'
assert_status 1 ctl del two
assert_contains "$OUTPUT" "three.netns has an end of a pair in it"
assert_as_it_was edited lab@x removed three two
assert_ok ctl del three
assert_ok ctl del two

step "the plan, and the apply that comes then, have all of it"
rm /etc/netnsd/{broken,'no name'}.netns
assert_contains "$(ctl plan)" "1300"
assert_ok ctl apply
assert_eq "$(mtu_of edited)" 1300
assert_eq "$(cd /run/netns && echo *)" "edited lab@x new"
assert_plan_empty

step "when nothing but add and del came between an edit and the apply, which finds nobody astray"
sed -i s/1300/1200/ /etc/netnsd/edited.netns
assert_ok ctl add one
assert_ok ctl del one
assert_soon_eq "" state_of one
assert_contains "$(ctl plan)" "1200"
assert_ok ctl apply
assert_eq "$(mtu_of edited)" 1200
finish
