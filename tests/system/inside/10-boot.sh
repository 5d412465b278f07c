#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What ../lib_system.sh has put there before the machine was booted is up without anybody's doing: the service
# before the network, and its containers, though the bus that makes their scopes comes later.
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck disable=SC2034
STARTED_AT=2000-01-01 # since the boot, for lib.sh

monotonic() { # UNIT PROPERTY
  property "$1" "$2TimestampMonotonic"
}
began_of() { # NAME: when its payload did, microseconds since the boot of the kernel
  echo $(($(awk '$1 == "at" { at = $2 } END { print at }' "/proc/$(leader_of "$1")/root/log") * 1000))
}

step "S13, S32: the service is ready before the network, and nothing had to be left out of the boot"
assert_eq "$(property netnsd.service SubState)" running
ready=$(monotonic netnsd.service ActiveEnter)
[ "$ready" -gt 0 ] || fail "netnsd.service never became active"
[ "$ready" -le "$(monotonic network-pre.target ActiveEnter)" ] || fail "netnsd.service came after network-pre.target"
if journal -b | grep -i 'ordering cycle'; then fail "there is an ordering cycle"; fi
is_nsfs atboot || fail "there is no namespace atboot"

step "S13: seen from other units: one behind network-pre.target, one that lives in the namespace, netns@ and its container"
# cloud-init 22.4 has another name for it than 25.1.
cloud="cloud-init.service"
[ -e /etc/systemd/system/$cloud ] || cloud="cloud-init-network.service"
for unit in early.service in-atboot.service cloud-init-local.service $cloud networking.service netns@atboot.service netns-container@atboot-unit.service; do
  is_unit "$unit" || fail "$unit is $(property "$unit" ActiveState): $(systemctl --no-pager status "$unit")"
done
assert_eq "$(cat /run/early)" nsfs
assert_eq "$(cat /run/in-atboot)" "$(ns_inode atboot)"
[ "$(monotonic netns@atboot.service ActiveEnter)" -le "$(monotonic network-pre.target ActiveEnter)" ] ||
  fail "netns@atboot.service came after network-pre.target"
# It comes after networking.service, and that after network-pre.target, as we come before it.
[ "$ready" -lt "$(monotonic "$cloud" ActiveEnter)" ] || fail "$cloud did not wait"
assert_eq "$(netns_of "$(leader_of atboot-unit)")" "$(ns_inode atboot)"

step "S34: AutoStart= in two phases: at once, and after the network"
assert_soon_eq running cstate atboot
assert_soon_eq running cstate atboot-network
is_unit netnsd-atboot.scope || fail "it is no scope"
assert_eq "$(machines)" "atboot atboot-network atboot-unit"
network=$(monotonic network.target ActiveEnter)
[ "$(began_of atboot-network)" -ge "$network" ] || fail "it did not wait for network.target"
[ "$(began_of atboot)" -lt "$network" ] || echo "the one that does not wait began after network.target"
assert_eq "$(netns_of "$(leader_of atboot)") $(netns_of "$(leader_of atboot-network)")" "$(ns_inode atboot) $(ns_inode atboot)" # S4

assert_ok systemctl stop netns-container@atboot-unit.service netns@atboot.service
assert_ok systemctl disable --quiet netns-container@atboot-unit.service netns@atboot.service
assert_gone atboot-unit
rm -r /etc/netnsd/atboot*
assert_ok ctl apply
assert_gone atboot
assert_gone atboot-network
finish
