# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts in this directory source first: assertions of the integration tests, for a machine that
# systemd runs and netnsd is installed on. They run one after the other, by number, and leave nothing behind.
# The oracle is systemd, machined and the kernel.
. "$(dirname "${BASH_SOURCE[0]}")/../../integration/lib.sh" || exit 1
. "$(dirname "${BASH_SOURCE[0]}")/../../integration/lib_container.sh" || exit 1

NETNSD=$(command -v netnsd)
NETNSCTL=$(command -v netnsctl)
DEBIAN=/srv/debian # the tree that this machine was made of; read-only
STARTED_AT=$(date '+%Y-%m-%d %H:%M:%S')
mkdir -p "$MACHINES" "$SHARED" /etc/netnsd
cp /srv/payload "$PAYLOAD"
trap inside_exit EXIT

inside_exit() {
  local status=$?
  trap - EXIT
  if [ $status != 0 ] && [ $status != 77 ]; then
    inside_report
    forget_all
  fi
  exit $status
}

# What the next script must not find.
forget_all() {
  rm -rf /etc/netnsd/*.netns /etc/netnsd/*.container /etc/netnsd/*.d /run/netnsd/transient/* $LATE
  systemctl daemon-reload
  timeout 20 netnsctl apply
  systemctl stop netnsd.service 'netnsd-*.scope'
  systemctl reset-failed
} >/dev/null 2>&1

inside_report() {
  exec >&2
  echo "=== units"
  systemctl --no-pager --no-legend --plain --all list-units 'netnsd*' 'machine*'
  netnsctl list 2>&1
  container_report
  echo "=== journal"
  journalctl --no-pager --since "$STARTED_AT" -o short-monotonic | tail -n 100
}

# --- systemd's view ---------------------------------------------------------------------------

property() { # UNIT PROPERTY
  systemctl show --value -p "$2" "$1"
}

scope_of() { # NAME
  echo "netnsd-$1.scope"
}

is_unit() { # UNIT: is loaded and active
  [ "$(property "$1" ActiveState)" = active ]
}

no_unit() { # UNIT
  [ "$(property "$1" LoadState)" = not-found ]
}

machines() {
  machinectl --no-legend --no-pager list | awk '{ print $1 }' | sort | xargs
}

cgroup_pids() { # NAME: everything in its scope and below
  local path
  path=$(property "$(scope_of "$1")" ControlGroup)
  [ -z "$path" ] || find "/sys/fs/cgroup$path" -name cgroup.procs -exec cat {} + 2>/dev/null
}

journal() { # MATCHES AND OPTIONS...
  journalctl --no-pager --since "$STARTED_AT" "$@"
}

journal_has() { # TEXT MATCHES...: a line is TEXT, or has it
  journal -o cat "${@:2}" | grep -q -F -- "$1"
}

# One of ours is gone from all of them.
assert_gone() { # NAME
  assert_soon is_gone "$1"
  assert_soon no_unit "$(scope_of "$1")"
  assert_soon_eq "" machine_of "$1"
  assert_soon test ! -e "/run/netnsd/containers/$1"
  [ -z "$(find /run/systemd/nspawn -path "*/$1" 2>/dev/null)" ] ||
    fail "nspawn has left: $(find /run/systemd/nspawn -path "*/$1")"
}

machine_of() { # NAME: as machined lists it
  machines | tr ' ' '\n' | grep -x "$1"
}

# --- netnsd -----------------------------------------------------------------------------------

daemon_pid() {
  property netnsd.service MainPID
}

# The daemon says READY=1 when it is done.
start_netnsd() {
  assert_ok systemctl start netnsd.service
  assert_eq "$(property netnsd.service SubState)" running
}

kill_netnsd() {
  local old
  old=$(daemon_pid)
  kill -KILL "$old"
  wait_for 60 is_another_daemon "$old" || fail "systemd does not start the daemon again"
}

# Killed, and systemd waits with the next one, which keeps its descriptors, until restart_netnsd.
LATE=/run/systemd/system/netnsd.service.d
kill_netnsd_for_now() {
  mkdir -p $LATE
  printf '[Service]\nRestartSec=1h\n' >$LATE/late.conf
  assert_ok systemctl daemon-reload
  assert_ok systemctl kill -s KILL --kill-whom=main netnsd.service
  assert_soon_eq auto-restart property netnsd.service SubState
}

# Also of one that was stopped.
restart_netnsd() {
  if [ -e $LATE/late.conf ]; then
    rm -r $LATE
    assert_ok systemctl daemon-reload
  fi
  assert_ok systemctl restart netnsd.service
  assert_eq "$(property netnsd.service SubState)" running
}

is_another_daemon() { # PID
  local now
  now=$(daemon_pid)
  [ "$now" != 0 ] && [ "$now" != "$1" ] && [ "$(property netnsd.service SubState)" = running ]
}

# All files go, then the service; neither may have failed in between, nor a sanitizer have found something.
finish() {
  step "the end: nothing is left"
  rm -rf /etc/netnsd/*.netns /etc/netnsd/*.container /etc/netnsd/*.d /run/netnsd/transient/*
  assert_ok ctl apply
  assert_soon_eq "" ls /run/netns
  assert_soon_eq "" systemctl --plain --no-legend list-units 'netnsd-*.scope'
  assert_soon_eq "" machines
  assert_ok systemctl stop netnsd.service
  assert_eq "$(property netnsd.service Result)" success "how the service ended"
  if journal -u netnsd.service | grep -E 'Sanitizer|runtime error:'; then
    fail "a sanitizer has found something"
  fi
  rm -rf "${MACHINES:?}"/* "${SHARED:?}"/*
  echo "passed"
}
