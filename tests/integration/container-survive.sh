#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon's death and its stop mean nothing to containers: one in each state, before and after kill -9, and before and
# after a stop. What runs is the same process, a TCP stream between two of them loses no byte, counters, deadlines and
# results are kept. Without systemd's store; with it: container-survive-store.sh. The files it keeps for this, damaged and
# gone, and a full /run: container-survive-record.sh.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

RUNNING="runs policy sender receiver starting stopping"

# Of each that has processes: its nspawn and its init, with their start times.
processes() {
  local name pid
  for name in $RUNNING; do
    pid=$(nspawn_of "$name")
    echo "$name nspawn $pid $(start_time "$pid") init $(identity_of "$name")"
  done
}

# What must be kept, as netnsd tells it.
told() {
  local name
  for name in $RUNNING waiting backing-off failed skipped ended; do
    cshow "$name" "[\"$name\", .runtime.state, .runtime.since, .runtime.result, .runtime.exitCode, .runtime.exitStatus,
      .runtime.restarts, .runtime.totalRestarts, .runtime.restartReason, .runtime.needsRestart, .runtime.pid, .runtime.leader,
      .runtime.cgroup] | map(. // \"-\") | join(\" \")"
  done
}

deadline() { # NAME: when it starts again, in ms
  echo $(($(cshow "$1" '.runtime.nextRestartAt // 0') / 1000))
}

