#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine that is not as it should be: a private mount namespace, missing capabilities, a second daemon,
# a full or read-only /run, names in /run/netns that are anything but namespaces, a bad netnsd.conf.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_program capsh

conf one <<'X'
[Veth eth0]
Address=10.0.1.2/24
X
conf two <<<'[Namespace]'

step "a mount namespace that is not PID 1's: refused, with what to do"
cat >"$SANDBOX/private" <<X
#!/bin/sh
exec unshare -m "$NETNSD" "\$@"
X
chmod +x "$SANDBOX/private"
NETNSD=$SANDBOX/private start_daemon_refused
assert_ne "$STATUS" 0
assert_contains "$(daemon_log)" "mount namespace"
[ ! -e /run/netns ] || fail "/run/netns was made all the same"

step "without CAP_NET_ADMIN: refused, by name"
cat >"$SANDBOX/weak" <<X
#!/bin/sh
exec capsh --drop=cap_net_admin -- -c '"\$0" "\$@"' "$NETNSD" "\$@"
X
chmod +x "$SANDBOX/weak"
NETNSD=$SANDBOX/weak start_daemon_refused
assert_ne "$STATUS" 0
assert_contains "$(daemon_log)" cap_net_admin
[ ! -e /run/netns ] || fail "/run/netns was made all the same"

step "names that are directories, links, files and other mounts are refused, and left"
mkdir -p /run/netns/one
mkdir /etc/netnsd/netnsd.conf.d
printf '%s\n' '[Manager]' 'Workers=many' >/etc/netnsd/netnsd.conf.d/bad.conf
start_daemon
assert_contains "$(daemon_log)" "netnsd.conf.d/bad.conf:2"
assert_eq "$(state_of one)" failed
assert_contains "$(ctl status --full one)" "/run/netns/one"
assert_eq "$(state_of two)" configured
[ -d /run/netns/one ] || fail "the directory is gone"
rmdir /run/netns/one
ln -s /etc/passwd /run/netns/one
assert_status 1 ctl up one
[ -L /run/netns/one ] || fail "the link is gone"
rm /run/netns/one
echo content >/run/netns/one
assert_status 1 ctl up one
assert_eq "$(cat /run/netns/one)" content
: >/run/netns/one
mount --bind /proc/self/ns/uts /run/netns/one
assert_status 1 ctl up one
umount /run/netns/one
rm /run/netns/one
host_json link show ns-one >/dev/null 2>&1 && fail "a host end was made"
assert_ok ctl up one

step "a second daemon is refused while the first goes on"
"$NETNSD" >"$SANDBOX/second.log" 2>&1 && fail "a second daemon started"
assert_contains "$(cat "$SANDBOX/second.log")" "another netnsd"
assert_eq "$(state_of one)" configured

step "a read-only /run: nothing is left half done"
mount --bind /run/netns /run/netns
mount -o remount,bind,ro /run/netns
assert_status 1 ctl add three 'Veth eth0.Address=10.0.3.2/24'
assert_contains "$OUTPUT" "ead-only"
host_json link show ns-three >/dev/null 2>&1 && fail "a host end was left"
umount -l /run/netns # the daemon put the names that were hidden into it
assert_soon_eq configured state_of two
assert_status 0 ctl add three 'Veth eth0.Address=10.0.3.2/24'
assert_ok ctl del three

step "a full /run: said, and mended once there is room"
size=$(df --output=used -k /run | tail -1)
mount -o "remount,size=$((size + 64))k" /run
head -c 10M /dev/zero >/run/filler 2>/dev/null
out=$(ctl add four 'Veth eth0.Address=10.0.4.2/24' 2>&1) && fail "a full /run was not noticed: $out"
assert_contains "$out" "space"
mount -o remount,size=1g /run
rm /run/filler
assert_ok ctl add four 'Veth eth0.Address=10.0.4.2/24'
assert_eq "$(state_of four)" configured
assert_ok ctl del four
assert_plan_empty
rm -r /etc/netnsd/netnsd.conf.d
finish
