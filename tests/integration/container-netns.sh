#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A container and its namespace: made on demand, shared, deleted, taken away by somebody else, made anew under
# the same name. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

conf lazy <<'FILE'
[Namespace]
AutoStart=no
[Veth eth0]
PeerName=ns-lazy
Address=10.52.0.2/24
FILE
conf pod <<'FILE'
[Namespace]
FILE
conf ours <<'FILE'
[Namespace]
[Veth eth0]
PeerName=ns-ours
FILE
conf passing <<'FILE'
[Namespace]
AutoStart=no
AutoDelete=yes
FILE
payload_conf lazy "log /shared/log sleep"
payload_conf one "log /shared/log listen 8080 listen 8081 sleep" Container.Namespace=pod
payload_conf two "log /shared/log connect 8081 listen 8080 sleep" Container.Namespace=pod
payload_conf ours "log /shared/log lock /shared/lock sleep"
payload_conf passing "log /shared/log sleep"
payload_conf passing2 "log /shared/log sleep" Container.Namespace=passing
payload_conf inhost "log /shared/log sleep" Container.Namespace=host
payload_conf vandal "log /shared/log await /shared/go sh \"ip link del eth0\" sleep" Container.Namespace=ours
start_daemon

step "S35: a start makes the namespace that it needs"
[ ! -e /run/netns/lazy ] || fail "AutoStart=no, and it is there"
assert_ok ctl start lazy
assert_runs lazy
is_nsfs lazy || fail "the namespace was not made"
assert_eq "$(netns_of "$(leader_of lazy)")" "$(ns_inode lazy)"
assert_eq "$(names_in "/proc/$(leader_of lazy)/root/sys/class/net")" "eth0 lo"
assert_json '[.[].addr_info[].local] | index("10.52.0.2") != null' true nsjson lazy addr show eth0
assert_ok ctl stop lazy
is_nsfs lazy || fail "S84: the namespace went with its container"

step "S4, S83: two containers share a namespace, its loopback and its ports"
assert_ok ctl start one
await_log one "listen 8080: ok"
assert_ok ctl start two
await_log two "listen 8080: Address already in use"
log_has two "connect 8081: ok" || fail "127.0.0.1 is not shared: $(log_of two)"
assert_eq "$(netns_of "$(leader_of one)")" "$(netns_of "$(leader_of two)")"
assert_eq "$(netns_of "$(leader_of one)")" "$(ns_inode pod)"
assert_ne "$(stat -L -c %i "/proc/$(leader_of one)/ns/mnt")" "$(stat -L -c %i "/proc/$(leader_of two)/ns/mnt")"

step "S31, S35: del stops the containers first, the recreated namespace gets them back"
one=$(leader_of one)
one_started=$(start_time "$one")
"$NETNSCTL" monitor --json=short >"$SANDBOX/events" 2>/dev/null &
MONITOR=$!
own_pid $MONITOR
assert_soon grep -q ready "$SANDBOX/events"
assert_ok ctl down pod
is_dead "$one" "$one_started" || fail "the namespace went before its container"
assert_nothing_of one
assert_nothing_of two
[ ! -e /run/netns/pod ] || fail "down left the name"
log_has one "signal SIGTERM" || fail "it was not asked to end"
assert_ok ctl up pod
assert_cstate one running
assert_cstate two running
assert_runs one
assert_runs two
assert_eq "$(netns_of "$(leader_of one)")" "$(ns_inode pod)"
kill $MONITOR
wait $MONITOR 2>/dev/null
# The order as it was told: one and two have ended before the name of pod went.
python3 - "$SANDBOX/events" <<'PYTHON' || fail "order of the events: $(cut -c1-300 "$SANDBOX/events")"
import json, sys
ends, gone = {}, None
for n, line in enumerate(open(sys.argv[1])):
    event = json.loads(line)
    text = event.get("text", "")
    if event.get("object") == "container" and text.startswith("dead"):
        ends[event["container"]] = n
    if event.get("object") == "name" and event.get("change") == "removed" and gone is None:
        gone = n
sys.exit(0 if set(ends) == {"one", "two"} and gone is not None and max(ends.values()) < gone else 1)
PYTHON

step "a container that was stopped before stays stopped"
assert_ok ctl stop two
assert_ok ctl down pod
assert_ok ctl up pod
assert_cstate one running
assert_eq "$(cstate two)" dead
[ -z "$(nspawns_of two)" ] || fail "two came back"
assert_ok ctl stop one

step "S36: ip netns del by hand: the name comes back, for the same namespace, and nothing is stopped"
assert_ok ctl start ours
assert_runs ours
before=$(identity_of ours)
inode=$(ns_inode ours)
ip netns del ours || fail "ip netns del"
assert_soon is_nsfs ours
assert_eq "$(ns_inode ours)" "$inode" "inode of the name that came back"
assert_eq "$(identity_of ours)" "$before" "the payload"
assert_eq "$(netns_of "$(leader_of ours)")" "$inode"

step "S74: another namespace under the same name: the container is never started in it"
kill -STOP "$DAEMON_PID"
ip netns del ours
ip netns add ours || fail "the name is not free"
kill -CONT "$DAEMON_PID"
assert_eq "$(netns_of "$(leader_of ours)")" "$inode"
assert_status 1 ctl restart ours
assert_contains "$OUTPUT" "another namespace"
assert_cstate ours failed resources
assert_nothing_of ours
ip netns del ours
assert_ok ctl start ours
assert_runs ours
assert_soon_eq "$(netns_of "$(leader_of ours)")" ns_inode ours
inode=$(ns_inode ours)

step "S81: what a payload does to its own namespace is repaired"
assert_ok ctl start vandal
: >"$SHARED/vandal/go"
await_log vandal "sh 0"
assert_soon inns ours ip link show eth0
assert_soon ip link show ns-ours
assert_cstate ours running
assert_eq "$(ns_inode ours)" "$inode"
assert_ok ctl stop vandal

step "S84: AutoDelete=: the namespace goes with the last of its containers"
assert_ok ctl start passing passing2
is_nsfs passing || fail "no namespace"
assert_ok ctl stop passing
is_nsfs passing || fail "it went although passing2 is in it"
assert_runs passing2
assert_ok ctl stop passing2
assert_soon test ! -e /run/netns/passing
assert_ok ctl start passing2
is_nsfs passing || fail "it did not come back"
assert_ok ctl stop passing2

step "S26: the file of a namespace goes: its containers are stopped, then it goes"
assert_ok ctl start one two
rm /etc/netnsd/pod.netns /etc/netnsd/one.container /etc/netnsd/two.container
assert_ok ctl apply
assert_nothing_of one
assert_nothing_of two
[ ! -e /run/netns/pod ] || fail "the name is left"

finish
