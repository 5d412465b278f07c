#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# S52: DevicePolicy= and DeviceAllow= of a container whose scope is systemd's.
. "$(dirname "$0")/lib.sh" || exit 1

open_tun='mknod /root/tun c 10 200 && head -c 0 </root/tun'
systemd-run --quiet --wait sh -c "$open_tun" || skip "this machine has no /dev/net/tun"
rm -f /root/tun
systemd-run --quiet --wait -p DevicePolicy=closed sh -c "$open_tun" &&
  skip "the systemd of this sandbox lets all devices through in spite of DevicePolicy=closed"

conf one <<<'[Namespace]'
start_netnsd
devices() { # STATUS OF THE PAYLOAD'S SHELL, KEYS...
  local status=$1
  shift
  payload_conf one 'log /shared/log sh "mknod /dev/tun2 c 10 200; head -c 0 </dev/tun2" sleep' \
    Service.StartLimitIntervalSec=0 "$@"
  assert_ok ctl apply
  forget_log one
  assert_ok ctl restart one
  await_log one "sh $status"
}
devices 0
devices 1 Service.DevicePolicy=closed
devices 0 Service.DevicePolicy=closed Service.DeviceAllow='/dev/net/tun rwm'
assert_eq "$(property "$(scope_of one)" DevicePolicy)" closed
finish
