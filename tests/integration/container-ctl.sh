#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The verbs of netnsctl for containers, what they print and exit with, the same through JSON and Varlink; what
# a reload does and does not do; a condition that is not met. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

conf pod <<'FILE'
[Namespace]
Description=Where they live
FILE
payload_conf one "log /shared/log lock /shared/lock sleep" "Container.Description=The first" Container.Namespace=pod
payload_conf two "log /shared/log sleep" Container.Namespace=pod
payload_conf late "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes Container.Namespace=pod
payload_conf failing "log /shared/log exit 7" Exec.NotifyReady=yes Container.Namespace=pod

step "without a daemon"
assert_status 1 ctl start one
assert_contains "$OUTPUT" "netnsd"
assert_ok ctl check
start_daemon

step "usage, and names that are not there"
for verb in start stop restart kill reset-failed shell log; do
  assert_status "$([ $verb = shell ] && echo 125 || echo 2)" ctl $verb
done
for verb in start stop restart kill reset-failed log; do
  assert_status 1 ctl $verb nobody
  assert_contains "$OUTPUT" nobody
done
assert_status 125 ctl shell nobody true
assert_status 3 ctl status nobody.container
assert_status 1 ctl show nobody.container
assert_status 2 ctl kill --signal=NONSENSE one
assert_status 2 ctl start --signal=HUP one

step "S8: list and status before and after a start"
assert_contains "$(ctl list --containers --no-legend)" one
assert_json '[.[] | select(.name == "one") | .runtime.state] | first' dead ctl list --containers --json=short
assert_status 3 ctl status one.container
assert_contains "$OUTPUT" "The first"
assert_status 0 ctl start one two
assert_eq "$OUTPUT" "" "what start prints when all is well"
assert_status 0 ctl start one
assert_runs one
assert_status 0 ctl status one.container
for text in "one.container - The first" "/etc/netnsd/one.container" running "$(leader_of one)" "$(nspawn_of one)" pod; do
  assert_contains "$OUTPUT" "$text" status
done
assert_contains "$(ctl status --full pod)" one
assert_contains "$(ctl status --full)" ontainer
assert_contains "$(ctl cat one.container)" "Description=The first"
assert_contains "$(ctl show one.container)" "running"
assert_json .runtime.leader "$(leader_of one)" ctl show --json=short one.container
assert_json .runtime.cgroup "$DAEMON_CGROUP/containers/one" ctl show --json=short one.container
assert_json '[.[] | .name] | sort | join(" ")' "failing late one two" ctl list --containers --json=short

step "who is in the namespace"
assert_contains "$(ctl pids pod)" "$(leader_of one)"

step "shell: inside, its status, not there, not running; the container is untouched"
BEFORE=$(identity_of one)
assert_status 5 ctl shell one sh -c 'exit 5'
assert_status 0 ctl shell one hostname
assert_eq "$OUTPUT" one
assert_status 0 ctl shell one sh -c 'cat /proc/1/cmdline; ip link show lo'
assert_contains "$OUTPUT" /payload
assert_contains "$OUTPUT" LOOPBACK
assert_status 127 ctl shell one /no/such/program
assert_status 125 ctl shell late true
assert_contains "$OUTPUT" late
assert_eq "$(printf 'echo from-shell\nexit 3\n' | ctl shell one 2>/dev/null)" from-shell "a shell that reads from a pipe"
assert_eq "$(inside one ps | grep -c '[h]ostname')" 0
assert_eq "$(identity_of one)" "$BEFORE"

step "kill: to the init, to nspawn, to all"
assert_ok ctl kill --signal=HUP --kill-whom=leader one
await_log one "signal SIGHUP"
assert_ok ctl kill --signal=RTMIN+5 --kill-whom=leader one
await_log one "signal SIGRTMIN+5"
assert_eq "$(identity_of one)" "$BEFORE"
assert_status 1 ctl kill late
assert_contains "$OUTPUT" "not run"
assert_ok ctl kill --signal=KILL --kill-whom=all two
assert_cstate two failed signal
assert_nothing_of two
assert_ok ctl reset-failed two
assert_eq "$(cstate two)" dead
assert_eq "$(cresult two)" ""

step "S14, S41: start waits for the payload, --no-block does not, wait does"
"$NETNSCTL" start late >"$SANDBOX/late.out" 2>&1 &
STARTER=$!
await_log late "begin 1"
assert_eq "$(cstate late)" start
[ -d "/proc/$STARTER" ] || fail "start did not wait: $(cat "$SANDBOX/late.out")"
: >"$SHARED/late/go"
wait $STARTER || fail "start failed: $(cat "$SANDBOX/late.out")"
assert_eq "$(cstate late)" running
assert_ok ctl stop late
rm "$SHARED/late/go"
assert_ok ctl start --no-block late
assert_status 1 ctl wait --timeout=300ms late.container
: >"$SHARED/late/go"
assert_status 0 ctl wait --timeout=20s late.container

step "a start that fails: exit 1, why, and what to look at; the status tells the same"
assert_status 1 ctl start failing
assert_contains "$OUTPUT" failing
assert_contains "$OUTPUT" "exit status 7"
assert_status 3 ctl status failing.container
assert_contains "$OUTPUT" "failed"
assert_contains "$OUTPUT" "exit-code"
assert_status 1 ctl start failing two
assert_eq "$(cstate two)" running "one that fails does not keep the others"

