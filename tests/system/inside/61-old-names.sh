#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netns@NAME.service and netns-container@NAME.service keep their meaning for other people's units: netns@.service(8).
. "$(dirname "$0")/lib.sh" || exit 1

OWN=/run/systemd/system

# A service that waits, in the namespace that its line says.
waiting() { # NAME SERVICE-LINE [UNIT-LINE...]
  printf '%s\n' '[Service]' Type=exec 'ExecStart=/bin/sleep infinity' "$2" '[Unit]' StartLimitIntervalSec=0 "${@:3}" >$OWN/"$1"
}

main_pid() { # UNIT
  property "$1" MainPID
}

netns_of_unit() { # UNIT
  netns_of "$(main_pid "$1")"
}

# The kernel gives the inode of a namespace that has gone to the next one, but not this.
cookie_of() { # NAME
  ctl show --json=short "$1" | jq '.runtime.cookie'
}

active() { # UNIT
  property "$1" ActiveState
}

remove_units() {
  rm -rf $OWN/{bound,joins,named,listens,listens@}.* $OWN/netns-container@*.d
  systemctl daemon-reload
}
start_netnsd
conf old <<<'[Namespace]'
assert_ok ctl apply
assert_ok ctl down old

step "S10, S14: start and stop of a declared one, and of one that no file declares"
for name in old fresh; do
  assert_ok systemctl start netns@$name.service
  is_nsfs $name || fail "there is no namespace $name"
  assert_eq "$(active netns@$name.service)" active
  assert_eq "$(state_of $name)" configured
  assert_contains "$(systemctl --no-pager status netns@$name.service)" "Network Namespace $name"
  assert_soon journal_has "$name" -u netns@$name.service # what netnsctl identify says in there
  assert_ok systemctl start netns@$name.service          # again: nothing
done
cookie=$(cookie_of old)
assert_ok systemctl stop netns@old.service netns@fresh.service
assert_soon_eq "" ls /run/netns
# The unit was in it to the end, so the kernel takes a moment.
assert_soon_eq down state_of old
assert_soon_eq "" state_of fresh
assert_ok systemctl start netns@old.service
assert_ne "$(cookie_of old)" "$cookie" "the cookie of a new one"

step "S19: JoinsNamespaceOf= is in it, as is NetworkNamespacePath="
waiting joins.service PrivateNetwork=yes JoinsNamespaceOf=netns@old.service After=netns@old.service
waiting named.service NetworkNamespacePath=/run/netns/old
assert_ok systemctl daemon-reload
assert_ok systemctl start joins.service named.service
for name in joins named; do
  assert_eq "$(netns_of "$(main_pid $name.service)")" "$(ns_inode old)" "the namespace of $name.service"
done

step "S18: and is cut off from abstract sockets of the host"
printf '%s\n' '[Socket]' ListenStream=@netnsd-tests Accept=yes >$OWN/listens.socket
printf '%s\n' '[Service]' ExecStart=-/bin/cat StandardInput=socket >$OWN/listens@.service
assert_ok systemctl daemon-reload
assert_ok systemctl start listens.socket
assert_contains "$(cat /proc/net/unix)" @netnsd-tests
assert_lacks "$(cat "/proc/$(main_pid joins.service)/net/unix")" @netnsd-tests
assert_ok systemctl stop listens.socket

step "S20: a socket unit listens in there"
cat >$OWN/listens.socket <<'X'
[Unit]
JoinsNamespaceOf=netns@old.service
After=netns@old.service
[Socket]
ListenStream=127.0.0.1:4711
Accept=yes
PrivateNetwork=yes
X
assert_ok systemctl daemon-reload
assert_ok systemctl start listens.socket
assert_contains "$(ip netns exec old ss -Hltn)" 127.0.0.1:4711
assert_lacks "$(ss -Hltn)" :4711
assert_eq "$(ip netns exec old busybox nc 127.0.0.1 4711 <<<hello)" hello
assert_ok systemctl stop listens.socket joins.service named.service

