#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 at any point, and the next start converges: what had been published keeps its inode and its
# links, the rest is made, and nothing is left of the half-made.
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

published() { # prints "NAME INODE" of each name that is a namespace
  local file
  for file in /run/netns/*; do
    [ ! -e "$file" ] || ! is_nsfs "${file##*/}" || echo "${file##*/} $(ns_inode "${file##*/}")"
  done
}

converged() { # BEFORE: what had been published
  local name inode
  while read -r name inode; do
    [ -z "$name" ] || assert_eq "$(ns_inode "$name")" "$inode" "inode of $name, published before the kill"
  done <<<"$1"
  assert_eq "$(published | awk '{ print $1 }' | sort | paste -sd' ')" "blue red router"
  assert_json '[.[].ifname] | sort | join(" ")' "br-lan lo ns-router" host_json link
  assert_eq "$(links_of router)" "blue eth0 red"
  assert_eq "$(links_of red) $(links_of blue)" "eth0 eth0"
  assert_json '.[0].gateway' 10.31.1.1 nsjson red route show default
  assert_plan_empty
  ping_from red 10.31.2.2
}

step "killed when all was done"
conf_lab
start_daemon
before=$(fingerprint - router red blue)
kill_daemon
assert_eq "$(fingerprint - router red blue)" "$before" "after kill -9"
start_daemon
assert_eq "$(fingerprint - router red blue)" "$before" "after kill -9 and a start"
assert_plan_empty
converged "$(published)"

step "killed, and the files changed before the next start"
kill_daemon
rm /etc/netnsd/blue.netns
sed -i 's/^Address=10.31.1.2/Address=10.31.1.3/' /etc/netnsd/red.netns
inode=$(ns_inode red)
start_daemon
assert_eq "$(ns_inode red)" "$inode"
[ ! -e /run/netns/blue ] || fail "blue is no longer declared, and still there"
assert_eq "$(links_of router)" "eth0 red"
assert_json '[.[0].addr_info[] | select(.family == "inet").local] | join(" ")' 10.31.1.3 nsjson red addr show eth0
assert_plan_empty
rm -f /etc/netnsd/*
assert_ok ctl apply
leak_check

step "killed, and a namespace went before the next start: its DNS file goes as well"
printf '[Namespace]\nDNS=10.0.0.1\n' | conf gone
printf '[Namespace]\nDNS=10.0.0.1\n' | conf changed
mkdir -p /etc/netns/theirs /etc/netns/empty
echo nameserver 10.0.0.9 >/etc/netns/theirs/resolv.conf
foreign theirs empty
assert_ok ctl apply
[ -s /etc/netns/gone/resolv.conf ] || fail "no DNS file"
kill_daemon
ip netns del gone
ip netns del changed
rm /etc/netnsd/gone.netns
printf '[Namespace]\n' | conf changed
start_daemon
assert_eq "$(ls /etc/netns)" "$(printf '%s\n' empty theirs)"
rm -r /etc/netns/theirs /etc/netns/empty
rm -f /etc/netnsd/*
assert_ok ctl apply
leak_check
stop_daemon

if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
  step "strace cannot be used: no kill in the middle"
  finish
  exit 0
fi

step "killed in the middle: before its Nth call of one kind"
conf_lab
points=0
# strace counts the calls of each thread by themselves.
for point in unshare:{1,2} open_tree:{1,2} move_mount:{1,2} sendto:{1,4,8,12,16,20,24}; do
  call=${point%:*}
  n=${point#*:}
  # This call was made fewer times than that before.
  [ "$call" != "${enough-}" ] || continue
  : >"$SANDBOX/daemon.log"
  # -D: the daemon stays our child, the tracer is its grandchild.
  DAEMON_WRAPPER=(strace -D -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n")
  launch_daemon
  DAEMON_WRAPPER=()
  read -r -t 60 line <&"$NOTIFY_FD" || fail "neither ready nor dead: $call $n"
  if [ "$line" = ready ]; then
    enough=$call
    kill_daemon
  else
    wait "$DAEMON_PID" 2>/dev/null
    forget_daemon
    points=$((points + 1))
  fi
  before=$(published)
  start_daemon
  converged "$before"
  rm -f /etc/netnsd/*
  assert_ok ctl apply
  leak_check
  stop_daemon
  conf_lab
done
[ $points -ge 8 ] || fail "the daemon was killed at $points points only; are these still the calls it makes?"
step "killed at $points points"
start_daemon
finish
