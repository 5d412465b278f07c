#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The cgroup of a container: its own, delegated, with limits where this machine's cgroups have the controllers
# and a warning that names them where not; devices. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

# Of /dev/net/tun, which is there without any module on most kernels.
# shellcheck disable=SC2016
DEVICES='sh "mknod /dev/probe c 10 200" sh "exec 3</dev/probe" sh "busybox tunctl -t $(hostname)" sh "head -c 1 /dev/zero >/dev/null" sleep'
payload_conf limited "log /shared/log sh \"mkdir /sys/fs/cgroup/inner\" fork 2 sleep" Service.MemoryMax=64M Service.TasksMax=50 \
  Service.CPUQuota=50% Container.Namespace=pod
payload_conf free "log /shared/log $DEVICES" Container.Namespace=pod
payload_conf closed "log /shared/log $DEVICES" Service.DevicePolicy=closed Container.Namespace=pod
payload_conf allowed "log /shared/log $DEVICES" Service.DevicePolicy=closed "Service.DeviceAllow=/dev/net/tun rwm" Container.Namespace=pod
conf pod <<<"[Namespace]"
start_daemon

step "S50: daemon, nspawn and payload are in cgroups of their own"
assert_ok ctl start limited
await_log limited "forked 2"
BASE=$DAEMON_CGROUP/containers/limited
# Where there are controllers to hand on, the daemon is in a leaf.
CONTROLLERS=$(cat "$DAEMON_CGROUP/cgroup.subtree_control")
assert_eq "$(cgroup_of "$DAEMON_PID")" "$DAEMON_CGROUP${CONTROLLERS:+/daemon}"
assert_eq "$(cgroup_of "$(nspawn_of limited)")" "$BASE/supervisor"
assert_eq "$(cgroup_of "$(leader_of limited)")" "$BASE/payload"
assert_eq "$(cat "$BASE/cgroup.procs" "$DAEMON_CGROUP/containers/cgroup.procs")" "" "processes in inner cgroups"
assert_eq "$(cgroup_pids limited | wc -l)" 4

step "S50: the payload has its cgroup to itself: it sees no other, and may make some in it"
log_has limited "sh 0" || fail "no cgroup can be made inside"
[ -d "$BASE/payload/inner" ] || fail "what was made inside is not below its cgroup"
assert_eq "$(inside limited cat /proc/1/cgroup | sed -n 's/^0:://p')" /

step "S50: limits: in force where there is a controller, else told"
while read -r controller file value; do
  if grep -q -w "$controller" "$DAEMON_CGROUP/cgroup.controllers"; then
    assert_eq "$(cat "$BASE/$file")" "$value" "$file"
  else
    echo "no controller $controller here"
    grep "^limited.container: limits are not in force" "$SANDBOX/daemon.log" | grep -q -w "$controller" ||
      fail "nothing is said of the missing controller $controller"
  fi
done <<'LIST'
memory memory.max 67108864
pids pids.max 50
cpu cpu.max 50000 100000
LIST

step "S52: DevicePolicy=closed: a device can be neither made nor opened, those that all have can"
devices_of() { # NAME: whether it could make one, open it, make an interface by it, and open /dev/zero
  log_of "$1" | sed -n 's/^sh //p' | tr '\n' ' '
}
assert_ok ctl start free
assert_soon_eq 4 eval "devices_of free | wc -w"
if [ ! -c /dev/net/tun ] || [ "$(devices_of free)" != "0 0 0 0 " ]; then
  echo "/dev/net/tun cannot be used here, $(devices_of free): left out"
elif ! ctl start closed 2>"$SANDBOX/closed.err"; then
  assert_contains "$(cat "$SANDBOX/closed.err")" Device
  echo "this kernel has no BPF for devices: $(cat "$SANDBOX/closed.err")"
else
  assert_soon_eq "1 1 1 0 " devices_of closed
  assert_ok ctl start allowed
  assert_soon_eq "0 0 0 0 " devices_of allowed
fi

step "nothing of the cgroups stays, not even what was made inside"
assert_ok ctl stop limited free closed allowed
for name in limited free closed allowed; do
  assert_nothing_of $name
done
assert_eq "$(find "$DAEMON_CGROUP/containers" -mindepth 1 -type d)" "" "cgroups of containers"

finish
