#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Debian booted as a container: ready when its systemd says so, reached, rebooted and ended by machinectl,
# with a network that its networkd configures.
. "$(dirname "$0")/lib.sh" || exit 1

conf deb <<'X'
[Namespace]
[Veth eth0]
PeerName=ns-deb
PeerAddress=10.2.0.1/24
Address=10.2.0.2/24
X
cat >/run/sandbox/eth0.network <<'X'
[Match]
Name=eth0
[Network]
Address=10.2.0.9/24
LinkLocalAddressing=no
IPv6AcceptRA=no
X
cat >/etc/netnsd/deb.container <<X
[Container]
Directory=$DEBIAN
RootSizeMax=64M
[Exec]
Boot=yes
Ephemeral=yes
NotifyReady=yes
[Files]
BindReadOnly=/run/sandbox/eth0.network:/etc/systemd/network/eth0.network
[Service]
TimeoutStartSec=60
TimeoutStopSec=30
X
in_deb() { # COMMAND...: as a service in there
  systemd-run --quiet --machine=deb --pipe --wait --collect -- "$@" </dev/null
}
start_netnsd

step "S41, S69: start returns when the system inside is up"
assert_ok ctl start deb
assert_runs deb
assert_contains "running degraded" "$(systemctl --machine=deb is-system-running)"
scope=$(scope_of deb)
assert_eq "$(property "$scope" Slice)" machine.slice
cgroup=/sys/fs/cgroup$(property "$scope" ControlGroup)
[ -d "$cgroup/payload/init.scope" ] || fail "the systemd inside has not made its own cgroups: $(ls "$cgroup/payload")"
# S50: what the scope has of controllers, those inside have.
assert_eq "$(in_deb cat /sys/fs/cgroup/cgroup.controllers)" "$(cat "$cgroup/cgroup.controllers")" "controllers inside"
[ -z "$(find "$DEBIAN/etc/hostname" -newer /etc/netnsd/deb.container 2>/dev/null)" ] || fail "the tree was written to"

step "S66: machinectl shell, list, status, and its name is an address"
assert_contains "$(machinectl --no-pager --no-legend list)" "deb container systemd-nspawn debian"
out=$(script -q -e -c 'machinectl --quiet shell deb /bin/cat /etc/debian_version /proc/1/comm' /dev/null </dev/null) ||
  fail "machinectl shell failed: $out"
assert_contains "$out" systemd
assert_contains "$(machinectl --no-pager status deb)" "$scope"
assert_contains "$(getent ahosts deb)" 10.2.0.2
assert_contains "$(ctl shell deb cat /etc/debian_version 2>&1)" "$(cat "$DEBIAN/etc/debian_version")"

step "S79: networkd inside configures the link, and netnsd does not fight it"
in_deb systemctl start systemd-networkd.service || fail "networkd does not start"
networkd_state() { in_deb networkctl --no-pager --no-legend list eth0 | awk '{ print $5 }'; }
assert_soon_eq configured networkd_state
assert_soon_eq "10.2.0.2 10.2.0.9" eval "nsjson deb addr show eth0 | jq -r '[.[0].addr_info[] | select(.family == \"inet\") | .local] | sort | join(\" \")'"
assert_eq "$(state_of deb)" configured
assert_plan_empty

step "S46, S73: machinectl reboot: a new one, with a fresh root, in a new scope and the same namespace"
in_deb touch /marker
inode=$(ns_inode deb) index=$(ns_ifindex deb eth0) before=$(identity_of deb) invocation=$(property "$scope" InvocationID)
assert_ok machinectl reboot deb
wait_for 60 is_another_than "$before" deb || fail "there is no new one"
assert_soon_eq running cstate deb
assert_ne "$(property "$scope" InvocationID)" "$invocation" "the scope"
assert_eq "$(ns_inode deb) $(ns_ifindex deb eth0)" "$inode $index"
in_deb test ! -e /marker || fail "the root is not a fresh one"

step "machinectl poweroff"
assert_ok machinectl poweroff deb
wait_for 60 prints dead cstate deb || fail "it is $(cstate deb)"
assert_eq "$(cresult deb)" success
assert_gone deb

# SIGTERM for all of its processes at once makes a systemd inside hang until it is killed.
step "systemctl stop of the scope ends a booted one cleanly, also when another daemon has taken it over"
for restart in no yes; do
  assert_ok ctl start deb
  [ $restart = no ] || assert_ok systemctl restart netnsd.service
  assert_ok systemctl stop "$scope"
  assert_cstate deb dead success
  assert_gone deb
done
assert_soon journal_has "Reached target" SYSLOG_IDENTIFIER=netnsd/deb

step "netnsctl stop: its init gets the signal that an init understands"
assert_ok ctl start deb
assert_ok ctl stop deb
assert_eq "$(cresult deb)" success
assert_gone deb

finish
