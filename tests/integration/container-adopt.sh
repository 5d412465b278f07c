#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon goes and comes back, stopped or killed, while containers run, start, end: what runs is never
# touched and taken over, what ended meanwhile is noticed, what is left is swept. Rows of SEED.md are named at
# each step (S33, A5).
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

stays() { # NAME IDENTITY: the same payload as before, and netnsd knows it
  assert_eq "$(identity_of "$1")" "$2" "the payload of $1"
  assert_eq "$(cstate "$1")" running "the state of $1"
  assert_runs "$1"
}

conf net <<'FILE'
[Namespace]
[Veth eth0]
PeerName=ns-net
Address=10.53.0.2/24
FILE
payload_conf one "log /shared/log lock /shared/lock fork 3 ready sleep" Exec.NotifyReady=yes Exec.Ephemeral=yes Container.Namespace=net \
  Container.AutoStart=yes
payload_conf always "log /shared/log lock /shared/lock await /shared/go sh \"rm /shared/go\" exit 7" Service.TimeoutStopSec=500ms Service.Restart=always Service.RestartSec=100ms \
  Container.Namespace=net
payload_conf once "log /shared/log await /shared/go exit 7" Container.Namespace=net
payload_conf late "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes Container.Namespace=net
payload_conf watched "log /shared/log sleep" Service.WatchdogSec=1s Service.Restart=on-watchdog Service.RestartSec=50ms \
  Container.Namespace=net
payload_conf manual "log /shared/log sleep" Container.Namespace=net
start_daemon

step "S33: stopped and started again: what runs goes on, and AutoStart= starts no second one"
assert_soon_eq running cstate one
await_log one "forked 3"
ONE=$(identity_of one)
NSPAWN=$(nspawn_of one)
SINCE=$(cshow one .runtime.since)
INODE=$(ns_inode net)
assert_ok ctl start watched
WATCHED=$(identity_of watched)
stop_daemon
assert_eq "$(identity_of one)" "$ONE" "without a daemon"
start_daemon
stays one "$ONE"
assert_eq "$(nspawn_of one)" "$NSPAWN"
assert_eq "$(cshow one .runtime.since)" "$SINCE" "since"
assert_eq "$(netns_of "$(leader_of one)") $(ns_inode net)" "$INODE $INODE"
assert_eq "$(cstate manual)" dead

step "A5: killed: the same"
kill_daemon
start_daemon
stays one "$ONE"
assert_eq "$(begins_of one)" 1
log_has one "locked already" && fail "two inits shared a root"

step "one that was taken over can be asked, entered, and is watched on"
assert_eq "$(ctl shell one cat /proc/1/cmdline | tr '\0' ' ')" "/payload log /shared/log lock /shared/lock fork 3 ready sleep "
assert_ok ctl kill --signal=HUP --kill-whom=leader one
await_log one "signal SIGHUP"
stays watched "$WATCHED"
kill -STOP "$(nspawn_of watched)"
assert_soon is_another_than "$WATCHED" watched
assert_cstate watched running
assert_ok ctl stop watched

step "its end is noticed, with its status, and Restart= holds"
assert_ok ctl start always once
kill_daemon
start_daemon
ALWAYS=$(identity_of always)
: >"$SHARED/once/go"
assert_cstate once failed exit-code
assert_nothing_of once
: >"$SHARED/always/go"
assert_soon is_another_than "$ALWAYS" always
assert_cstate always running
log_has always "locked already" && fail "two inits shared a root"

step "what ended while nobody looked is noticed, swept, and by Restart= started again"
rm -f "$SHARED/once/go"
assert_soon is_running always
assert_ok ctl start once
ALWAYS=$(identity_of always)
read -r leader started <<<"$ALWAYS"
kill_daemon
: >"$SHARED/once/go"
: >"$SHARED/always/go"
assert_soon is_dead "$leader" "$started"
assert_soon prints "" nspawns_of once
assert_soon prints "" nspawns_of always
start_daemon
assert_cstate once failed
assert_nothing_of once
assert_soon is_another_than "$ALWAYS" always
assert_cstate always running

step "A5: nspawn killed while nobody looked: its orphans are ended before it runs again"
read -r leader started <<<"$(identity_of always)"
kill_daemon
kill -KILL "$(nspawn_of always)"
is_dead "$leader" "$started" && fail "the kernel has ended the orphan by itself: nothing is shown here"
start_daemon
assert_cstate always running
is_dead "$leader" "$started" || fail "the orphan lives beside the new one"
log_has always "locked already" && fail "two inits shared a root"
assert_ok ctl stop always

step "one that was starting goes on starting"
assert_ok ctl start --no-block late
await_log late "begin 1"
LATE=$(identity_of late)
kill_daemon
start_daemon
assert_eq "$(cstate late)" start
: >"$SHARED/late/go"
assert_cstate late running
assert_eq "$(identity_of late)" "$LATE"

step "files that changed meanwhile: needs a restart; that went meanwhile: stopped"
kill_daemon
payload_conf late "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes Container.Namespace=net Exec.Environment=NEW=1
start_daemon
assert_eq "$(cshow late .runtime.needsRestart)" true
assert_eq "$(identity_of late)" "$LATE"
stop_daemon
rm /etc/netnsd/late.container
start_daemon
assert_nothing_of late
assert_soon_eq "" cstate late
log_has late "signal SIGTERM" || fail "it was not asked to end"
logged "late.container: dead: stopped" || fail "it was killed: $(grep late "$SANDBOX/daemon.log" | tail -n 3)"

step "the root of one that was taken over goes with it"
[ -d /run/netnsd/containers/one ] || fail "its overlay has gone"
stays one "$ONE"
assert_ok ctl stop one
log_has one "signal SIGTERM" || fail "it was not asked to end"
assert_nothing_of one

step "what was written down is damaged: it is ended before it runs again, never doubled"
assert_ok ctl start one
await_log one locked 2
read -r leader started <<<"$(identity_of one)"
kill_daemon
for file in /run/netnsd/state/*/*one* /run/netnsd/state/*one*; do
  [ ! -f "$file" ] || { echo garbage >"$file" && damaged=$file; }
done
[ -n "${damaged-}" ] || fail "nothing is written down: $(find /run/netnsd -type f)"
start_daemon
assert_ok ctl start one
is_dead "$leader" "$started" || fail "the old init lives"
await_log one locked 3
log_has one "locked already" && fail "two inits shared a root"
stays one "$(identity_of one)"
assert_ok ctl stop one

finish
