#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens when a payload ends: exit, crash, reboot, poweroff, a storm of them; delays and limits. That
# something runs anew is seen by its PID and start time. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

times_of() { # NAME: when its payloads began, milliseconds
  log_of "$1" | sed -n 's/^at //p'
}

gaps_of() { # NAME: milliseconds between begins
  times_of "$1" | awk 'NR > 1 { print $1 - before } { before = $1 }'
}

payload_conf failing "log /shared/log exit 7"
payload_conf again "log /shared/log first /shared/done exit 7 -- ready sleep" Exec.NotifyReady=yes \
  Service.Restart=on-failure Service.RestartSec=300ms
payload_conf reboot "log /shared/log sh \"test ! -e /marker && echo >/marker\" first /shared/done await /shared/go reboot -- sleep" \
  Exec.Ephemeral=yes Container.Namespace=net
payload_conf code133 "log /shared/log exit 133"
payload_conf off "log /shared/log await /shared/go poweroff" Service.Restart=on-failure
payload_conf offalways "log /shared/log first /shared/done poweroff -- sleep" Service.Restart=always
payload_conf crash "log /shared/log first /shared/done crash -- sleep" Service.Restart=on-failure
payload_conf killed "log /shared/log sleep" Service.Restart=on-abnormal
payload_conf prevented "log /shared/log exit 7" Service.Restart=always Service.RestartPreventExitStatus=7
payload_conf forced "log /shared/log first /shared/done exit 8 -- sleep" Service.RestartForceExitStatus=8
payload_conf success "log /shared/log exit 9" Service.Restart=on-failure Service.SuccessExitStatus=9
payload_conf quick "exit 0" Service.StartLimitIntervalSec=0
payload_conf storm "log /shared/log reboot" Service.RestartSec=10ms Service.StartLimitIntervalSec=1h
payload_conf steps "log /shared/log exit 7" Service.Restart=on-failure Service.RestartSec=100ms Service.RestartSteps=3 \
  Service.RestartMaxDelaySec=800ms Service.StartLimitIntervalSec=0
conf net <<'FILE'
[Namespace]
OnDrift=ignore
[Veth eth0]
PeerName=ns-net
MTUBytes=1400
Address=10.51.0.2/24
FILE
start_daemon

# What takes its time goes first, and is looked at last.
assert_ok ctl start --no-block steps
assert_ok ctl start --no-block storm

step "S45: Restart=no, exit 7: failed, told with the status, not restarted"
assert_ok ctl start --no-block failing
assert_cstate failing failed exit-code
assert_eq "$(cshow failing '[.runtime.exitCode, .runtime.exitStatus]')" '["exited",7]'
assert_eq "$(cshow failing .runtime.totalRestarts)" 0
assert_nothing_of failing
assert_soon logged "Restart=no"
assert_eq "$(begins_of failing)" 1

step "on-failure: restarted after RestartSec=, the reason is told, the count is"
assert_ok ctl start --no-block again
await_log again "notified READY=1"
assert_cstate again running
assert_runs again
assert_eq "$(cshow again .runtime.totalRestarts)" 1
gap=$(gaps_of again)
[ "$gap" -ge 300 ] || fail "restarted after $gap ms, expected at least RestartSec=300ms"
assert_eq "$(begins_of again)" 2
grep -q "^again.container: auto-restart: .*exit status 7.*starts again in 3..ms: Restart=on-failure" "$SANDBOX/daemon.log" ||
  fail "the log does not tell why it is restarted"
assert_contains "$(cshow again .runtime.restartReason)" "Restart=on-failure"

step "S46, S49: a reboot inside: a new init, a fresh root, the namespace and all that is in it untouched"
assert_ok ctl start reboot
await_log reboot "sh 0"
inode=$(ns_inode net)
inns net ip link add left type veth peer name left2
inns net ip route add 198.51.100.0/24 via 10.51.0.1
links=$(fingerprint net)
before=$(identity_of reboot)
nspawn=$(nspawn_of reboot)
: >"$SHARED/reboot/go"
assert_soon is_another_than "$before" reboot
await_log reboot "sh 0" 2
assert_cstate reboot running
assert_ne "$(nspawn_of reboot)" "$nspawn" "nspawn is run anew"
assert_eq "$(ns_inode net)" "$inode"
assert_eq "$(netns_of "$(leader_of reboot)")" "$inode"
assert_eq "$(fingerprint net)" "$links" "links of the namespace"
inns net ip route show 198.51.100.0/24 | grep -q 10.51.0.1 || fail "a route of somebody else was lost by a reboot"
grep -q "^reboot.container: auto-restart: .*starts again in 100ms: exit status 133 is in RestartForceExitStatus=" "$SANDBOX/daemon.log" ||
  fail "the log does not tell why it is restarted"