step "S31, S35: BindsTo= pulls it in, stops with it, in order, and starts with it again"
waiting bound.service NetworkNamespacePath=/run/netns/old BindsTo=netns@old.service After=netns@old.service
assert_ok systemctl daemon-reload
assert_ok systemctl stop netns@old.service
assert_soon_eq "" ls /run/netns
assert_ok systemctl start bound.service
assert_eq "$(active netns@old.service)" active
assert_eq "$(netns_of "$(main_pid bound.service)")" "$(ns_inode old)"
cookie=$(cookie_of old)
assert_ok systemctl restart netns@old.service
assert_soon_eq active active bound.service
assert_ne "$(cookie_of old)" "$cookie" "the cookie of a new one"
assert_soon_eq "$(ns_inode old)" netns_of_unit bound.service
assert_ok systemctl stop netns@old.service
assert_eq "$(active bound.service)" inactive
assert_soon_eq down state_of old
[ "$(property bound.service InactiveEnterTimestampMonotonic)" -le "$(property netns@old.service InactiveEnterTimestampMonotonic)" ] ||
  fail "the namespace went before the unit that is bound to it"

assert_ok systemctl reset-failed # counts starts anew
step "A6: odd names, as they are and as systemd-escape writes them"
for name in a-b a+b lab.x x@y a_b:c; do
  for instance in "$name" "$(systemd-escape -- "$name")"; do
    assert_ok systemctl start "netns@$instance.service"
    is_nsfs "$name" || fail "netns@$instance.service makes no namespace $name"
    # + is nothing that may stand in a file's name here.
    waiting joins.service PrivateNetwork=yes "JoinsNamespaceOf=netns@${instance//+/\\x2b}.service"
    assert_ok systemctl daemon-reload
    assert_ok systemctl start joins.service
    assert_eq "$(netns_of "$(main_pid joins.service)")" "$(ns_inode "$name")" "JoinsNamespaceOf=netns@$instance.service"
    assert_ok systemctl stop joins.service "netns@$instance.service"
    assert_soon_eq "" ls /run/netns
  done
done
assert_eq "$(ls /run/netnsd/units)" ""
assert_status 1 systemctl start 'netns@.hidden.service'
assert_ok systemctl reset-failed
assert_eq "$(systemctl --plain --no-legend list-units --all 'netns-up@*' | grep -c activ)" 0 "netns-up@ units that stay"

# --- containers -------------------------------------------------------------------------------

payload_conf one "log /shared/log lock /shared/lock obey /shared/do" Container.Namespace=old Service.Restart=on-abnormal \
  Service.StartLimitIntervalSec=0
payload_conf c-two "log /shared/log lock /shared/lock obey /shared/do" Container.Namespace=old Service.Requires=one.container \
  Service.After=one.container Service.StartLimitIntervalSec=0
payload_conf never "log /shared/log sleep" Container.Namespace=old Exec.NotifyReady=yes Service.TimeoutStartSec=infinity
payload_conf skipped "log /shared/log sleep" Container.Namespace=old Service.ConditionCapability=CAP_SYS_MODULE
payload_conf bad "log /shared/log exit 3" Container.Namespace=old Exec.NotifyReady=yes
assert_ok ctl apply
obey() { # NAME WORD...
  local name=$1
  shift
  printf '%s\n' "$@" >"$SHARED/$name/do.new"
  mv "$SHARED/$name/do.new" "$SHARED/$name/do"
}
service=netns-container@one.service

step "S31, S35: a start of the unit starts the container and its namespace, a stop stops it"
assert_ok systemctl start $service
assert_runs one
assert_eq "$(netns_of "$(leader_of one)")" "$(ns_inode old)"
assert_eq "$(active $service)" active
await_log one locked
assert_soon_eq running property $service StatusText
assert_contains "$(systemctl --no-pager status $service)" "Container one"
assert_ok systemctl stop $service
assert_eq "$(active $service) $(property $service Result)" "inactive success"
await_log one "signal SIGTERM"
assert_cstate one dead success
assert_gone one

step "a container that ends ends the unit: well, or failed"
for status in 0 7; do
  forget_log one
  assert_ok systemctl start $service
  await_log one locked
  obey one exit $status
  assert_soon_eq "$([ $status = 0 ] && echo inactive || echo failed)" active $service
  assert_gone one
