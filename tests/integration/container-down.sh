#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl down --all: everything ends, what needs others before them, all that can at the same time, each within its
# own time; the namespaces go after those that live in them. A stop of the daemon ends nothing (container-survive.sh).
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

payload_conf base "log /shared/log sleep"
payload_conf middle "log /shared/log sleep" Service.After=base Service.Requires=base
payload_conf top "log /shared/log sleep" Service.After=middle Service.Requires=middle
for i in 1 2 3; do
  payload_conf deaf$i "log /shared/log stubborn" Service.TimeoutStopSec=2s
  payload_conf alone$i "log /shared/log sleep"
done
payload_conf neighbour "log /shared/log sleep" Container.Namespace=base
payload_conf starting "log /shared/log await /shared/never sleep" Exec.NotifyReady=yes Service.TimeoutStopSec=1s
payload_conf backing-off "log /shared/log exit 3" Service.Restart=always Service.RestartSec=300s
ALL="base middle top deaf1 deaf2 deaf3 alone1 alone2 alone3 neighbour"
start_daemon
# shellcheck disable=SC2086
assert_ok ctl start $ALL
assert_ok ctl start --no-block starting backing-off
await_log starting "begin 1"
assert_cstate backing-off auto-restart
for i in 1 2 3; do
  await_log deaf$i "begin 1"
done

step "all of them, three deaf ones of 2 s each as well: together, not one after the other"
mark=$(log_mark)
began=$(now_ms)
assert_ok ctl down --all
took=$(($(now_ms) - began))
[ $took -ge 1900 ] || fail "down after $took ms, the deaf ones have 2 s"
[ $took -lt 5500 ] || fail "down after $took ms: not at the same time"
for name in $ALL starting backing-off; do
  assert_nothing_of "$name"
done
for name in base middle top alone1 alone2 alone3 neighbour; do
  assert_eq "$(log_of "$name" | grep -c '^signal SIGTERM$')" 1 "SIGTERMs of $name"
  assert_cstate $name dead success
done
assert_cstate deaf1 failed timeout
assert_eq "$(tail -n "+$mark" "$SANDBOX/daemon.log" | sed -n 's/^\(base\|middle\|top\)\.container: dead.*/\1/p' | tr '\n' ' ')" \
  "top middle base " "order of the ends"
assert_eq "$(find /run/netns -mindepth 1 | wc -l)" 0 "namespaces"

step "the next start of the daemon brings the namespaces back, and with them what lived there, in order"
stop_daemon
rm -f "$SHARED"/*/log
start_daemon
for name in $ALL; do
  await_log "$name" "begin 1"
  assert_cstate "$name" running
done
began_at() { # NAME
  log_of "$1" | sed -n 's/^at //p'
}
{ [ "$(began_at base)" -le "$(began_at middle)" ] && [ "$(began_at middle)" -le "$(began_at top)" ]; } || fail "not in order"
# shellcheck disable=SC2086
assert_ok ctl stop $ALL starting backing-off

finish
