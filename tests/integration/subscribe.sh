#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Those who follow what happens: by the socket, and by netnsctl monitor. States come in order and numbered
# without a gap, all are told the same, and nothing is left of those who have gone.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

SOCKET=/run/netnsd/io.netnsd
FOLLOWERS=()
follow() { # COMMAND...: in the background; its pid is added to FOLLOWERS
  "$@" 2>>$SANDBOX/followers.err &
  FOLLOWERS+=($!)
}
record() { # FILE [PARAMETERS]
  follow python3 "$TEST_LIB/subscriber.py" record $SOCKET "$SANDBOX/$1" "${@:2}"
  assert_soon has "$1" .ready
}
has() { # FILE FILTER: some line matches
  jq -e -s "any(.[]; $2)" "$SANDBOX/$1"
}
states() { # FILE NAME: each change of its state, in order
  jq -r -s --arg name "$2" '[.[] | select(.namespace == $name and .object == "namespace" and .change != "present")
    | .text | split(":")[0]] | join(" ")' "$SANDBOX/$1"
}
changes() { # FILE: all that is numbered, as it came
  jq -c 'select(.change != "present" and (.ready | not))' "$SANDBOX/$1"
}
assert_no_gap() { # FILE
  changes "$1" | jq -e -s '[.[].sequence] | . == [range(.[0]; .[0] + length)]' >/dev/null ||
    fail "$1: numbers with a gap: $(changes "$1" | jq -c .sequence | xargs)"
}

conf one <<'X'
[Namespace]
[Veth eth0]
PeerName=ns-one
MACAddress=02:00:00:00:00:01
MTUBytes=1400
Address=10.1.0.2/24
[Route first]
Destination=10.9.0.0/16
Gateway=10.1.0.1
[Neighbor first]
Link=eth0
Address=10.1.0.9
LinkLayerAddress=02:00:00:00:00:09
[RoutingPolicyRule first]
From=10.1.0.0/24
Table=100
Priority=1000
X
conf two <<'X'
[Namespace]
AutoStart=no
X
start_daemon

step "the present state"
record state
state_texts() { # NAME OBJECT
  jq -r -s --arg name "$1" --arg object "$2" '[.[] | select(.namespace == $name and .object == $object
    and .change == "present") | .text] | sort | join("|")' $SANDBOX/state
}
assert_eq "$(state_texts one namespace)" configured
assert_eq "$(state_texts two namespace)" down
assert_eq "$(state_texts two link)" ''
assert_contains "$(state_texts one link)" 'link eth0 (veth, mtu 1400, up'
assert_contains "$(state_texts one link)" '02:00:00:00:00:01'
assert_contains "$(state_texts one address)" 'address 10.1.0.2/24 on eth0'
assert_contains "$(state_texts one route)" 'route 10.9.0.0/16 via 10.1.0.1 dev eth0'
assert_contains "$(state_texts one rule)" 'rule 1000: from 10.1.0.0/24 lookup 100'
assert_contains "$(state_texts one neighbor)" 'neighbor 10.1.0.9 on eth0 lladdr 02:00:00:00:00:09 (permanent)'
links=$(jq -s '[.[] | select(.namespace == "one" and .object == "link")] | length' $SANDBOX/state)
assert_eq "$links" "$(nsjson one link | jq length)" "links in the state"
assert_eq "$(jq -r -s '[.[] | select(.ready)] | length' $SANDBOX/state)" 1
late=$(jq -c -s '.[map(.ready) | index(true):] | .[] | select(.change == "present")' $SANDBOX/state)
assert_eq "$late" '' "state after ready"

step "changes come in order, to all who follow"
record second '{"state":false}'
record three '{"names":["three"],"state":false}'
follow "$NETNSCTL" monitor --json=short >$SANDBOX/monitor
MONITOR=$!
assert_soon has monitor .ready
follow "$NETNSCTL" monitor --state one three >$SANDBOX/people
PEOPLE=$!
assert_soon grep -q 'this was the state' $SANDBOX/people
for ((i = 0; i < 3; i++)); do
  assert_ok ctl add three
  assert_ok ctl up two
  assert_ok ctl down two
  assert_ok ctl del three
  assert_soon_eq '' state_of three # the kernel takes its time
  assert_soon_eq down state_of two
done
assert_ok ctl add last
assert_ok ctl del last
for file in state second monitor; do
  assert_soon has $file '.namespace == "last" and .change == "removed"'
done
three='' two=''
for ((i = 0; i < 3; i++)); do
  three+='pending configuring configured removing removed '
  two+='configuring configured removing down '
done
for file in state second monitor; do
  assert_eq "$(states $file three)" "${three% }" "states of three in $file"
  assert_eq "$(states $file two)" "${two% }" "states of two in $file"
  assert_no_gap $file
done
assert_eq "$(states three three)" "${three% }" "states of three, for whom only these matter"
assert_eq "$(changes three | jq -r .namespace | sort -u)" three "names"
since() { # FILE: what all three were told, since the last one came, until the last namespace went
  changes "$1" | jq -c --slurpfile last $SANDBOX/monitor 'select(.sequence > $last[0].sequence)' |
    sed '/"namespace":"last","object":"namespace","change":"removed"/q'
}
for file in state second; do
  diff <(since monitor) <(since $file) || fail "monitor and $file were not told the same"
done
[ "$(since monitor | wc -l)" -ge 30 ] || fail "only a few changes were told: $(since monitor)"
assert_eq "$(changes second | jq -r 'select(.object == "namespace") | .cause' | sort -u)" ours
times=$(changes second | jq -s '[.[].time] | . == sort')
assert_eq "$times" true "times that go forward"

step "what people read"
assert_contains "$(cat $SANDBOX/people)" 'link eth0 (veth, mtu 1400'
grep -Eq '^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} three +\+ namespace configured   ours$' $SANDBOX/people ||
  fail "no line for a namespace that came: $(cat $SANDBOX/people)"
grep -Eq '^[0-9:.]{15} three +- namespace removed   ours$' $SANDBOX/people || fail "no line for one that went"
assert_lacks "$(cat $SANDBOX/people)" last
kill -INT "$PEOPLE" "$MONITOR"
for pid in $PEOPLE $MONITOR; do
  status=0
  wait "$pid" || status=$?
  assert_eq $status 0 "netnsctl monitor when interrupted"
done
assert_status 2 ctl list --state
assert_status 1 env NETNSD_SOCKET=/nowhere "$NETNSCTL" monitor

step "those who have gone leave nothing behind"
settled() { [ "$(daemon_fds)" -le "$1" ]; }
held=$(daemon_fds_at_rest)
for ((i = 0; i < 4; i++)); do
  assert_ok timeout 60 python3 "$TEST_LIB/subscriber.py" many $SOCKET 200
done
assert_soon settled "$held"
assert_plan_empty

step "the daemon goes"
follow "$NETNSCTL" monitor --json=short >$SANDBOX/last
LAST=$!
assert_soon has last .ready
stop_daemon
status=0
wait $LAST || status=$?
assert_eq $status 1 "netnsctl monitor when the daemon goes"
assert_contains "$(cat $SANDBOX/followers.err)" 'netnsd has gone'
for pid in "${FOLLOWERS[@]}"; do
  wait "$pid" # all saw the end of the stream
done
for file in state second three; do
  assert_eq "$(jq -s '.[-1].end' $SANDBOX/$file)" true "$file: the end of the stream"
done
start_daemon

finish
