#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Order between containers: After=, Requires=, cycles, how many start at a time; and what starts by itself.
# All payloads write into one log, so that their order is seen. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

ordered() { # NAME WORDS [KEYS...]: /shared is that of all
  local name=$1 words=$2
  shift 2
  payload_conf "$name" "$words" Files.Bind= "Files.Bind=$SHARED/all:/shared" "Container.Directory=$MACHINES/all" \
    Container.Namespace=pod Exec.Ephemeral=yes "$@"
}

order() {
  log_of all | sed -n 's/^here //p' | tr '\n' ' ' | sed 's/ $//'
}

starting() { # how many have begun and are not ready
  echo $(($(log_of all | grep -c '^here ') - $(log_of all | grep -c '^notified')))
}

machine_root all
conf pod <<'FILE'
[Namespace]
FILE
ordered first "log /shared/log event \"here first\" await /shared/go event \"here ready\" ready sleep" Exec.NotifyReady=yes \
  Container.AutoStart=yes
ordered second "log /shared/log event \"here second\" sleep" Service.After=first Container.AutoStart=yes Service.StartLimitIntervalSec=0
ordered third "log /shared/log event \"here third\" sleep" "Service.After=second first" Service.Requires=second \
  Container.AutoStart=yes Service.StartLimitIntervalSec=0
ordered manual "log /shared/log event \"here manual\" sleep"

step "S7, S34: AutoStart= starts them, in order, after READY; AutoStart=no does not"
start_daemon
assert_soon_eq first order
assert_eq "$(cstate first)" start
[ -z "$(nspawns_of second)" ] || fail "second did not wait for first"
assert_contains "start-pre dead" "$(cstate second)"
: >"$SHARED/all/go"
assert_soon_eq "first ready second third" order
assert_cstate third running
assert_eq "$(cstate manual)" dead

step "what needs others goes before them"
mark=$(log_mark)
assert_ok ctl down pod
for name in first second third; do
  assert_nothing_of $name
done
assert_eq "$(tail -n "+$mark" "$SANDBOX/daemon.log" | sed -n 's/\.container: dead.*//p' | tr '\n' ' ')" "third second first " "order of the ends"
rm "$SHARED/all/go"
assert_ok ctl up pod
assert_soon_eq "first ready second third first" order
: >"$SHARED/all/go"
assert_soon_eq "first ready second third first ready second third" order
assert_cstate third running
assert_ok ctl stop third second first

step "Requires= pulls in what is needed, After= alone does not"
forget_log all
assert_ok ctl start third
assert_runs second
assert_eq "$(order)" "second third"
assert_eq "$(cstate first)" dead
assert_ok ctl stop third second

step "a restart takes along what requires it, and what requires that; each comes back, once"
ordered fourth "log /shared/log event \"here fourth\" sleep" Service.After=third Service.Requires=third \
  Service.StartLimitIntervalSec=0
assert_ok ctl reload
assert_ok ctl start fourth
before=$(identity_of fourth)
forget_log all
assert_ok ctl restart second
assert_soon is_another_than "$before" fourth
assert_eq "$(order)" "second third fourth"
# Who came back by another one's start does not come back once more when it ends.
assert_ok ctl restart third
assert_soon_eq "second third fourth third fourth" order
kill -TERM "$(leader_of third)"
assert_cstate third dead success
assert_ok ctl stop fourth
assert_ok ctl stop second
assert_eq "$(order)" "second third fourth third fourth" "no one comes back"
for name in second third fourth; do
  assert_eq "$(cstate $name)" dead "$name"
done

step "Requires= of what fails: a result of its own, and nothing was started"
ordered failing "log /shared/log event \"here failing\" exit 7" Exec.NotifyReady=yes
ordered needy "log /shared/log event \"here needy\" sleep" Service.Requires=failing Service.After=failing
forget_log all
assert_ok ctl reload
assert_status 1 ctl start needy
assert_contains "$OUTPUT" failing
assert_cstate needy failed dependency
assert_eq "$(order)" failing
[ -z "$(nspawns_of needy)" ] || fail "needy runs without what it requires"

step "Requires= one way and After= the other is no circle, neither at the start nor at the stop"
ordered left "log /shared/log event \"here left\" pause 100 ready sleep" Exec.NotifyReady=yes Service.Requires=right
ordered right "log /shared/log event \"here right\" sleep" Service.After=left
forget_log all
assert_ok ctl reload
assert_ok timeout 20 "$NETNSCTL" start left
assert_cstate right running
assert_eq "$(order)" "left right"
assert_ok timeout 20 "$NETNSCTL" stop left right
assert_nothing_of left
assert_nothing_of right

step "cycles are refused, with the names in them, and nothing changes"
before=$(cat /etc/netnsd/second.container)
ordered second "log /shared/log sleep" Service.After=third Service.StartLimitIntervalSec=0
assert_status 1 ctl check
assert_contains "$OUTPUT" second
assert_contains "$OUTPUT" third
assert_status 1 ctl reload
printf '%s\n' "$before" >/etc/netnsd/second.container
ordered loner "log /shared/log sleep" Service.After=loner
assert_status 1 ctl check
rm /etc/netnsd/loner.container
ordered loner "log /shared/log sleep" Service.Requires=nobody
assert_status 1 ctl check
assert_contains "$OUTPUT" nobody
rm /etc/netnsd/loner.container
assert_ok ctl reload

step "many at once: not all of them start at the same time, all of them run in the end"
forget_log all
rm -f "$SHARED/all/go"
names=()
for i in $(seq 24); do
  ordered "m$i" "log /shared/log event \"here m$i\" await /shared/go ready sleep" Exec.NotifyReady=yes
  names+=("m$i")
done
assert_ok ctl reload
assert_ok ctl start --no-block "${names[@]}"
# Those that may start have begun when their number does not grow any more, while others wait.
assert_soon test -s "$SHARED/all/log"
stable=0
before=-1
until [ $stable -ge 10 ]; do
  now=$(starting)
  [ "$now" = "$before" ] && stable=$((stable + 1)) || stable=0
  before=$now
  sleep 0.1
done
echo "$before of ${#names[@]} start at a time"
[ "$before" -ge 1 ] || fail "none starts"
[ "$before" -lt ${#names[@]} ] || fail "all ${#names[@]} start at a time"
waiting=0
for name in "${names[@]}"; do
  [ "$(cstate "$name")" != start-pre ] || waiting=$((waiting + 1))
done
assert_eq $((before + waiting)) ${#names[@]} "those that start and those that wait in start-pre"

step "the limit is no trap: one that waits can be stopped, the rest goes on"
for name in "${names[@]}"; do
  if [ "$(cstate "$name")" = start-pre ]; then
    assert_ok ctl stop "$name"
    assert_eq "$(cstate "$name")" dead
    break
  fi
done
stopped=$name
: >"$SHARED/all/go"
for name in "${names[@]}"; do
  [ "$name" = "$stopped" ] || assert_cstate "$name" running
done
[ -z "$(nspawns_of "$stopped")" ] || fail "$stopped was stopped, and runs"
assert_ok ctl stop "${names[@]}"

finish
