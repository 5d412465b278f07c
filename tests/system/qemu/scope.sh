#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# S52, S68 where systemd is PID 1: a container whose root is a disk image runs in a scope, with what its DevicePolicy=
# allows, goes on without its daemon, and lets its loop device go. The oracles: losetup, systemd, machined, the payload.
. "$(dirname "$0")/../inside/lib.sh" || exit 1
. "$(dirname "$0")/lib_image.sh" || exit 1

step "$(systemctl --version | head -n 1), $(uname -r), at $(cut -d ' ' -f 1 /proc/uptime) s"
cp /srv/images/*.raw "$MACHINES/"
conf box <<<'[Namespace]'
image_conf bare bare.raw Service.Restart=always Service.RestartSec=100ms
image_conf closed gpt.raw Exec.Ephemeral=yes Service.DevicePolicy=closed
image_conf none none.raw
start_netnsd

step "a file system: it starts, in a scope, and machined knows it"
assert_ok ctl start bare
await_said bare "of the image" "runs: run" "root: ext4" "loop: open"
holds 1 bare.raw || fail "$(loops)"
assert_soon is_unit netnsd-bare.scope
assert_eq "$(machine_of bare)" bare
grep -qx "$(leader_of bare)" <<<"$(cgroup_pids bare)" || fail "its init is not in its scope"

step "S52: what nspawn needs of devices, the payload does not get"
assert_ok ctl start closed
await_said closed "of the image" "root: overlay" "loop: refused"

step "an image that is not there"
assert_status 1 ctl start none
assert_contains "$OUTPUT" "Image=$MACHINES/none.raw: No such file or directory"
assert_gone none

step "nspawn is killed: another run, one loop device"
assert_run_after_kill bare "runs: run run" 1 bare.raw 1 gpt.raw

step "the daemon is killed, and is stopped: the runs go on"
before="$(identity_of bare) $(identity_of closed)"
kill_netnsd
assert_eq "$(identity_of bare) $(identity_of closed)" "$before"
assert_ok systemctl stop netnsd.service
assert_ok systemctl start netnsd.service
assert_eq "$(identity_of bare) $(identity_of closed)" "$before"
holds 1 bare.raw 1 gpt.raw || fail "$(loops)"

step "machinectl terminate, and a stop: no loop device is left"
assert_ok machinectl terminate closed
assert_cstate closed dead success
assert_gone closed
assert_ok ctl stop bare
assert_gone bare
assert_soon no_loops
assert_ok ctl start bare
await_said bare "runs: run run run"

finish
assert_soon no_loops
