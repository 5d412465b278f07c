#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# machinectl terminate and poweroff, with a daemon, and while there is none: the state and the result say what happened,
# Restart= is obeyed, and nothing is left.
. "$(dirname "$0")/lib.sh" || exit 1

# A stop empties the descriptor store (252), a kill does not.
daemon_goes() { # stop or kill
  if [ "$1" = stop ]; then assert_ok systemctl stop netnsd.service; else kill_netnsd_for_now; fi
}

begin() { # NAME: it runs, and hears signals
  assert_ok ctl reset-failed "$1"
  forget_log "$1"
  assert_ok ctl start "$1"
  await_log "$1" locked
}

# It is down, and nothing of it is anywhere.
assert_down() { # NAME STATE RESULT
  assert_cstate "$1" "$2" "$3"
  assert_gone "$1"
}

# systemd ends all in a scope at once, also a child that nspawn has just forked to clean up behind its payload, which
# nspawn takes for a failure of its own. A daemon that sees it happen knows better, the next one cannot.
nspawn_was_hit() { # NAME
  journal_has 'systemd-nspawn terminated by signal TERM' "SYSLOG_IDENTIFIER=netnsd/$1"
}

# Ended without a daemon, and what is known of that.
assert_ended_well() { # NAME
  if nspawn_was_hit "$1"; then echo "$1: nspawn has failed"; else assert_down "$1" dead success; fi
}

for policy in no on-failure always; do
  payload_conf "p-$policy" "log /shared/log lock /shared/lock fork 2 sleep" Service.Restart=$policy Service.RestartSec=50ms
done
start_netnsd

step "terminate: a stop that was asked for, whatever Restart= says"
for policy in no on-failure always; do
  begin p-$policy
  assert_ok machinectl terminate p-$policy
  await_log p-$policy "signal SIGTERM"
  assert_down p-$policy dead success
  assert_eq "$(begins_of p-$policy)" 1 "starts of p-$policy"
done

step "terminate while the daemon is dead and systemd keeps its descriptors: it ended well, and Restart= decides"
for policy in no on-failure always; do
  begin p-$policy
done
before=$(identity_of p-always)
daemon_goes kill
for policy in no on-failure always; do
  assert_ok machinectl terminate p-$policy
  assert_soon no_unit "$(scope_of p-$policy)"
done
assert_eq "$(machines)" ""
restart_netnsd
if tells_exits; then
  assert_ended_well p-no
  assert_ended_well p-on-failure
fi
wait_for 60 is_another_than "$before" p-always || fail "it was not started again: $(ctl status p-always.container 2>&1)"
assert_runs p-always
assert_eq "$(begins_of p-always)" 2
assert_eq "$(log_of p-always | grep -c 'locked already')" 0 "two of them at a time"
assert_ok ctl stop --all

step "terminate while the service is stopped: how it ended is not known, which is a failure"
for policy in no on-failure always; do
  begin p-$policy
done
daemon_goes stop
for policy in no on-failure always; do
  assert_ok machinectl terminate p-$policy
  assert_soon no_unit "$(scope_of p-$policy)"
done
restart_netnsd
assert_down p-no failed exit-code
for policy in on-failure always; do
  assert_soon_eq running cstate p-$policy
  assert_eq "$(begins_of p-$policy)" 2
done
assert_ok ctl stop --all
for policy in no on-failure always; do
  assert_gone p-$policy
done

# --- a system that was booted -----------------------------------------------------------------

conf deb <<<'[Namespace]'
deb_conf() { # RESTART
  cat >/etc/netnsd/deb.container <<X
[Container]
Directory=$DEBIAN
[Exec]
Boot=yes
Ephemeral=yes
NotifyReady=yes
[Service]
Restart=$1
RestartSec=100ms
StartLimitIntervalSec=0
TimeoutStopSec=30
X
  assert_ok ctl apply
}

deb_is_another() { # IDENTITY
  wait_for 60 is_another_than "$1" deb || fail "it was not started again: $(ctl status deb.container 2>&1)"
  wait_for 60 prints running cstate deb || fail "it is $(cstate deb)"
  assert_eq "$(nspawns_of deb | wc -l)" 1
}

step "a system inside that is powered off has ended well: Restart=on-failure lets it be, always does not"
deb_conf on-failure
assert_ok ctl start deb
assert_ok machinectl poweroff deb
wait_for 60 prints dead cstate deb || fail "it is $(cstate deb)"
assert_down deb dead success
deb_conf always
assert_ok ctl start deb
before=$(identity_of deb)
assert_ok machinectl poweroff deb
deb_is_another "$before"

step "while the daemon is dead as well"
before=$(identity_of deb)
daemon_goes kill
assert_ok machinectl poweroff deb
wait_for 60 no_unit "$(scope_of deb)" || fail "it does not power off"
restart_netnsd
deb_is_another "$before"
assert_ok ctl stop deb
deb_conf on-failure
assert_ok ctl start deb
daemon_goes kill
assert_ok machinectl poweroff deb
wait_for 60 no_unit "$(scope_of deb)" || fail "it does not power off"
restart_netnsd
! tells_exits || assert_down deb dead success

step "terminate of a booted one: cleanly with a daemon; without one systemd kills it, in its time, which is a failure"
assert_ok ctl start deb
assert_ok machinectl terminate deb
wait_for 60 prints dead cstate deb || fail "it is $(cstate deb)"
assert_down deb dead success
sed -i 's/^TimeoutStopSec=.*/TimeoutStopSec=3/; s/^Restart=.*/Restart=no/' /etc/netnsd/deb.container
assert_ok ctl apply
assert_ok ctl start deb
daemon_goes kill
assert_ok machinectl terminate deb
wait_for 60 no_unit "$(scope_of deb)" || fail "systemd does not end it"
restart_netnsd
if tells_exits; then assert_down deb failed signal; else assert_down deb failed exit-code; fi

step "the daemon comes back in the middle of it, and ends it cleanly"
sed -i 's/^TimeoutStopSec=.*/TimeoutStopSec=60/; s/^Restart=.*/Restart=always/' /etc/netnsd/deb.container
assert_ok ctl apply
assert_ok ctl reset-failed deb
assert_ok ctl start deb
daemon_goes kill
assert_ok machinectl terminate deb
assert_eq "$(property "$(scope_of deb)" SubState)" stop-sigterm
restart_netnsd
wait_for 60 prints dead cstate deb || fail "it is $(cstate deb)"
assert_down deb dead success

finish
