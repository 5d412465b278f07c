#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The service: the unit is sound and starts before the network, names are seen by all of the machine, other
# units join a namespace by its name, and a stop or a kill leaves what is there.
. "$(dirname "$0")/lib.sh" || exit 1

step "the unit"
assert_eq "$(systemd-analyze verify --man=no netnsd.service 2>&1)" ""
assert_eq "$(property netnsd.service DefaultDependencies)" no
# S13, S32
before=" $(property netnsd.service Before) "
assert_contains "$before" " network-pre.target "
assert_contains "$before" " shutdown.target "
# A1: nothing in it gives it a mount namespace of its own.
assert_eq "$(property netnsd.service PrivateMounts)" no

step "started, it is ready when the namespaces are"
mkdir -p /etc/netnsd
conf one <<'X'
[Namespace]
Description=The first
[Veth eth0]
PeerName=ns-one
PeerAddress=10.1.0.1/24
Address=10.1.0.2/24
X
start_netnsd
pid=$(property netnsd.service MainPID)
assert_eq "$(readlink "/proc/$pid/ns/mnt")" "$(readlink /proc/1/ns/mnt)" "mount namespace of the daemon"
is_nsfs one || fail "/run/netns/one is not a namespace"
assert_json '[.[0].addr_info[] | select(.family == "inet") | .local] | join(" ")' 10.1.0.2 nsjson one addr show eth0
assert_contains "$(property netnsd.service StatusText)" "1 configured"
assert_eq "$(state_of one)" configured

step "other units see the name, and join"
assert_eq "$(systemd-run --quiet --pipe --wait stat -L -c %i /run/netns/one)" "$(ns_inode one)"
assert_eq "$(systemd-run --quiet --pipe --wait -p NetworkNamespacePath=/run/netns/one stat -L -c %i /proc/self/ns/net)" \
  "$(ns_inode one)" # S19

step "what it says is in the journal"
assert_soon_eq 1 eval "journalctl --no-pager -u netnsd.service -o json | jq -r 'select(._PID == \"$pid\") | .SYSLOG_IDENTIFIER' | sort -u | wc -l"

step "reload, restart, kill: the namespace stays"
inode=$(ns_inode one) index=$(ns_ifindex one eth0)
conf two <<<'[Namespace]'
assert_ok systemctl reload netnsd.service
assert_soon is_nsfs two
assert_ok systemctl restart netnsd.service
assert_eq "$(ns_inode one) $(ns_ifindex one eth0)" "$inode $index" "after a restart"
old=$(property netnsd.service MainPID)
kill -KILL "$old"
new_pid() { local p; p=$(property netnsd.service MainPID); [ "$p" != 0 ] && [ "$p" != "$old" ] && [ "$(property netnsd.service SubState)" = running ]; }
assert_soon new_pid
assert_eq "$(ns_inode one) $(ns_ifindex one eth0)" "$inode $index" "after a kill"
assert_eq "$(state_of one)" configured

step "a drop-in that implies a mount namespace is refused, with the reason"
mkdir /run/systemd/system/netnsd.service.d
printf '[Service]\nPrivateTmp=yes\nRestart=no\n' >/run/systemd/system/netnsd.service.d/private.conf
systemctl daemon-reload
assert_status 1 systemctl restart netnsd.service
assert_contains "$(journalctl --no-pager -u netnsd.service -n 20 -o cat)" "mount namespace"
rm -r /run/systemd/system/netnsd.service.d
systemctl daemon-reload
systemctl reset-failed netnsd.service
start_netnsd

finish
