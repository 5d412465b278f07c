#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For every k: the k-th kernel operation of an apply --atomic fails, and everything is as before in all
# namespaces, but for indexes and counters of what had to be made again. The change creates, changes, makes
# again and removes namespaces, links, addresses, routes, rules, neighbours, sysctls and resolv.conf.
# By default a selection of k; KTH=all tries every one (make sweep), KTH="sendto:30 unshare:1" these.
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh" || exit 1 # nothing below may run outside of the sandbox
sandbox "$@"
need_kind veth
need_kind bridge
unshare -n sh -c 'ip link add v0 type veth peer name v1 && ip link add link v0 name m0 type macvlan' 2>/dev/null ||
  skip "this kernel has no link kind macvlan"
need_program strace
strace -o /dev/null true 2>/dev/null || skip "strace cannot be used here"

ERROR=${KTH_ERROR-EIO}

before_files() {
  rm -rf /etc/netnsd/*.netns
  conf host <<'X'
[Namespace]
Host=yes
[Bridge br-lan]
MTUBytes=1500
MulticastSnooping=yes
Address=10.30.0.1/24
X
  conf red <<'X'
[Namespace]
Description=before
Sysctl=net.ipv4.conf.all.rp_filter=0
[Veth eth0]
PeerBridge=br-lan
PeerName=ns-red
MTUBytes=1500
Address=10.30.0.2/24
Address=10.30.0.3/24
Address=fd00:30::2/64
Gateway=10.30.0.1
[MACVLAN mv0]
Parent=eth0
Mode=bridge
Address=10.36.0.1/24
[Route net]
Destination=10.99.0.0/16
Gateway=10.30.0.9
[Route six]
Destination=fd00:9::/64
Gateway=fd00:30::9
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
Gateway=10.32.0.1
X
  conf gray <<'X'
[Namespace]
DNS=10.30.0.1
[Veth eth0]
Address=10.37.0.2/24
X
}

after_files() {
  conf host <<'X'
[Namespace]
Host=yes
Sysctl=net.ipv4.ip_forward=1
[Bridge br-lan]
MTUBytes=1400
AgeingTimeSec=60
MulticastSnooping=no
Alias=lan
AlternativeName=lan0
Address=10.30.0.254/24
X
  conf red <<'X'
[Namespace]
IPv6Forwarding=yes
Sysctl=net.ipv4.conf.all.rp_filter=1
Sysctl=net.ipv4.conf.eth0.rp_filter=2
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
Address=fd00:30::3/64
Gateway=10.30.0.254
[MACVLAN mv0]
Parent=eth0
Mode=passthru
Address=10.36.0.1/24
[Route net]
Destination=10.99.0.0/16
Gateway=10.30.0.254
MTUBytes=1300
[RoutingPolicyRule one]
Priority=101
Table=7
From=10.30.0.3
[Neighbor one]
Address=10.30.0.9
LinkLayerAddress=02:00:00:00:00:0a
Link=eth0
[Veth eth1]
Address=10.33.0.1/24
X
  conf blue <<'X'
[Veth eth0]
PeerNamespace=red
PeerName=cyan
PeerAddress=10.31.0.1/24
Address=10.31.0.3/24
X
  rm -f /etc/netnsd/green.netns
  conf yellow <<'X'
[Namespace]
DNS=10.30.0.1
[Veth eth0]
PeerNamespace=red
PeerName=yellow
Address=10.34.0.2/24
X
  conf gray <<'X'
[Veth eth0]
Address=10.37.0.2/24
[Bridge br0]
X
}

ALL=(- red blue green gray)

workers_traced() {
  ! grep -q '^TracerPid:[[:space:]]*0$' /proc/"$DAEMON_PID"/task/*/status
}

