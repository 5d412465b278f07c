#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply --atomic: all or nothing over many namespaces. A step that fails in one puts all of them back, to
# what files never said; what destroys goes last; kill -9 in the middle is put back by the next start.
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh" || exit 1 # nothing below may run outside of the sandbox
sandbox "$@"
need_kind veth
need_kind bridge

before_files() {
  rm -rf /etc/netnsd/*
  conf host <<'X'
[Namespace]
Host=yes
[Bridge br-lan]
Address=10.30.0.1/24
X
  conf red <<'X'
[Namespace]
Description=before
[Veth eth0]
PeerBridge=br-lan
PeerName=ns-red
Address=10.30.0.2/24
Address=10.30.0.3/24
Gateway=10.30.0.1
[Route six]
Destination=fd00:9::/64
Link=eth0
[RoutingPolicyRule one]
Priority=100
Table=7
From=10.30.0.2
[Neighbor one]
Address=10.30.0.9
LinkLayerAddress=02:00:00:00:00:09
Link=eth0
X
  conf blue <<'X'
[Veth eth0]
PeerNamespace=red
PeerName=blue
PeerAddress=10.31.0.1/24
Address=10.31.0.2/24
X
  conf green <<'X'
[Namespace]
DNS=10.30.0.1
[Veth eth0]
Address=10.32.0.2/24
X
}

# Changes, makes, makes again and removes in all of them.
after_files() {
  conf host <<'X'
[Namespace]
Host=yes
Sysctl=net.ipv4.ip_forward=1
[Bridge br-lan]
AgeingTimeSec=60
MulticastSnooping=no
MTUBytes=1400
Alias=lan
Address=10.30.0.1/24
Address=10.30.0.254/24
X
  conf red <<'X'
[Namespace]
IPv6Forwarding=yes
DNS=10.30.0.254
[Veth eth0]
PeerBridge=br-lan
PeerName=ns-red
MACAddress=02:00:00:00:00:02
MTUBytes=1400
Alias=up
AlternativeName=uplink
LinkLocalAddressing=no
Address=10.30.0.3/24
Gateway=10.30.0.254
[Route six]
Destination=fd00:9::/64
Link=eth0
MTUBytes=1300
[RoutingPolicyRule one]
Priority=101
Table=7
From=10.30.0.3
[Veth eth1]
Address=10.33.0.1/24
X
  # its name differs, so that the pair is made again
  conf blue <<'X'
[Veth eth0]
PeerNamespace=red
PeerName=cyan
PeerAddress=10.31.0.1/24
Address=10.31.0.2/24
X
  rm /etc/netnsd/green.netns
  conf yellow <<'X'
[Veth eth0]
PeerNamespace=red
PeerName=yellow
Address=10.34.0.2/24
X
}

traced() { # every thread of the daemon
  ! grep -q '^TracerPid:[[:space:]]*0$' /proc/"$DAEMON_PID"/task/*/status
}

no_yellow() { # what is let go goes in the kernel's own time
  ! ip -o link show type veth | grep -qE 'ns-red-eth1|zebra'
}

before_files
start_daemon
# Nobody declares these: they have to survive all the same.
ip link set br-lan alias kept
inns red sysctl -qw net.ipv4.conf.eth0.rp_filter=2
assert_soon settled - red blue green
before=$(snapshot - red blue green)
prints=$(fingerprint - red blue green)

step "a plan that cannot be done at all changes nothing"
after_files
ip link add cyan type bridge
printf '%s\n' '[Bridge cyan]' >>/etc/netnsd/host.netns
assert_soon settled - red blue green
with_foreign=$(snapshot - red blue green)
assert_status 1 ctl apply --atomic
assert_contains "$OUTPUT" "cyan exists already"
assert_contains "$OUTPUT" "Nothing was changed"
assert_snapshot "$with_foreign" - red blue green
assert_lacks "$(ctl status --full)" "Taken back"
ip link del cyan
sed -i '/cyan/d' /etc/netnsd/host.netns
assert_eq "$(fingerprint - red blue green)" "$prints"

