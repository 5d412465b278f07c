#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The verbs of netnsctl with the real daemon: what they print, and what they exit with.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

step "an empty system"
assert_status 3 ctl status
start_daemon
assert_status 0 ctl list
assert_eq "$OUTPUT" "No namespaces."
assert_eq "$(ctl list --json=short)" "[]"
assert_status 0 ctl status
assert_contains "$OUTPUT" "State: running since "
assert_contains "$OUTPUT" "PID: $DAEMON_PID"
assert_plan_empty
assert_status 0 ctl wait
assert_status 0 ctl version
assert_contains "$OUTPUT" "(running)"

step "plan says what apply then does"
conf one <<'EOT'
[Namespace]
Description=The first
DNS=192.0.2.53

[Veth eth0]
PeerName=ns-one
MTUBytes=1400
Address=10.9.0.2/24
Gateway=10.9.0.1
EOT
conf manual <<'EOT'
[Namespace]
AutoStart=no
EOT
assert_status 0 ctl plan
PLAN=$OUTPUT
assert_contains "$PLAN" "+ one: "
assert_status 0 ctl apply
assert_eq "$OUTPUT" "$PLAN"
assert_plan_empty
assert_status 0 ctl apply
assert_eq "$OUTPUT" ""
assert_json '.[0].mtu' 1400 nsjson one link show eth0

step "list, status, show"
assert_status 0 ctl list --no-legend
assert_eq "$(awk '{ print $1, $2 }' <<<"$OUTPUT")" $'manual down\none configured'
assert_contains "$OUTPUT" "The first"
assert_status 0 ctl status one
for text in "one - The first" "Loaded: /etc/netnsd/one.netns" "State: configured since " "Inode: $(ns_inode one), cookie " \
  "DNS: 192.0.2.53" "eth0: veth, " "mtu 1400" "10.9.0.2/24" "default via 10.9.0.1"; do
  assert_contains "$OUTPUT" "$text"
done
assert_status 3 ctl status manual
assert_status 3 ctl status nobody
assert_contains "$OUTPUT" "there is no namespace 'nobody'"
assert_status 0 ctl show one
for line in Name=one State=configured "Inode=$(ns_inode one)" Link=eth0 "Link[eth0].MTU=1400" "Link[eth0].Address=10.9.0.2/24"; do
  grep -q -x -F "$line" <<<"$OUTPUT" || fail "show lacks $line: $OUTPUT"
done
assert_json .runtime.inode "$(ns_inode one)" ctl show one --json=short
assert_contains "$(ctl cat one)" "MTUBytes=1400"

step "up, down, wait"
assert_status 0 ctl up manual
is_nsfs manual || fail "up made no namespace"
assert_status 0 ctl status manual
assert_status 0 ctl wait --timeout=10s manual one
assert_status 0 ctl down manual
[ ! -e /run/netns/manual ] || fail "down left the name"
assert_status 0 ctl down --all
[ ! -e /run/netns/one ] || fail "down --all left the name"
assert_status 0 ctl up one manual
assert_status 0 ctl down manual
assert_status 1 ctl up nobody
assert_contains "$OUTPUT" "cannot bring up 'nobody': there is no namespace 'nobody'"
assert_status 1 ctl wait nobody

step "add and del"
assert_status 0 ctl add lab1 "Veth eth0.PeerName=ns-lab1" "Veth eth0.Address=10.8.0.2/24" Namespace.Description=x
assert_json '.[0].addr_info[] | select(.family == "inet") | .local' 10.8.0.2 nsjson lab1 addr show eth0
assert_contains "$(ctl status lab1)" "(transient)"
assert_status 1 ctl add lab1
assert_contains "$OUTPUT" "namespace 'lab1' exists already"
assert_status 1 ctl add lab2 "Veth eth0.Adress=10.8.0.3/24"
assert_contains "$OUTPUT" "cannot add 'lab2': "
assert_contains "$OUTPUT" "Adress"
assert_status 1 ctl add ../lab3
assert_status 3 ctl status lab2
nsenter --net=/run/netns/lab1 sleep 1000 &
own_pid $!
SLEEPER=$!
is_inside() {
  [ "$(ctl pids lab1)" = $SLEEPER ]
}
assert_soon is_inside
assert_contains "$(ctl status lab1)" "$SLEEPER (sleep)"
assert_status 0 ctl del lab1
assert_contains "$OUTPUT" "$SLEEPER (sleep)"
[ ! -e /run/netns/lab1 ] || fail "del left the name"
kill $SLEEPER
wait $SLEEPER 2>/dev/null
forgotten() {
  [[ $(ctl list --no-legend) != *lab1* ]]
}
assert_soon forgotten
assert_status 1 ctl del lab1
assert_contains "$OUTPUT" "cannot delete 'lab1': there is no namespace 'lab1'"
assert_status 0 ctl add lab4 --no-block
assert_soon is_nsfs lab4
assert_status 0 ctl wait lab4
assert_status 0 ctl del lab4 --no-block
gone() {
  [ ! -e /run/netns/lab4 ]
}
assert_soon gone

step "exec sees the DNS file of the daemon"
: >/etc/resolv.conf
assert_contains "$(ctl exec one cat /etc/resolv.conf)" "192.0.2.53"

step "somebody else's name"
ip netns add other
foreign other
assert_contains "$(ctl list --no-legend)" foreign
assert_status 1 ctl del other
assert_contains "$OUTPUT" "'other'"
is_nsfs other || fail "del took somebody else's namespace"

step "files with errors: nothing is done, and every error is printed"
conf bad <<<'[Namespace]
Descripton=x'
for verb in plan apply reload; do
  assert_status 1 ctl $verb
  assert_contains "$OUTPUT" "error: /etc/netnsd/bad.netns:2: [Namespace] Descripton: "
  assert_contains "$OUTPUT" "cannot $verb: the files have errors; nothing was changed"
done
rm /etc/netnsd/bad.netns
assert_status 0 ctl reload
assert_eq "$OUTPUT" ""

step "log-level, and who may do what"
assert_status 0 ctl log-level debug
assert_eq "$(ctl log-level)" debug
assert_status 0 ctl log-level info
assert_status 0 setpriv --reuid=65534 --clear-groups "$NETNSCTL" list
assert_status 0 setpriv --reuid=65534 --clear-groups "$NETNSCTL" status one
for words in "del one" "add x" "up one" "down --all" "apply" "log-level debug"; do
  # shellcheck disable=SC2086
  assert_status 1 setpriv --reuid=65534 --clear-groups "$NETNSCTL" $words
  assert_contains "$OUTPUT" "only root may do that"
done
is_nsfs one || fail "a user could remove it"

step "SocketMode= and SocketGroup= say who may look"
stop_daemon
printf '%s\n' '[Manager]' 'SocketMode=0660' 'SocketGroup=daemon' >/etc/netnsd/netnsd.conf
start_daemon
assert_eq "$(stat -c '%a %U %G' /run/netnsd/io.netnsd)" "660 root daemon"
assert_status 0 setpriv --reuid=65534 --regid=65534 --groups=daemon "$NETNSCTL" list
assert_status 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$NETNSCTL" list

finish