assert_contains "$(cshow reboot .runtime.restartReason)" RestartForceExitStatus=

step "S46: a payload that exits 133 has not rebooted"
assert_ok ctl start --no-block code133
assert_cstate code133 failed exit-code
assert_eq "$(begins_of code133)" 1

step "S47: poweroff is no failure: dead, not restarted"
assert_ok ctl start off
: >"$SHARED/off/go"
assert_cstate off dead success
assert_eq "$(cshow off .runtime.totalRestarts)" 0
assert_eq "$(begins_of off)" 1
assert_nothing_of off

step "Restart=always restarts it nevertheless"
assert_ok ctl start --no-block offalways
await_log offalways "begin 1" 2
assert_cstate offalways running

step "a crash, and an init killed from outside"
assert_ok ctl start --no-block crash
await_log crash "begin 1" 2
assert_cstate crash running
assert_ok ctl start killed
before=$(identity_of killed)
kill -KILL "$(nspawn_of killed)"
assert_soon is_another_than "$before" killed
assert_cstate killed running

step "RestartPreventExitStatus=, RestartForceExitStatus=, SuccessExitStatus="
assert_ok ctl start --no-block prevented forced success
await_log forced "begin 1" 2
assert_cstate forced running
assert_cstate prevented failed exit-code
assert_contains "$(cshow prevented .runtime.restartReason)" RestartPreventExitStatus=
assert_eq "$(begins_of prevented)" 1
assert_cstate success dead success
assert_eq "$(begins_of success)" 1

step "one that is done before anybody can look at it has not failed to start"
for _ in 1 2 3 4 5 6 7 8; do
  assert_ok ctl start quick
  assert_cstate quick dead success
done

step "S48: a storm of reboots ends: start-limit, and nothing goes on"
assert_cstate storm failed start-limit-hit
count=$(begins_of storm)
[ "$count" -le 5 ] || fail "started $count times with StartLimitBurst=5"
[ "$count" -ge 4 ] || fail "given up after $count starts, expected StartLimitBurst=5"
assert_nothing_of storm
assert_status 1 ctl start storm
assert_contains "$OUTPUT" "start"
assert_eq "$(begins_of storm)" "$count" "a start above the limit"
assert_ok ctl reset-failed storm
assert_cstate storm dead
assert_ok ctl start --no-block storm
await_log storm "begin 1" $((count + 1))
assert_ok ctl stop storm

step "RestartSteps=: the delays grow to RestartMaxDelaySec= and stay there"
await_log steps "begin 1" 6
assert_ok ctl stop steps
mapfile -t gaps < <(gaps_of steps)
echo "delays: ${gaps[*]} ms"
# RestartSec= by equal ratios up to the longest: 100, 200, 400, 800, 800.
for i in 0 1 2 3 4; do
  least=$((100 << i))
  [ $least -le 800 ] || least=800
  [ "${gaps[i]}" -ge $least ] || fail "delay $((i + 1)) was ${gaps[i]} ms, expected at least $least: ${gaps[*]}"
done

step "restart and stop while it waits for its next start"
payload_conf waiting "log /shared/log exit 7" Service.Restart=on-failure Service.RestartSec=1h
assert_ok ctl reload
assert_ok ctl start --no-block waiting
assert_cstate waiting auto-restart exit-code
assert_nothing_of waiting
assert_ok ctl restart --no-block waiting
await_log waiting "begin 1" 2
assert_cstate waiting auto-restart exit-code
assert_ok ctl stop waiting
assert_eq "$(cstate waiting)" dead
assert_eq "$(begins_of waiting)" 2

step "S49: ResetOnRestart= brings the namespace back to what is declared"
assert_ok ctl stop reboot
payload_conf reboot "log /shared/log first /shared/second await /shared/go reboot -- sleep" Container.Namespace=net \
  Container.ResetOnRestart=yes
rm -f "$SHARED/reboot/go"
assert_ok ctl reload
inns net ip link show left >/dev/null || fail "what is left by the run before has gone already"
assert_ok ctl start reboot
links=$(links_of net)
: >"$SHARED/reboot/go"
await_log reboot "begin 1" 4
assert_cstate reboot running
inns net ip link show left >/dev/null 2>&1 && fail "what the run before left is still there: $links, $(links_of net)"
assert_eq "$(links_of net)" eth0
assert_eq "$(netns_of "$(leader_of reboot)")" "$(ns_inode net)"

finish
