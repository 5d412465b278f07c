#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A thousand links that flap in a hundred namespaces: who follows is told each event once, in the right
# namespace, in order, numbered without a gap, as a socket in each namespace hears it; who does not read is
# cut off. When the kernel's queue overruns, followers get the mark and then the state as the kernel has it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

SOCKET=/run/netnsd/io.netnsd
NAMES=()
for ((i = 0; i < 100; i++)); do
  conf "n$i" <<<'[Namespace]'
  NAMES+=("n$i")
done
flood() {
  python3 "$TEST_LIB/flood.py" "$@"
}
background() { # COMMAND...: its pid is in $PID
  "$@" 2>>$SANDBOX/background.err &
  PID=$!
  own_pid $PID
}
record() { # FILE [PARAMETERS]
  background python3 "$TEST_LIB/subscriber.py" record $SOCKET "$SANDBOX/$1" "${@:2}"
  assert_soon grep -q '"ready"' "$SANDBOX/$1"
}
ends() { # FILE: was told of the last link in each namespace
  [ "$(grep -c '"text": *"link end .*' "$SANDBOX/$1")" -ge ${#NAMES[@]} ]
}

start_daemon
assert_eq "$(ctl list --no-legend | awk '$2 == "configured"' | wc -l)" 100
flood links 10 "${NAMES[@]}" || fail "no links"

step "a thousand links flap"
record follower '{"state":false}'
background "$NETNSCTL" monitor --json=short >$SANDBOX/monitor
MONITOR=$PID
assert_soon grep -q '"ready"' $SANDBOX/monitor
coproc DEAF { exec python3 "$TEST_LIB/subscriber.py" deaf $SOCKET; }
own_pid "$DEAF_PID"
exec {hear}<&"${DEAF[0]}" {talk}>&"${DEAF[1]}"
read -r -t 30 line <&"$hear"
assert_eq "$line" ready
held=$(daemon_fds_at_rest)
background flood oracle $SANDBOX/oracle "${NAMES[@]}" >$SANDBOX/listening
ORACLE=$PID
assert_soon grep -q listening $SANDBOX/listening
flood mark begin "${NAMES[@]}" || fail "no first link"
pids=()
for half in 0 50; do
  flood flap 6 "${NAMES[@]:half:50}" &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || fail "the links do not flap"
done
flood mark end "${NAMES[@]}" || fail "no last link"
wait "$ORACLE" || fail "the oracle failed: $(cat $SANDBOX/background.err)"
wait_for 60 ends follower || fail "the follower was told no end"
wait_for 60 ends monitor || fail "the monitor was told no end"
flood compare $SANDBOX/oracle $SANDBOX/follower || fail "the follower was not told what happened"
flood compare $SANDBOX/oracle $SANDBOX/monitor || fail "the monitor was not told what happened"
# It would see one that is missing, and two that changed places.
flood compare <(sed 5000d $SANDBOX/oracle) $SANDBOX/follower 2>/dev/null && fail "the comparison compares nothing"
awk '!kept && /^\["n7", \["link", "set", "l5", 1001, true/ { kept = $0; next }
  { print }
  kept && !put && /^\["n7", / { print kept; put = 1 }' $SANDBOX/oracle >$SANDBOX/shuffled
flood compare $SANDBOX/shuffled $SANDBOX/follower 2>/dev/null && fail "the comparison heeds no order"
events=$(wc -l <$SANDBOX/oracle)
[ "$events" -ge 12000 ] || fail "only $events events: a flood was meant"

step "who did not read was cut off"
[ "$(daemon_fds_at_rest)" -lt "$held" ] || fail "the daemon still holds the connection of one that does not read"
echo go >&"$talk"
read -r -t 30 line <&"$hear"
assert_eq "$line" 'cut off'
exec {hear}<&- {talk}>&-
kill -INT "$MONITOR"

step "the kernel's queue overruns"
stop_daemon
mkdir -p /etc/netnsd
printf '[Manager]\nReceiveBufferSize=64K\n' >/etc/netnsd/netnsd.conf
start_daemon
record resynced
RECORDER=$PID
background "$NETNSCTL" monitor >$SANDBOX/people
PEOPLE=$PID
again() { # N: so many times ready
  [ "$(grep -c '"ready"' $SANDBOX/resynced)" -ge "$1" ]
}
for ((i = 1; i <= 3; i++)); do
  # While the daemon stands still, much more happens than the queue takes.
  kill -STOP "$DAEMON_PID"
  flood flap 1 "${NAMES[@]}" || fail "the links do not flap"
  for name in n1 n50 n99; do
    ip -n $name link del l0
    ip -n $name link add l0 type bridge
  done
  kill -CONT "$DAEMON_PID"
  wait_for 60 again $((i + 1)) || fail "no state after the overrun"
  wait_for 60 flood state $SANDBOX/resynced "${NAMES[@]}" ||
    fail "what was told is not how it is: $(flood state $SANDBOX/resynced "${NAMES[@]}" 2>&1)"
done
flood state $SANDBOX/resynced "${NAMES[@]}"
resyncs=$(grep -c '"resync"' $SANDBOX/resynced)
[ "$resyncs" -ge 3 ] || fail "only $resyncs marks for 3 overruns"
assert_contains "$(daemon_log)" 'kernel events were lost'
grep -q 'changes were lost' $SANDBOX/people || fail "netnsctl monitor does not tell of the loss"
kill "$RECORDER" "$PEOPLE"

rm /etc/netnsd/netnsd.conf
finish
