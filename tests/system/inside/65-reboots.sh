#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A storm of reboots inside: thirty times a new payload in a new scope, and nothing is left of the ones before.
. "$(dirname "$0")/lib.sh" || exit 1

TIMES=30

# Reboots until its log says that it has begun often enough.
script="[ \$(grep -c '^begin 1\$' /shared/log) -gt $TIMES ]"
cat >/run/sandbox/reboots <<X
#!/bin/sh
$script && exec /payload log /shared/last lock /shared/lock sleep
exec /payload log /shared/log lock /shared/lock fork 2 reboot
X
chmod 755 /run/sandbox/reboots
payload_conf storm "" Service.StartLimitIntervalSec=0 Service.RestartSec=0 "Exec.Parameters=/bin/sh /reboots" \
  "Files.BindReadOnly=/run/sandbox/reboots:/reboots"
: >"$SHARED/storm/log"
start_netnsd
settled() {
  grep -qs 'begin 1' "$SHARED/storm/last"
}
held() { # of the daemon
  local dir
  dir=/proc/$(daemon_pid)/fd
  set -- "$dir"/*
  echo $#
}
step "reboots"
assert_ok ctl up storm
inode=$(ns_inode storm)
fds=$(held)
ctl start storm >/dev/null 2>&1
wait_for 100 settled || fail "it reboots still, or not at all: $(begins_of storm) times so far"
assert_eq "$(begins_of storm)" $((TIMES + 1))
assert_soon_eq running cstate storm
assert_runs storm
assert_eq "$(log_of storm | grep -c 'locked already')" 0 "two of them at a time"
assert_eq "$(ns_inode storm) $(netns_of "$(leader_of storm)")" "$inode $inode"
assert_eq "$(cshow storm .runtime.totalRestarts)" $((TIMES + 1))
assert_eq "$(systemctl --plain --no-legend list-units --all 'netnsd-*.scope' | wc -l)" 1
assert_eq "$(machines)" storm
assert_eq "$(property netnsd.service NFileDescriptorStore)" 2
assert_eq "$(cgroup_pids storm | wc -l)" 2 "processes of it"
assert_ok ctl stop storm
assert_gone storm
wait_for 60 eval "[ \$(held) -le $((fds + 2)) ]" || fail "the daemon held $fds descriptors, and holds $(held)"
finish