# One point: CALL:K. Sets TRIED to whether the call was made that often, that is, made to fail.
point() {
  local call=${1%:*} k=${1#*:} status=0 worker tracer
  worker=$(cd /proc/"$DAEMON_PID"/task && grep -l '^netnsd-worker' ./*/comm | head -n 1 | cut -d/ -f2)
  [ -n "$worker" ] || worker=$(find /proc/"$DAEMON_PID"/task -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$DAEMON_PID" | head -n 1)
  : >"$SANDBOX/trace"
  strace -qq -p "$worker" -o "$SANDBOX/trace" -e "trace=$call" -e "inject=$call:error=$ERROR:when=$k" 2>"$SANDBOX/strace.err" &
  tracer=$!
  own_pid $tracer
  wait_for 15 grep -q '^TracerPid:[[:space:]]*[1-9]' /proc/"$DAEMON_PID"/task/"$worker"/status || fail "not traced"
  OUTPUT=$(timeout 120 "$NETNSCTL" apply --atomic 2>&1) || status=$?
  [ $status != 124 ] || fail "$1: apply has no end"
  kill -TERM $tracer
  wait $tracer 2>/dev/null
  TRIED=
  ! grep -q INJECTED "$SANDBOX/trace" || TRIED=1
  STATUS=$status
}

# Back to the start, where a change was made after all, as a repeated or unneeded operation may fail.
reset_points() {
  before_files
  assert_ok ctl apply
  assert_soon no_leftover
  after_files
  assert_soon settled "${ALL[@]}"
  before=$(snapshot "${ALL[@]}")
}

no_leftover() {
  [ ! -e /run/netns/yellow ] && ! ip link show ns-red-eth1 >/dev/null 2>&1
}

mkdir -p /etc/netnsd
# One worker, which has nothing to do by itself: calls are counted by thread.
printf '%s\n' '[Manager]' 'Workers=1' 'AuditSec=0' >/etc/netnsd/netnsd.conf
# No duplicate address detection, which takes a second each time.
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
for name in red blue green gray yellow; do
  mkdir /etc/netnsd/$name.netns.d
  printf '%s\n' '[Namespace]' 'Sysctl=net.ipv6.conf.all.accept_dad=0' 'Sysctl=net.ipv6.conf.default.accept_dad=0' \
    >/etc/netnsd/$name.netns.d/dad.conf
done
before_files
start_daemon
worker=$(cd /proc/"$DAEMON_PID"/task && grep -l '^netnsd-worker' ./*/comm | cut -d/ -f2)
[[ $worker =~ ^[0-9]+$ ]] || fail "expected one worker, got: $worker"
ip link set br-lan alias kept
inns red sysctl -qw net.ipv4.conf.eth0.rp_filter=1
# The first change makes what the next ones find: the state they have to keep.
after_files
assert_ok ctl apply --atomic
reset_points

step "all of it works"
assert_ok ctl apply --atomic
assert_plan_empty
reset_points

# Not write: a worker wakes the loop with it, and a lost wakeup is no operation that failed. What sysctls and
# files need is opened first.
case ${KTH-} in
  all) points=$(for call in sendto unshare setns mount move_mount open_tree umount2 socket openat mkdir unlink rename; do seq -f "$call:%g" 1 2000; done) ;;
  '') points="sendto:1 $(seq -f 'sendto:%g' 33 11 130) unshare:1 move_mount:1 umount2:1 socket:9 openat:60" ;;
  *) points=$KTH ;;
esac
over='' tried=0 tolerated=0
for point in $points; do
  [ "${point%:*}" != "$over" ] || continue
  point "$point"
  if [ -z "$TRIED" ]; then
    over=${point%:*} # it is not called that often
    [ "$STATUS" = 0 ] || fail "$point was not made, and apply failed: $OUTPUT"
    reset_points
    continue
  fi
  tried=$((tried + 1))
  if [ "$STATUS" = 0 ]; then
    tolerated=$((tolerated + 1))
    assert_plan_empty
    reset_points
    continue
  fi
  SNAPSHOT_WHEN="$point failed: $OUTPUT" assert_snapshot "$before" "${ALL[@]}"
  [ -z "$(ctl list --no-legend | awk '$2 != "configured" && $2 != "foreign"')" ] ||
    fail "$point: not all are configured: $(ctl list)"
done
echo "points tried: $tried, of them did no harm: $tolerated, failed: $FAILURES"
[ $tried -ge 10 ] || [ -n "${KTH-}" ] || fail "only $tried points; are these still the calls it makes?"
finish
