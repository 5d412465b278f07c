#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who looks after a container that has not ended: WatchdogSec= for nspawn, HealthCmd= and HealthTcp= for what
# is inside, and what is done then. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

health_of() { # NAME
  cshow "$1" .runtime.health
}

asked_more_than() { # TIMES
  [ "$(stat -c %s "$SHARED/cmd/asked")" -gt "$1" ]
}

# Nobody is blamed for a busy machine: what shall not be late has much more time than it needs.
PATIENT=Service.HealthTimeoutSec=60s
# Each check is counted. Where there is a file once, the next one fails, and none after it.
CHECK='echo >>/shared/asked; [ -e /shared/well ] || { mv /shared/once /shared/well; false; }'
payload_conf watched "log /shared/log sleep" Service.WatchdogSec=3s Service.Restart=on-watchdog Service.RestartSec=50ms
payload_conf given "log /shared/log sleep" Service.WatchdogSec=3s
payload_conf cmd "log /shared/log sh \": >/shared/well\" sleep" "Service.HealthCmd=/bin/sh -c \"$CHECK\"" \
  Service.HealthIntervalSec=300ms $PATIENT Service.HealthRetries=3 Service.HealthAction=restart
payload_conf tcp "log /shared/log listen 8080 sleep" Service.HealthTcp=8080 Service.HealthIntervalSec=300ms $PATIENT
payload_conf closed "log /shared/log sleep" Service.HealthTcp=127.0.0.1:8080 Service.HealthIntervalSec=300ms $PATIENT \
  Service.HealthRetries=2 Service.HealthAction=stop
payload_conf told "log /shared/log sleep" "Service.HealthCmd=/bin/sh -c \"echo no good; exit 3\"" Service.HealthIntervalSec=300ms $PATIENT \
  Service.HealthRetries=2 Service.HealthAction=report
payload_conf hangs "log /shared/log sleep" "Service.HealthCmd=/bin/sleep 1000" Service.HealthIntervalSec=300ms \
  Service.HealthTimeoutSec=2s Service.HealthRetries=1 Service.HealthAction=report
payload_conf missing "log /shared/log sleep" "Service.HealthCmd=/no/such/program" Service.HealthIntervalSec=300ms $PATIENT \
  Service.HealthRetries=1 Service.HealthAction=report
start_daemon

step "S51: nspawn pings, and is left alone as long as it does"
assert_ok ctl start watched given
tr '\0' '\n' <"/proc/$(nspawn_of watched)/environ" | grep -q -x WATCHDOG_USEC=3000000 || fail "no WATCHDOG_USEC"
tr '\0' '\n' <"/proc/$(leader_of watched)/environ" | grep WATCHDOG && fail "the payload has it too"
BEFORE=$(identity_of watched)
LEFT_ALONE=$(now_ms)

step "HealthCmd=: healthy, and its processes do not stay"
assert_ok ctl start cmd tcp closed told hangs missing
assert_soon_eq healthy health_of cmd
assert_eq "$(cstate cmd)" running

step "HealthTcp=: from inside the namespace"
assert_soon_eq healthy health_of tcp

step "HealthAction=stop: unhealthy, stopped, told"
assert_cstate closed failed health
assert_nothing_of closed
log_has closed "signal SIGTERM" || fail "it was not stopped but killed"
assert_soon logged "Connection refused"

step "HealthAction=report: told, and nothing else"
assert_soon_eq unhealthy health_of told
assert_contains "$(cshow told .runtime.healthText)" "status=3"
assert_eq "$(cstate told)" running
assert_eq "$(begins_of told)" 1

step "a command that hangs is ended, one that is not there fails; neither harms the container"
assert_soon_eq unhealthy health_of hangs
assert_contains "$(cshow hangs .runtime.healthText)" "timed out after 2s"
assert_soon_eq unhealthy health_of missing
assert_eq "$(cstate hangs)" running
assert_eq "$(cstate missing)" running
[ "$(cgroup_pids hangs | wc -l)" -le 4 ] || fail "checks pile up: $(cgroup_pids hangs)"

step "HealthAction=restart: after HealthRetries=3 failures in a row, not after one"
before=$(identity_of cmd)
mv "$SHARED/cmd/well" "$SHARED/cmd/once"
assert_soon test -e "$SHARED/cmd/well"
ASKED=$(stat -c %s "$SHARED/cmd/asked")
assert_soon asked_more_than $((ASKED + 1))
assert_eq "$(health_of cmd)" healthy
assert_eq "$(identity_of cmd)" "$before" "restarted after one failure"
rm "$SHARED/cmd/well"
assert_soon is_another_than "$before" cmd
assert_cstate cmd running
assert_soon_eq healthy health_of cmd
assert_contains "$(cshow cmd .runtime.restartReason)" HealthAction=restart
assert_contains "$(ctl status --full cmd.container)" healthy

step "S51: a hung nspawn is noticed, killed, and by Restart=on-watchdog replaced"
assert_eq "$(identity_of watched)" "$BEFORE" "killed within $(($(now_ms) - LEFT_ALONE)) ms although nspawn pinged"
[ $(($(now_ms) - LEFT_ALONE)) -ge 3200 ] || sleep 3.2
assert_eq "$(identity_of watched)" "$BEFORE" "killed although nspawn pinged"
kill -STOP "$(nspawn_of watched)" "$(nspawn_of given)"
assert_soon is_another_than "$BEFORE" watched
assert_cstate watched running
assert_cstate given failed watchdog
assert_eq "$(cresult watched)" watchdog
assert_nothing_of given
assert_soon logged WatchdogSec=

step "a stop ends the checks with it"
assert_ok ctl stop watched cmd tcp told hangs missing
for name in cmd tcp told hangs missing; do
  assert_nothing_of $name
  assert_eq "$(health_of $name)" ""
done

finish