step "a step that fails: all is put back, in all of them"
printf '%s\n' '[Namespace]' 'Sysctl=net.core.no_such_sysctl=1' '[Veth eth0]' 'Address=10.35.0.2/24' >/etc/netnsd/zebra.netns
assert_status 1 ctl apply --atomic
assert_contains "$OUTPUT" no_such_sysctl
assert_contains "$OUTPUT" "All was put back"
assert_snapshot "$before" - red blue green
assert_eq "$(ns_inode green) $(ns_inode red)" "$(awk '/^green/ { g = $2 } /^red/ { r = $2 } END { print g, r }' <<<"$prints")"
assert_eq "$(state_of red) $(state_of green) $(state_of zebra)" "configured configured "
assert_contains "$(ctl status --full)" "Taken back"
assert_contains "$(ctl status --full red)" "not in effect"
assert_status 1 ctl add extra
assert_contains "$OUTPUT" "not in effect"

step "the daemon goes on with what ran, until the next apply"
stop_daemon
start_daemon
assert_snapshot "$before" - red blue green
assert_contains "$(ctl status --full)" "Taken back"
rm /etc/netnsd/zebra.netns
assert_ok ctl apply --atomic
assert_lacks "$(ctl status --full)" "Taken back"
assert_plan_empty
[ ! -e /run/netns/green ] || fail "green is there"
assert_json '.[0].mtu' 1400 nsjson red link show eth0
assert_eq "$(links_of red)" "cyan eth0 eth1 yellow"

step "what destroys goes last"
assert_soon settled - red blue yellow
after=$(snapshot - red blue yellow)
before_files
printf '%s\n' '[Namespace]' '[Veth eth0]' 'Address=10.35.0.2/24' 'Sysctl=net.ipv4.conf.eth0.no_such=1' >/etc/netnsd/zebra.netns
sed -i '/Sysctl/d; s/\[Namespace\]/&\nSysctl=net.ipv4.conf.eth0.no_such=1/' /etc/netnsd/zebra.netns
prints=$(fingerprint yellow)
assert_status 1 ctl apply --atomic
assert_snapshot "$after" - red blue yellow
assert_eq "$(fingerprint yellow)" "$prints" "yellow was to be removed, and never came to it"
rm /etc/netnsd/zebra.netns
assert_ok ctl apply
assert_plan_empty
assert_lacks "$(ctl status --full)" "Taken back"

if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
  step "strace cannot be used: no kill in the middle"
  finish
  exit 0
fi

step "killed in the middle, and started"
# The first change comes after some 20 calls that look: killed before it the files are simply the new ones.
stop_daemon
printf '%s\n' '[Manager]' Workers=1 >/etc/netnsd/netnsd.conf # strace counts the calls of each thread
start_daemon
points=0
# How many calls come first also hangs on the audit: more of them than needed.
for n in 30 34 38 42 46 50 54 58 62 66; do
  [ $points -lt 3 ] || break
  assert_soon settled - red blue green
  before=$(snapshot - red blue green)
  after_files
  strace -qq -p "$DAEMON_PID" -f -o /dev/null -e trace=sendto -e "inject=sendto:signal=KILL:when=$n" 2>"$SANDBOX/strace.err" &
  tracer=$!
  own_pid $tracer
  assert_soon traced
  ctl apply --atomic >/dev/null 2>&1
  kill_daemon # that it was killed already, or will be by the tracer in a moment, is the same
  wait $tracer 2>/dev/null
  begun=$(cat /run/netnsd/checkpoint/state 2>/dev/null)
  start_daemon
  if [ -n "$begun" ]; then
    points=$((points + 1))
    SNAPSHOT_WHEN="killed before call $n" assert_snapshot "$before" - red blue green
    assert_contains "$(ctl status --full)" "Taken back"
  fi
  before_files
  assert_ok ctl apply
  assert_soon no_yellow
  assert_plan_empty
done
echo "killed at $points points"
[ $points -ge 2 ] || fail "killed at $points points only; are these still the calls it makes?"
finish