done
assert_soon journal_has "'one' has failed: exit-code" -u $service
assert_ok systemctl reset-failed $service
forget_log one
assert_ok systemctl start $service
await_log one locked
assert_ok ctl stop one
assert_soon_eq inactive active $service
assert_eq "$(property $service Result)" success

step "it goes on over a reboot inside, a restart by its own policy, and other daemons"
forget_log one
assert_ok systemctl start $service
pid=$(main_pid $service)
await_log one locked
before=$(identity_of one)
obey one reboot
wait_for 60 is_another_than "$before" one || fail "it does not come back"
assert_soon_eq running cstate one
before=$(identity_of one)
kill -KILL "$(nspawn_of one)"
wait_for 60 is_another_than "$before" one || fail "it does not come back"
assert_soon_eq running cstate one
before=$(identity_of one)
kill_netnsd
assert_ok systemctl restart netnsd.service
assert_ok ctl reexec
kill_netnsd_for_now
assert_soon_eq "netnsd does not run; the container goes on without it" property $service StatusText
restart_netnsd
assert_soon_eq running property $service StatusText
assert_eq "$(identity_of one)" "$before"
assert_eq "$(active $service) $(main_pid $service)" "active $pid"
assert_eq "$(log_of one | grep -c 'locked already')" 0 "two of them at a time"
kill_netnsd_for_now
obey one exit 7
assert_soon no_unit "$(scope_of one)"
restart_netnsd
assert_soon_eq failed active $service
assert_ok systemctl reset-failed $service

step "a container that comes back with what it requires has not ended"
forget_log c-two
assert_ok systemctl start 'netns-container@c\x2dtwo.service'
pid=$(main_pid 'netns-container@c\x2dtwo.service')
await_log c-two locked
before=$(identity_of c-two)
assert_ok ctl restart one
wait_for 60 is_another_than "$before" c-two || fail "it does not come back"
assert_soon_eq running cstate c-two
assert_eq "$(active 'netns-container@c\x2dtwo.service') $(main_pid 'netns-container@c\x2dtwo.service')" "active $pid"
assert_ok systemctl stop 'netns-container@c\x2dtwo.service'
assert_gone c-two
assert_ok ctl stop one

step "systemctl restart is a new container; a start of one that runs takes it on"
assert_ok ctl start one
before=$(identity_of one)
assert_ok systemctl start $service
assert_eq "$(identity_of one)" "$before"
forget_log one
assert_ok systemctl restart $service
wait_for 60 is_another_than "$before" one || fail "it is the same one"
assert_runs one
assert_ok systemctl stop $service

step "a start that fails, that is called off, and that is skipped"
assert_status 1 systemctl start netns-container@bad.service
assert_eq "$(active netns-container@bad.service)" failed
assert_gone bad
assert_ok systemctl start --no-block netns-container@never.service
await_log never "begin 1"
assert_eq "$(active netns-container@never.service)" activating
assert_ok systemctl stop netns-container@never.service
assert_eq "$(cstate never)" dead
assert_gone never
assert_ok systemctl start netns-container@skipped.service
assert_soon_eq inactive active netns-container@skipped.service
assert_status 1 systemctl start netns-container@nobody.service
assert_ok systemctl reset-failed

step "a namespace that is stopped takes the container along; with BindsTo= a restart brings it back"
assert_ok systemctl start netns@old.service $service
assert_ok systemctl stop netns@old.service
assert_soon_eq inactive active $service
assert_cstate one dead success
assert_soon_eq down state_of old
mkdir -p "$OWN/$service.d"
printf '[Unit]\nBindsTo=netns@old.service\nAfter=netns@old.service\n' >"$OWN/$service.d/netns.conf"
assert_ok systemctl daemon-reload
assert_ok systemctl start $service
assert_eq "$(active netns@old.service)" active
before=$(identity_of one)
assert_ok systemctl restart netns@old.service
wait_for 60 is_another_than "$before" one || fail "it does not come back"
assert_soon_eq active active $service
assert_eq "$(netns_of "$(leader_of one)")" "$(ns_inode old)"
assert_ok systemctl stop netns@old.service
assert_eq "$(active $service)" inactive
assert_gone one

remove_units
finish