step "Varlink: progress by more, and errors by name"
varlink() { # METHOD PARAMETERS [more]: every reply on a line
  python3 - "$@" <<'PYTHON'
import json, socket, sys
call = {"method": sys.argv[1], "parameters": json.loads(sys.argv[2])}
if len(sys.argv) > 3:
    call["more"] = True
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect("/run/netnsd/io.netnsd")
s.sendall(json.dumps(call).encode() + b"\0")
data, more = b"", True
while more:
    chunk = s.recv(65536)
    if not chunk:
        sys.exit(1)
    data += chunk
    while b"\0" in data:
        reply, data = data.split(b"\0", 1)
        print(reply.decode(), flush=True)
        more = json.loads(reply).get("continues", False)
PYTHON
}
assert_ok ctl stop late
OUTPUT=$(varlink io.netnsd.Container.Start '{"name": "late"}' more)
STATES=$(jq -r '.parameters.state // empty' <<<"$OUTPUT" | tr '\n' ' ')
assert_contains "$STATES" "start-pre start "
[[ "${STATES##*start }" =~ ^(running )+$ ]] || fail "the last of: $STATES"
assert_eq "$(varlink io.netnsd.Container.Start '{"name": "nobody"}' | jq -r .error)" io.netnsd.Container.NoSuchContainer
assert_eq "$(varlink io.netnsd.Container.Kill '{"name": "failing"}' | jq -r .error)" io.netnsd.Container.BadState
assert_eq "$(varlink io.netnsd.Container.Start '{"name": "failing"}' | jq -r '.error + " " + .parameters.result')" \
  "io.netnsd.Container.StartFailed exit-code"
assert_eq "$(varlink io.netnsd.Container.Stop '{"name": "one", "odd": 1}' | jq -r .error)" org.varlink.service.InvalidParameter
assert_eq "$(identity_of one)" "$BEFORE"

step "S9: reload touches only what changed, and restarts nothing by itself"
payload_conf one "log /shared/log lock /shared/lock sleep" "Container.Description=Still the first" Container.Namespace=pod \
  Service.Restart=always Service.TimeoutStopSec=7s
LATE=$(identity_of late)
assert_ok ctl reload
assert_eq "$(cshow one .runtime.needsRestart)" "" "what takes effect at once"
payload_conf one "log /shared/log lock /shared/lock sleep" "Exec.Environment=NEW=1" Container.Namespace=pod
assert_ok ctl reload
assert_eq "$(cshow one .runtime.needsRestart)" true
assert_eq "$(identity_of one)" "$BEFORE" "reload restarted a container"
assert_contains "$(ctl status --full one.container)" restart
assert_ok ctl reload --restart
assert_soon is_another_than "$BEFORE" one
assert_cstate one running
tr '\0' '\n' <"/proc/$(leader_of one)/environ" | grep -q -x NEW=1 || fail "the new settings are not in force"
assert_eq "$(cshow one .runtime.needsRestart)" ""
assert_eq "$(identity_of late)" "$LATE" "reload --restart restarted what did not change"
log_has one "locked already" && fail "two inits shared a root"

step "a file that goes: the container is stopped and forgotten"
rm /etc/netnsd/two.container
assert_ok ctl reload
assert_nothing_of two
assert_soon_eq "" cstate two
assert_eq "$(ctl list --containers --json=short | jq '[.[] | select(.name == "two")] | length')" 0

step "a bad file changes nothing, the message has file and line"
BEFORE=$(identity_of one)
echo "NoSuchKey=1" >>/etc/netnsd/one.container
assert_status 1 ctl reload
assert_contains "$OUTPUT" "/etc/netnsd/one.container:"
assert_eq "$(identity_of one)" "$BEFORE"
sed -i '/NoSuchKey/d' /etc/netnsd/one.container
assert_ok ctl reload
assert_eq "$(identity_of one)" "$BEFORE"

step "monitor tells each change of state"
"$NETNSCTL" monitor --json=short >"$SANDBOX/events" 2>/dev/null &
MONITOR=$!
own_pid $MONITOR
assert_soon grep -q ready "$SANDBOX/events"
assert_ok ctl restart one
assert_soon grep -q stop-sigterm "$SANDBOX/events"
for state in stop-sigterm stop-post start-pre running; do
  assert_soon grep -q "$state" "$SANDBOX/events"
done
kill $MONITOR
wait $MONITOR 2>/dev/null
assert_ok ctl stop one late

step "S55: a capability that is not in the bounding set: skipped, with its name, exit 0, and the namespace is made"
stop_daemon
need_program setpriv
DAEMON_WRAPPER+=(setpriv --bounding-set=-net_raw --)
payload_conf needs "log /shared/log sleep" "Service.ConditionCapability=CAP_NET_RAW" Container.Namespace=pod
payload_conf neednot "log /shared/log sleep" "Service.ConditionCapability=!CAP_NET_RAW" Container.Namespace=pod
start_daemon
is_nsfs pod || fail "the namespace is not there"
assert_status 0 ctl start needs
assert_contains "$OUTPUT" CAP_NET_RAW
assert_eq "$(cstate needs)" skipped
[ -z "$(log_of needs)" ] || fail "it ran"
assert_contains "$(ctl status --full needs.container)" CAP_NET_RAW
assert_nothing_of needs
assert_ok ctl start neednot
assert_runs neednot
assert_ok ctl stop neednot

finish
