#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# iproute2 works on our names, and we beside iproute2: list, exec, identify, pids, del; its lock; its
# mounts.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

step "both make names at the same time, for the first time"
for i in {1..20}; do
  conf "ours-$i" <<<'[Namespace]'
done
launch_daemon
for i in {1..20}; do
  ip netns add "theirs-$i" &
  adds[i]=$!
  foreign "theirs-$i"
done
read -r -t 60 line <&"$NOTIFY_FD"
assert_eq "$line" ready
for i in {1..20}; do
  wait "${adds[i]}" || fail "ip netns add theirs-$i failed"
done
for i in {1..20}; do
  for name in "ours-$i" "theirs-$i"; do
    is_nsfs "$name" || fail "$name is not a namespace"
    assert_eq "$(grep -c " /run/netns/$name " /proc/self/mountinfo)" 1 "mounts on $name"
  done
done
assert_eq "$(grep -c ' /run/netns ' /proc/self/mountinfo)" 1 "mounts on /run/netns"
for i in {1..20}; do
  assert_eq "$(nsid_of "theirs-$i")" "" "a number for what is not ours"
  ip netns del "theirs-$i"
  assert_eq "$(state_of "theirs-$i")" ""
done

step "list, exec, identify, pids"
rm /etc/netnsd/*
conf_lab
conf with-hyphen.and_more <<<'[Namespace]'
assert_ok ctl apply
assert_eq "$(ip netns list | awk '{ print $1 }' | sort | paste -sd' ')" "blue red router with-hyphen.and_more"
assert_contains "$(ip netns exec red ip -br addr show eth0)" 10.31.1.2/24
assert_eq "$(ip netns exec with-hyphen.and_more cat /proc/sys/net/ipv4/ip_forward)" 0
assert_contains "$(ip -n router -br link show eth0)" eth0@
ip netns exec red sleep 1000 &
sleeper=$!
own_pid $sleeper
assert_soon_eq red ip netns identify $sleeper
assert_eq "$(ip netns pids red)" $sleeper

step "netnsctl says the same"
assert_eq "$(ctl identify $sleeper)" red
assert_eq "$(ctl pids red | grep -oE '[0-9]+' | head -n 1)" $sleeper
assert_contains "$(ctl exec red ip -br addr show eth0)" 10.31.1.2/24
assert_status 3 ctl exec red sh -c 'exit 3'
assert_status 127 ctl exec red /no/such/program

step "ip netns del of one of ours: the next apply makes it again"
kill $sleeper
wait $sleeper 2>/dev/null
ip netns del red
[ ! -e /run/netns/red ] || fail "ip netns del did nothing"
assert_ok ctl apply
is_nsfs red || fail "red is not back"
assert_json '[.[0].addr_info[] | select(.family == "inet").local] | join(" ")' 10.31.1.2 nsjson red addr show eth0
ping_from red 10.31.2.2
assert_plan_empty

step "ip netns add after the daemon, and del while a process is inside"
ip netns add later
foreign later
assert_eq "$(state_of later)" foreign
ip netns exec blue sleep 1000 &
sleeper=$!
own_pid $sleeper
assert_soon_eq blue ip netns identify $sleeper
rm /etc/netnsd/blue.netns
assert_ok ctl apply
[ ! -e /run/netns/blue ] || fail "blue still has its name"
assert_soon_eq "eth0 red" links_of router
kill $sleeper
wait $sleeper 2>/dev/null
finish
