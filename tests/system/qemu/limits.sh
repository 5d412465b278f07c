#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# MemoryMax=, TasksMax=, CPUQuota= and DevicePolicy= of a container, on Debian's kernel with cgroup v2 alone:
# in force, for the payload, and for nobody else. Where test machines leave these controllers to v1 that
# cannot be seen. The whole of containers is in integration/container-*.sh.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_image.sh" || exit 1
sandbox "$@"
machine_cgroup
root=$SANDBOX/root
busybox_root "$root"

# What is refused to the container is so by DevicePolicy=, not for want of a capability.
echo 0 >/proc/sys/kernel/dmesg_restrict
capsh --drop=cap_syslog -- -c 'head -c 0 /dev/kmsg' || fail "/dev/kmsg cannot be opened anyway"

conf box <<<'[Namespace]'
# The memory is a buffer of dd's: what is in files nobody gives back by being killed.
cat >"$root/payload" <<'X'
echo begin >/shared/log
dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null && echo "8 MiB: ok" >>/shared/log
dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null || echo "64 MiB: status $?" >>/shared/log
echo alive >>/shared/log
mknod /dev/kmsg2 c 1 11 # /tmp has no devices
{ head -c 0 </dev/kmsg2; } 2>/dev/null || echo "kmsg: refused" >>/shared/log
mknod /dev/zero2 c 1 5
head -c 1 /dev/zero2 >/dev/null && echo "zero: ok" >>/shared/log
# This shell ends when it cannot fork.
(
  n=0
  while [ $n -lt 40 ]; do
    sleep 1000 &
    n=$((n + 1))
  done
) 2>/dev/null
echo "forked" >>/shared/log
exec sleep 1000
X
cat >/etc/netnsd/box.container <<X
[Container]
Directory=$root
[Exec]
Parameters=/bin/sh /payload
[Files]
Bind=$SANDBOX/shared:/shared
[Service]
MemoryMax=32M
TasksMax=24
CPUQuota=40%
DevicePolicy=closed
TimeoutStartSec=120
TimeoutStopSec=1
X
mkdir "$SANDBOX/shared"
said() {
  grep -qx "$1" "$SANDBOX/shared/log"
}
cgroup_file() { # NAME
  cat "/sys/fs/cgroup/netnsd/containers/box/$1"
}
event() { # FILE NAME
  cgroup_file "$1" | sed -n "s/^$2 //p"
}
some() { # FILE NAME: more than none
  [ "$(event "$1" "$2")" -gt 0 ]
}

step "the limits are in the container's cgroup, with its controllers handed on"
start_daemon
assert_ok ctl start box
assert_eq "$(cgroup_file memory.max) $(cgroup_file pids.max) $(cgroup_file cpu.max)" "33554432 24 40000 100000"
assert_contains "$(cat /sys/fs/cgroup/netnsd/containers/box/payload/cgroup.controllers)" memory
assert_eq "$(cat /sys/fs/cgroup/netnsd/memory.max 2>/dev/null || echo max)" max "memory of the daemon"
assert_lacks "$(daemon_log)" "not in force"

step "what needs more memory is killed, and only that"
wait_for 60 said "64 MiB: status 137" || fail "the payload says: $(cat "$SANDBOX/shared/log")"
said "8 MiB: ok" || fail "what is allowed was not to be had"
wait_for 30 said alive || fail "the payload says: $(cat "$SANDBOX/shared/log")"
some memory.events oom_kill || fail "nothing was killed: $(cgroup_file memory.events)"

step "devices"
wait_for 30 said "zero: ok" || fail "the payload says: $(cat "$SANDBOX/shared/log")"
said "kmsg: refused" || fail "DevicePolicy=closed lets /dev/kmsg through"

step "processes"
wait_for 60 said forked || fail "the payload says: $(cat "$SANDBOX/shared/log")"
now=$(cgroup_file pids.current) # it wanted 40 and more
{ [ "$now" -le 24 ] && [ "$now" -gt 12 ]; } || fail "it has $now processes"

step "the end"
assert_ok ctl stop box
assert_soon test ! -e /sys/fs/cgroup/netnsd/containers/box
finish
