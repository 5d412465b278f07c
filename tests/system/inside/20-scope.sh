#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A container is a scope of systemd's and a machine of machined's: seen, stopped and ended by their tools as
# if they were netnsd's own. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1

conf one <<'X'
[Namespace]
[Veth eth0]
PeerName=ns-one
PeerAddress=10.1.0.1/24
Address=10.1.0.2/24
X
long=$(printf 'x%.0s' {1..8000})
payload_conf one "log /shared/log lock /shared/lock say hello-from-one say $long sleep" \
  Container.Description='The first container' Service.StartLimitIntervalSec=0 Service.Slice=machine-tests.slice \
  Service.MemoryMax=64M Service.TasksMax=50 Service.CPUQuota=50%
start_netnsd

step "S50: started, it is a scope with all that was asked"
assert_ok ctl start one
assert_runs one
scope=$(scope_of one) leader=$(leader_of one) nspawn=$(nspawn_of one)
is_unit "$scope" || fail "$scope is not active"
assert_eq "$(property "$scope" Slice)" machine-tests.slice
assert_eq "$(property "$scope" Description)" "The first container"
assert_eq "$(property "$scope" Delegate)" yes
assert_eq "$(property "$scope" KillMode)" control-group
assert_eq "$(property "$scope" MemoryMax) $(property "$scope" TasksMax) $(property "$scope" CPUQuotaPerSecUSec)" "67108864 50 500ms"
cgroup=$(property "$scope" ControlGroup)
assert_contains "$cgroup" "/machine-tests.slice/$scope"
assert_eq "$(cgroup_of "$nspawn") $(cgroup_of "$leader")" "/sys/fs/cgroup$cgroup/supervisor /sys/fs/cgroup$cgroup/payload"
assert_eq "$(cshow one .runtime.cgroup)" "/sys/fs/cgroup$cgroup"
assert_contains "$(systemctl --no-pager status "$scope")" "payload log /shared/log"
for controller in memory:memory.max:67108864 pids:pids.max:50 cpu:cpu.max:'50000 100000'; do
  IFS=: read -r name file value <<<"$controller"
  if grep -qw "$name" "/sys/fs/cgroup$cgroup/cgroup.controllers"; then
    assert_eq "$(cat "/sys/fs/cgroup$cgroup/$file")" "$value" "$file"
  else
    echo "this kernel's v2 hierarchy has no controller $name: its limit is shown by system/qemu"
  fi
done
assert_eq "$(netns_of "$leader")" "$(ns_inode one)"

step "S66: a machine, as machined knows it"
assert_eq "$(machines)" one
assert_eq "$(machinectl show one --value -p Leader)" "$leader"
assert_eq "$(machinectl show one --value -p Unit)" "$scope"
assert_contains "$(machinectl --no-pager status one)" "$scope"

step "S40: its console is in the journal, as its own and whole, and netnsctl shows it"
assert_soon journal_has hello-from-one SYSLOG_IDENTIFIER=netnsd/one
assert_soon journal_has "$long" SYSLOG_IDENTIFIER=netnsd/one
assert_eq "$(journal -o json SYSLOG_IDENTIFIER=netnsd/one | jq -r 'select(.MESSAGE == "hello-from-one") | ._SYSTEMD_UNIT')" "$scope"
assert_contains "$(ctl log one)" hello-from-one
assert_soon journal_has running CONTAINER=one NETNS=one _SYSTEMD_UNIT=netnsd.service

step "systemctl stop of the scope is a clean stop, and netnsd knows"
assert_ok systemctl stop "$scope"
assert_cstate one dead success
await_log one "signal SIGTERM"
assert_gone one

step "machinectl terminate as well"
forget_log one
assert_ok ctl start one
await_log one locked
assert_ok machinectl terminate one
assert_cstate one dead success
assert_gone one

step "netnsctl stop leaves neither scope nor machine; --all is all"
assert_ok ctl start one
assert_ok ctl stop one
assert_gone one
assert_ok ctl stop --all # nothing to do
assert_ok ctl start one
assert_ok ctl stop --all
assert_cstate one dead success
assert_gone one
assert_status 2 ctl stop
assert_status 2 ctl stop --all one

step "a start right after a stop, ten times: neither unit nor machine is in the way (A12)"
forget_log one
for i in {1..10}; do
  assert_ok ctl restart one
  await_log one locked "$i" # a payload that has only just begun is deaf to SIGTERM
done
assert_runs one
assert_eq "$(log_of one | grep -c 'locked already')" 0 "two of them at a time"
assert_ok ctl stop one

step "S46: a reboot inside is a new payload in a new scope, in the same namespace"
payload_conf one "log /shared/log lock /shared/lock first /shared/once await /shared/go reboot -- sleep" Service.StartLimitIntervalSec=0
assert_ok ctl apply
forget_log one
inode=$(ns_inode one) index=$(ns_ifindex one eth0)
assert_ok ctl start one
before=$(identity_of one) invocation=$(property "$scope" InvocationID)
: >"$SHARED/one/go"
wait_for 60 is_another_than "$before" one || fail "there is no new one"
assert_cstate one running
assert_ne "$(property "$scope" InvocationID)" "$invocation" "the scope"
assert_eq "$(ns_inode one) $(ns_ifindex one eth0)" "$inode $index"
assert_eq "$(netns_of "$(leader_of one)")" "$inode" "the namespace of the new one"
assert_eq "$(machinectl show one --value -p Leader)" "$(leader_of one)"
assert_eq "$(begins_of one)" 2
assert_eq "$(log_of one | grep -c 'locked already')" 0 "two of them at a time"
assert_ok ctl stop one

finish