survive() { # kill_daemon or stop_daemon
  local before='' kept due late
  until [ -n "$before" ] && ! grep -q 'init $' <<<"$before"; do # see below
    before=$(processes)
  done
  kept=$(told)
  due=$(deadline backing-off)
  "$1"
  # A look at /proc may miss one that is there; none that is another one is ever taken for it.
  assert_soon_eq "$before" processes
  start_daemon
  assert_soon_eq "$before" processes
  # Skipped is looked at anew, since the capabilities are the daemon's.
  assert_soon_eq skipped cstate skipped
  assert_eq "$(told | sed '/^skipped /d')" "$(sed '/^skipped /d' <<<"$kept")" "what is told after $1"
  late=$(($(deadline backing-off) - due))
  [ ${late#-} -le 50 ] || fail "the deadline was $due, and is $(deadline backing-off)"
  assert_contains "$(cshow skipped .runtime.reason)" "CAP_SYS_ADMIN"
  assert_contains "$(cshow waiting .runtime.reason)" "those it comes after"
  assert_plan_empty
}

conf near <<'FILE'
[Namespace]
[Veth eth0]
PeerNamespace=far
PeerName=eth0
PeerAddress=10.9.0.2/24
Address=10.9.0.1/24
FILE
conf far <<<'[Namespace]'
payload_conf receiver "log /shared/log receive 5000 sleep" Container.Namespace=far
payload_conf sender "log /shared/log send 10.9.0.2 5000 /shared/enough sleep" Container.Namespace=near
payload_conf runs "log /shared/log lock /shared/lock fork 3 sleep" Service.Restart=always Service.RestartSec=50ms
# Its policy changes meanwhile, which needs no restart.
payload_conf policy "log /shared/log sleep" Service.Restart=no
payload_conf starting "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes
payload_conf waiting "log /shared/log sleep" Service.After=starting
payload_conf backing-off "log /shared/log exit 7" Service.Restart=always Service.RestartSec=10ms Service.RestartSteps=1 \
  Service.RestartMaxDelaySec=300s
payload_conf failed "log /shared/log exit 9"
payload_conf skipped "log /shared/log sleep" Service.ConditionCapability=!CAP_SYS_ADMIN
payload_conf stopping "log /shared/log stubborn" Service.TimeoutStopSec=300s
payload_conf ended "log /shared/log sleep"
start_daemon

step "one in each state"
assert_ok ctl start runs policy receiver sender stopping ended
assert_ok ctl start --no-block starting waiting backing-off failed skipped
await_log receiver flows
await_log starting "begin 1"
await_log backing-off "begin 1" 2
await_log runs "forked 3"
await_log stopping "begin 1"
assert_ok ctl stop ended
assert_ok ctl stop --no-block stopping
await_log stopping "signal SIGTERM"
# That it was sent is written down after it was; a daemon that is killed in between sends it once more.
assert_soon grep -q '^SignalsSent=1' /run/netnsd/state/stopping.record
for name in $RUNNING; do
  assert_soon is_running "$name"
done
assert_cstate starting start
assert_cstate waiting start-pre
assert_cstate backing-off auto-restart
assert_cstate failed failed exit-code
assert_cstate skipped skipped
assert_cstate stopping stop-sigterm
assert_cstate ended dead success
assert_eq "$(cshow backing-off .runtime.restarts)" 1

step "kill -9, a stop, and kill -9 again"
survive kill_daemon
survive stop_daemon
survive kill_daemon
log_of sender | grep -q '^sent' && fail "the stream had ended before"
: >"$SHARED/sender/enough"
assert_soon log_has receiver "$(log_of receiver | grep '^received .* in order')"
wait_for 15 grep -q '^sent' "$SHARED/sender/log" || fail "the sender does not end"
await_log receiver "received $(log_of sender | sed -n 's/^sent //p') in order"

step "and from then on each goes its way"
assert_eq "$(begins_of backing-off)" 2
: >"$SHARED/starting/go"
assert_cstate starting running
await_log waiting "begin 1"
assert_cstate waiting running
assert_eq "$(begins_of starting) $(begins_of waiting) $(begins_of runs)" "1 1 1"
# Once; once more where an init seemed deaf to the first one (container_deaf.c). Never the second one of nspawn,
# which would have killed it.
[[ "$(log_of stopping | grep -c '^signal SIGTERM')" =~ ^[12]$ ]] || fail "SIGTERMs: $(log_of stopping)"
LEADER=$(leader_of runs)
STARTED=$(start_time "$LEADER")
kill -KILL "$(nspawn_of runs)"
await_log runs locked 2
is_dead "$LEADER" "$STARTED" || fail "the next one began while the last one's init was alive"
log_has runs "locked already" && fail "two inits shared a root"
assert_eq "$(cshow runs .runtime.restarts)" 1
assert_runs runs
assert_ok ctl start ended
assert_runs ended
kill -KILL "$(nspawn_of stopping)"
assert_soon_eq failed cstate stopping
assert_nothing_of stopping

step "files changed meanwhile: what needs a restart says so, at once and after each start"
RUNNING="runs policy sender receiver starting waiting"
before=$(processes)
kill_daemon
sed -i 's/fork 3/fork 4/' /etc/netnsd/runs.container
sed -i 's/^Restart=no/Restart=on-failure/' /etc/netnsd/policy.container
start_daemon
assert_eq "$(cshow runs .runtime.needsRestart)" true
assert_eq "$(cshow policy .runtime.needsRestart)" "" "only its policy is another one"
assert_eq "$(cshow policy .context.restart)" on-failure
assert_ok ctl reload
kill_daemon
start_daemon
assert_eq "$(cshow runs .runtime.needsRestart)" true
assert_eq "$(cshow policy .runtime.needsRestart)" ""
sed -i 's/fork 4/fork 3/' /etc/netnsd/runs.container
assert_ok ctl reload
assert_eq "$(cshow runs .runtime.needsRestart)" "" "its file is again what it runs with"
assert_eq "$(processes)" "$before"

step "its file went meanwhile: it is stopped, cleanly and in its time, and is no more"
kill_daemon
rm /etc/netnsd/starting.container /etc/netnsd/waiting.container /etc/netnsd/failed.container
start_daemon
assert_nothing_of waiting
assert_nothing_of starting
log_has starting "signal SIGTERM" || fail "it was not asked to end"
for name in starting waiting failed; do
  assert_soon_eq "" cstate $name
done
[ ! -e /run/netnsd/state/starting.record ] || fail "its record is still there"

step "stopped while netnsd is not there, by its own payload"
kill_daemon
LEADER=$(leader_of policy)
STARTED=$(start_time "$LEADER")
kill -TERM "$(nspawn_of policy)"
assert_soon is_dead "$LEADER" "$STARTED"
mark=$(log_mark)
start_daemon
assert_soon logged "how is not known: taken for a failure" "$mark"
# Restart=on-failure
await_log policy "begin 1" 2
assert_runs policy

step "a stop of one that is down with its namespace holds after kill -9, when that is back"
assert_ok ctl down policy
assert_ok ctl stop policy
kill_daemon
start_daemon
assert_soon is_nsfs policy
assert_cstate policy dead
assert_nothing_of policy

finish
