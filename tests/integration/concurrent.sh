#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many clients at a time, on the same and on different namespaces, while files change: each call ends
# with success or a sentence, the daemon lives, and at rest the kernel has what is declared.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

conf host <<'X'
[Namespace]
Host=yes
[Bridge br0]
X
for i in 1 2 3 4; do
  conf "fixed$i" <<X
[Veth eth0]
PeerBridge=br0
Address=10.1.0.$i/24
[Veth pair]
PeerNamespace=fixed$((i % 4 + 1))
PeerName=from$i
PeerAddress=10.2.$i.2/24
Address=10.2.$i.1/24
[Route r]
Destination=198.51.100.$i/32
Gateway=10.2.$i.2
X
done
start_daemon

churn() { # NAME: made and deleted again and again
  local i
  for i in 1 2 3 4 5 6; do
    "$NETNSCTL" add "$1" 'Veth eth0.PeerBridge=br0' "Veth eth0.Address=10.3.0.$i/24"
    "$NETNSCTL" status "$1" >/dev/null
    "$NETNSCTL" del "$1"
  done
}
toggle() { # NAME: down and up, while others have ends in it
  local i
  for i in 1 2 3; do
    "$NETNSCTL" down "$1"
    "$NETNSCTL" up "$1"
  done
}
applies() {
  local i
  for i in 1 2 3 4; do
    printf '[Veth eth0]\nMTUBytes=%s\nPeerBridge=br0\nAddress=10.1.0.%s/24\n' $((1400 + i)) $((100 + i)) >"$SANDBOX/new"
    mv "$SANDBOX/new" /etc/netnsd/changing.netns
    "$NETNSCTL" apply
    "$NETNSCTL" plan
    "$NETNSCTL" list >/dev/null
  done
}

step "everybody at once"
jobs=()
for i in a b c d; do
  churn "churn-$i" >"$SANDBOX/churn-$i.log" 2>&1 &
  jobs+=($!)
done
churn shared >"$SANDBOX/shared1.log" 2>&1 &
jobs+=($!)
churn shared >"$SANDBOX/shared2.log" 2>&1 &
jobs+=($!)
toggle fixed1 >"$SANDBOX/toggle1.log" 2>&1 &
jobs+=($!)
toggle fixed3 >"$SANDBOX/toggle3.log" 2>&1 &
jobs+=($!)
applies >"$SANDBOX/applies.log" 2>&1 &
jobs+=($!)
for job in "${jobs[@]}"; do
  wait "$job"
done
kill -0 "$DAEMON_PID" || fail "the daemon is gone"
grep -lE 'closed the connection|not running' "$SANDBOX"/*.log && fail "a client lost the daemon"

step "at rest all is as declared"
for name in churn-a churn-b churn-c churn-d shared; do
  "$NETNSCTL" del $name >/dev/null 2>&1
done
assert_ok ctl apply
for i in 1 2 3 4; do
  assert_soon_eq configured state_of "fixed$i"
done
assert_plan_empty
assert_json '.[0].mtu' 1404 nsjson changing link show eth0
assert_ok inns fixed1 ping -c1 -W2 10.2.1.2
assert_eq "$(cd /run/netns && echo *)" "changing fixed1 fixed2 fixed3 fixed4"
assert_soon_eq "" sh -c "ls /run/netnsd/transient"
finish
