# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts in this directory source first: assertions of the integration tests, for a machine that
# systemd runs and netnsd is installed on. They run one after the other, by number, and leave nothing behind.
. "$(dirname "${BASH_SOURCE[0]}")/../../integration/lib.sh" || exit 1

NETNSD=$(command -v netnsd)
NETNSCTL=$(command -v netnsctl)
INSIDE_SINCE=$(date '+%Y-%m-%d %H:%M:%S')
trap inside_exit EXIT

inside_exit() {
  local status=$?
  trap - EXIT
  [ $status = 0 ] || [ $status = 77 ] || inside_report
  exit $status
}

inside_report() {
  exec >&2
  echo "=== units"
  systemctl --no-pager --no-legend --plain list-units 'netnsd*' 'machine*'
  systemctl --no-pager status netnsd.service
  echo "=== journal"
  journalctl --no-pager --since "$INSIDE_SINCE" -o short-monotonic | tail -n 80
}

container() { # NAME: /etc/netnsd/NAME.container from standard input
  cat >"/etc/netnsd/$1.container"
}

property() { # UNIT PROPERTY
  systemctl show --value -p "$2" "$1"
}

# The daemon says READY=1 when it is done.
start_netnsd() {
  assert_ok systemctl start netnsd.service
  assert_eq "$(property netnsd.service SubState)" running
}

# All files go, then the service; neither may have failed in between, nor a sanitizer have found something.
finish() {
  step "the end: nothing is left"
  rm -rf /etc/netnsd/*.netns /etc/netnsd/*.container /etc/netnsd/*.d /run/netnsd/transient/*
  assert_ok netnsctl apply
  assert_soon_eq "" ls /run/netns
  assert_eq "$(systemctl --plain --no-legend list-units 'netnsd-*.scope')" ""
  assert_ok systemctl stop netnsd.service
  assert_eq "$(property netnsd.service Result)" success "how the service ended"
  if journalctl --no-pager --since "$INSIDE_SINCE" -u netnsd.service | grep -E 'Sanitizer|runtime error:'; then
    fail "a sanitizer has found something"
  fi
  echo "passed"
}
