#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# S68: a root that is an image, with and without a partition table: on Debian's kernel, whose loop devices and
# ext4 other test machines lack, and with a udevd, which nspawn wants for them. The oracles: losetup, and
# debugfs, e2fsck and cksum, which read the image itself.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/../../integration/lib_container.sh" || exit 1
. "$(dirname "$0")/lib_image.sh" || exit 1
sandbox "$@"
machine_cgroup
# shellcheck disable=SC2034
DAEMON_CGROUP=/sys/fs/cgroup/netnsd
LEAK_HOOKS+=(container_leaks loops)
REPORT_HOOKS+=(container_report loops)
# Not container_sandbox of lib_container.sh: to compile its payload.c takes too long here.
mkdir -p "$MACHINES" "$SHARED"

start_udev() {
  # In a cgroup of its own, as it kills whatever else is in it when PID 1 started it.
  mkdir -p /sys/fs/cgroup/udev
  # shellcheck disable=SC2016
  "$BASH" -c 'echo $$ >/sys/fs/cgroup/udev/cgroup.procs && exec /lib/systemd/systemd-udevd' &
  UDEV=$!
  wait_for 30 udevadm control --ping || fail "udevd does not run"
}
stop_udev() {
  udevadm control --exit || fail "udevd cannot be stopped"
  wait $UDEV
}

make_images "$MACHINES"
truncate -s 1M "$MACHINES/zeros.raw"
conf box <<<'[Namespace]'
image_conf bare bare.raw Service.Restart=always Service.RestartSec=100ms
image_conf zeros zeros.raw
image_conf none none.raw

step "without udev nspawn refuses, and says so"
start_daemon
assert_status 1 ctl start zeros
assert_contains "$OUTPUT" "netnsctl log zeros"
assert_contains "$(ctl log zeros)" "we need access to udev"
assert_nothing_of zeros
start_udev

step "what is no image, and what is not there"
assert_status 1 ctl start zeros
assert_contains "$(ctl log zeros)" "Couldn't identify a suitable partition table or file system"
assert_nothing_of zeros
assert_status 1 ctl start none
assert_contains "$OUTPUT" "Image=$MACHINES/none.raw: No such file or directory"
assert_nothing_of none
assert_soon no_loops

step "a file system: it starts, its root is the image"
assert_ok ctl start bare
await_said bare "of the image" "runs: run" "root: ext4"
holds 1 bare.raw || fail "$(loops)"
assert_eq "$(inside bare cat /marker)" "of the image"
assert_contains "$(ctl status bare.container)" "$MACHINES/bare.raw"

step "nobody else gets it meanwhile"
image_conf second bare.raw
assert_ok ctl reload
assert_status 1 ctl start second
assert_contains "$(ctl log second)" "currently busy"
assert_nothing_of second

step "nspawn is killed: another run, one loop device"
assert_run_after_kill bare "runs: run run" 1 bare.raw

step "the daemon is killed: the run goes on"
before=$(identity_of bare)
kill_daemon
start_daemon
assert_eq "$(identity_of bare)" "$before"
holds 1 bare.raw || fail "$(loops)"

step "its end: the image is whole, and has what was written"
assert_ok ctl stop bare
assert_nothing_of bare
assert_soon no_loops
assert_ok e2fsck -f -n "$MACHINES/bare.raw"
assert_eq "$(debugfs -R "cat /runs" "$MACHINES/bare.raw" 2>/dev/null | xargs)" "run run"

step "a partition: two of one image with Ephemeral=yes, and a block device with ReadOnly=yes; it stays as it is"
before=$(cksum <"$MACHINES/gpt.raw")
device=$(losetup --find --show --partscan "$MACHINES/gpt.raw") || fail "no loop device"
image_conf e1 gpt.raw Exec.Ephemeral=yes
image_conf e2 gpt.raw Exec.Ephemeral=yes Service.DevicePolicy=closed
image_conf block gpt.raw Files.ReadOnly=yes
sed -i "s|^Image=.*|Image=$device|" /etc/netnsd/block.container
assert_ok ctl reload
# One after the other: udev that systemd did not start listens with a backlog of 0, and nspawn is told EAGAIN.
for name in e1 e2 block; do
  assert_ok ctl start $name
done
await_said e1 "of the image" "runs: run" "root: overlay"
await_said e2 "of the image" "runs: run" "root: overlay"
await_said block "of the image" "no write" "root: ext4"
holds 3 gpt.raw || fail "$(loops)"

step "S52: what nspawn needs of devices, the payload does not get"
await_said e1 "loop: open"
await_said e2 "loop: refused"

step "nspawn is killed, and others go on with the image"
kill -KILL "$(nspawn_of e1)"
assert_nothing_of e1
wait_for 15 holds 2 gpt.raw || fail "$(loops)"
assert_eq "$(inside e2 cat /marker)" "of the image"
assert_ok ctl stop e2 block
assert_ok losetup --detach "$device"
assert_soon no_loops
assert_eq "$(cksum <"$MACHINES/gpt.raw")" "$before" "the image"

stop_udev
finish
