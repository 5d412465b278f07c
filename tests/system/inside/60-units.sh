#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# All that is installed for systemd: the units are sound, a reload is waited for where systemd can, the control socket
# outlives the daemon, a daemon that hangs is replaced, and the capabilities are those that are needed.
. "$(dirname "$0")/lib.sh" || exit 1

VERSION=$(systemctl --version | awk 'NR == 1 { print $2 }')
UNITS=$(dirname "$(property netnsd.service FragmentPath)")

# Where restart_netnsd removes it, and lib.sh after a failure.
drop_in() { # LINE...
  mkdir -p "$LATE"
  printf '%s\n' '[Service]' "$@" >"$LATE/late.conf"
  assert_ok systemctl daemon-reload
  assert_ok systemctl restart netnsd.service
}

is_later_than() { # MILLISECONDS, of now_ms
  [ "$(now_ms)" -gt "$1" ]
}

capabilities() { # PID: what it could ever have
  awk '$1 == "CapBnd:" { print $2 }' "/proc/$1/status"
}

step "every unit that is installed is one that systemd has nothing to say about"
count=0
for unit in "$UNITS"/netns*.service "$UNITS"/netns*.socket; do
  unit=${unit##*/}
  assert_eq "$(systemd-analyze verify --man=no "${unit/@./@some\\x2dname.}" 2>&1)" "" "$unit"
  count=$((count + 1))
done
assert_eq "$count" 6 "units"

step "Type= by the version of systemd"
if [ "$VERSION" -ge 253 ]; then
  assert_eq "$(property netnsd.service Type)" notify-reload
  assert_eq "$(property netnsd.service ExecReload)" ""
else
  assert_eq "$(property netnsd.service Type)" notify
  assert_contains "$(property netnsd.service ExecReload)" "kill -HUP"
fi

step "as systemd sees its security; the figure counts directives, and most of them would be the containers' as well"
systemd-analyze --no-pager security netnsd.service | tail -n 1

step "the group, and the registry of Varlink interfaces"
assert_ok systemd-sysusers netnsd.conf
assert_contains "$(getent group netnsd)" netnsd
assert_ok systemd-tmpfiles --create netnsd.conf
start_netnsd
for interface in Manager Namespace Container; do
  link=/run/varlink/registry/io.netnsd.$interface
  assert_eq "$(readlink $link)" /run/netnsd/io.netnsd
  ! command -v varlinkctl >/dev/null || assert_contains "$(varlinkctl list-interfaces $link)" io.netnsd.$interface
done
# This machine is in a sandbox where systemd-sysctl may not write.
assert_contains "$(systemd-analyze cat-config sysctl.d)" "fs.inotify.max_user_instances = 4096"
assert_contains "$(cat /etc/iproute2/rt_protos.d/netnsd.conf /usr/local/etc/iproute2/rt_protos.d/netnsd.conf 2>/dev/null)" netnsd

step "a reload: with notify-reload it is done when systemctl returns"
conf first <<<'[Namespace]'
assert_ok systemctl reload netnsd.service
[ "$VERSION" -lt 253 ] || is_nsfs first || fail "systemctl reload did not wait"
assert_soon is_nsfs first
conf broken <<<'[Namespaces]'
systemctl reload netnsd.service
assert_soon journal_has 'reload:' -u netnsd.service
assert_soon_eq running property netnsd.service SubState
rm /etc/netnsd/broken.netns

step "containers get the same capabilities as from a unit without a limit"
payload_conf one "log /shared/log sleep"
assert_ok ctl apply
assert_ok ctl start one
limited=$(capabilities "$(leader_of one)")
assert_ne "$(capabilities "$(daemon_pid)")" "$(capabilities 1)" "netnsd's"
assert_ok ctl stop one
drop_in 'CapabilityBoundingSet=~'
assert_eq "$(capabilities "$(daemon_pid)")" "$(capabilities 1)" "netnsd's without a limit"
assert_ok ctl start one
assert_eq "$limited" "$(capabilities "$(leader_of one)")" "the payload's"
before=$(identity_of one)

step "a daemon whose loop turns is let be, one that hangs is replaced; nothing else notices"
drop_in WatchdogSec=4
pid=$(daemon_pid)
since=$(now_ms)
wait_for 60 is_later_than $((since + 6000)) || fail "the clock stands still"
assert_eq "$(daemon_pid)" "$pid" "the daemon after more than WatchdogSec="
kill -STOP "$pid"
wait_for 60 is_another_daemon "$pid" || fail "one that hangs is not replaced"
assert_soon journal_has 'Watchdog timeout' -u netnsd.service
assert_eq "$(identity_of one)" "$before"
assert_runs one
assert_ok ctl reexec
pid=$(daemon_pid)
since=$(now_ms)
wait_for 60 is_later_than $((since + 6000)) || fail "the clock stands still"
assert_eq "$(daemon_pid)" "$pid" "the daemon after a reexec and more than WatchdogSec="
restart_netnsd
assert_eq "$(property netnsd.service WatchdogUSec)" 3min

step "a reload after an upgrade executes the new program, in the same process"
pid=$(daemon_pid)
cp "$NETNSD" "$NETNSD.new"
mv "$NETNSD.new" "$NETNSD"
[ ! "/proc/$pid/exe" -ef "$NETNSD" ] || fail "it is the same file"
assert_ok systemctl reload netnsd.service
assert_soon test "/proc/$pid/exe" -ef "$NETNSD"
assert_soon_eq running property netnsd.service SubState
assert_eq "$(daemon_pid)" "$pid"
assert_eq "$(identity_of one)" "$before"
assert_eq "$(property netnsd.service NFileDescriptorStore)" 2

step "socket activation: a call starts the daemon, and the socket is the same over its restarts"
assert_ok systemctl stop netnsd.service
assert_ok systemctl start netnsd.socket
assert_eq "$(property netnsd.service ActiveState)" inactive
assert_contains "$(ctl list)" first
assert_eq "$(property netnsd.service SubState)" running
assert_eq "$(identity_of one)" "$before"
assert_eq "$(cstate one)" running
assert_eq "$(stat -c '%a %U' /run/netnsd/io.netnsd)" "666 root"
inode=$(stat -c %i /run/netnsd/io.netnsd)
# A call that the old daemon has taken up can fail with it; one that comes later waits, whoever takes it.
(
  end=0
  trap 'end=1' USR1
  while [ $end = 0 ]; do
    out=$(ctl list 2>&1) || [[ "$out" == *"closed the connection before it answered"* ]] || { echo "$out" >&2; exit 1; }
  done
) &
caller=$!
for _ in 1 2 3; do
  assert_ok systemctl restart netnsd.service
done
kill_netnsd
kill -USR1 $caller
wait $caller || fail "a call was turned away during a restart"
assert_eq "$(stat -c %i /run/netnsd/io.netnsd)" "$inode" "the socket"
assert_eq "$(identity_of one)" "$before"
assert_eq "$(property netnsd.service NFileDescriptorStore)" 2
assert_ok ctl reexec
assert_contains "$(ctl list)" first

step "without the socket unit the daemon makes its own"
assert_ok systemctl stop netnsd.socket netnsd.service
assert_eq "$(property netnsd.service Result)" success
[ ! -e /run/netnsd/io.netnsd ] || fail "the socket stays"
start_netnsd
assert_contains "$(ctl list)" first
assert_eq "$(property netnsd.socket ActiveState)" inactive
assert_ok systemctl stop netnsd.service
assert_status 1 ctl list
start_netnsd
assert_ok ctl stop one
assert_eq "$(cresult one)" success

finish
