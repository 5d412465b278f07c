#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a container finds when it starts: network, credentials, environment, name, files. Seen from inside,
# and through /proc from outside. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

environ_of() { # PID
  tr '\0' '\n' <"/proc/$1/environ"
}

has_capability() { # NAME BIT
  local set
  set=$(awk '$1 == "CapEff:" { print $2 }' "/proc/$(leader_of "$1")/status")
  (((0x$set >> $2) & 1))
}

root_of() { # NAME PATH: as seen from outside
  echo "/proc/$(leader_of "$1")/root$2"
}

conf net <<'FILE'
[Namespace]
DNS=192.0.2.53
[Veth eth0]
PeerName=ns-net
Address=10.50.0.2/24
FILE
conf plain <<'FILE'
[Namespace]
FILE
mkdir -p "$SANDBOX/given/with space" "$SANDBOX/inherited" "$SANDBOX/data"
printf 'secret-of-tls' >"$SANDBOX/given/tls"
printf 'secret with spaces\nand lines' >"$SANDBOX/given/with space/key file"
head -c 1048576 /dev/urandom >"$SANDBOX/given/big"
printf 'secret-of-the-service' >"$SANDBOX/inherited/full.inherited"
printf 'of another' >"$SANDBOX/inherited/other.inherited"
echo data >"$SANDBOX/data/file"

payload_conf full "log /shared/log sh \"ip link set eth0 mtu 1400\" sh \"echo 1 >/proc/sys/net/ipv4/ip_forward\" say hello ready sleep" \
  Container.Namespace=net Container.Description=Everything Exec.NotifyReady=yes Container.Register=no \
  'Exec.Environment=FOO="bar baz"' Exec.Hostname=other-name Exec.Capability=CAP_SYS_TIME Exec.DropCapability=CAP_SYS_CHROOT \
  Container.MachineID=0123456789abcdef0123456789abcdef \
  "Files.BindReadOnly=$SANDBOX/data:/data" "Files.BindReadOnly=-/nowhere/at/all:/optional" \
  "Service.LoadCredential=tls:$SANDBOX/given/tls" "Service.LoadCredential=spaced:$SANDBOX/given/with space/key file" \
  "Service.LoadCredential=big:$SANDBOX/given/big" "Service.SetCredential=said:of the file"
payload_conf plain "log /shared/log sleep"
mkdir -p /etc/systemd/nspawn
for name in plain full; do
  cat >/etc/systemd/nspawn/$name.nspawn <<'FILE'
[Exec]
Environment=HOSTILE=yes
Capability=CAP_SYS_TIME
[Files]
Bind=/etc:/hostile
FILE
done

export CREDENTIALS_DIRECTORY=$SANDBOX/inherited OF_THE_DAEMON=leaks
start_daemon
unset CREDENTIALS_DIRECTORY OF_THE_DAEMON

step "S7, S41: nothing starts by itself; start returns when the payload is ready"
assert_eq "$(cstate full)" dead
assert_ok ctl start full
assert_runs full
log_has full "notified READY=1" || fail "start returned before READY=1"
LEADER=$(leader_of full)

step "A2, S72, S74, S75: the namespace is the container's, with /sys, /proc/sys/net and CAP_NET_ADMIN"
assert_eq "$(netns_of "$LEADER")" "$(ns_inode net)" "inode of the namespace"
assert_eq "$(names_in "$(root_of full /sys/class/net)")" "eth0 lo"
await_log full "sh 0" 2
assert_json '.[0].mtu' 1400 nsjson net link show eth0
assert_eq "$(inns net cat /proc/sys/net/ipv4/ip_forward)" 1
has_capability full 12 || fail "no CAP_NET_ADMIN"
has_capability full 25 || fail "Capability=CAP_SYS_TIME did not arrive"
has_capability full 18 && fail "DropCapability=CAP_SYS_CHROOT did not arrive"

step "S78: resolv.conf is the namespace's, never the host's"
assert_contains "$(cat "$(root_of full /etc/resolv.conf)")" "nameserver 192.0.2.53"
assert_eq "$(cat "$MACHINES/full/etc/resolv.conf" 2>/dev/null)" "" "the root directory was written to"

step "A7, S63: all credentials arrive, 0400, and on no command line"
DIRECTORY=$(environ_of "$LEADER" | sed -n 's/^CREDENTIALS_DIRECTORY=//p')
assert_ne "$DIRECTORY" ""
DIRECTORY=$(root_of full "$DIRECTORY")
assert_eq "$(names_in "$DIRECTORY")" "big inherited said spaced tls"
cmp "$DIRECTORY/tls" "$SANDBOX/given/tls" || fail "credential tls"
cmp "$DIRECTORY/spaced" "$SANDBOX/given/with space/key file" || fail "credential spaced"
cmp "$DIRECTORY/big" "$SANDBOX/given/big" || fail "credential big"
assert_eq "$(cat "$DIRECTORY/said")" "of the file"
assert_eq "$(cat "$DIRECTORY/inherited")" "secret-of-the-service"
assert_eq "$(stat -c '%a %U' "$DIRECTORY"/* | sort -u)" "400 root"
for pid in "$LEADER" "$(nspawn_of full)" "$DAEMON_PID"; do
  assert_lacks "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "secret" "command line of $pid"
  assert_lacks "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "of the file" "command line of $pid"
done

step "S39, 6.2: the environment is what the file says, a PATH, and nothing of the daemon's"
ENVIRON=$(environ_of "$LEADER")
assert_contains "$ENVIRON" "FOO=bar baz"
assert_contains "$ENVIRON" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
for pid in "$LEADER" "$(nspawn_of full)"; do
  assert_lacks "$(environ_of "$pid")" OF_THE_DAEMON
  assert_lacks "$(environ_of "$pid")" NETNSD_
  assert_lacks "$(environ_of "$pid")" "$SANDBOX/notify"
  assert_lacks "$(environ_of "$pid")" "$SANDBOX/inherited"
done
assert_lacks "$ENVIRON" WATCHDOG_

step "S64, S80: nspawn is the daemon's child, reads nothing, and no descriptor of the daemon is in it"
assert_eq "$(awk '$1 == "PPid:" { print $2 }' "/proc/$(nspawn_of full)/status")" "$DAEMON_PID"
assert_eq "$(readlink "/proc/$(nspawn_of full)/fd/0")" /dev/null
for file in "/proc/$LEADER/fd"/* "/proc/$(nspawn_of full)/fd"/*; do
  assert_lacks "$(readlink "$file")" /run/netnsd "descriptor $file"
done
assert_eq "$(names_in "/proc/$LEADER/fd")" "0 1 2 3" "descriptors of the payload; 3 is its log"

step "S5, S67: names; S60: a fixed machine id"
assert_eq "$(inside full hostname)" other-name
assert_contains "$ENVIRON" "container_uuid=01234567-89ab-cdef-0123-456789abcdef"

step "S70, S71: binds"
[ -e "$SHARED/full/log" ] || fail "what is written below Bind= does not show outside"
assert_eq "$(inside full cat /data/file)" data
assert_status 1 inside full touch /data/other
assert_contains "$OUTPUT" "Read-only file system"
[ ! -e "$(root_of full /optional)" ] || fail "an optional source that is missing is mounted"

step "S67: the settings file of somebody else changes nothing"
assert_lacks "$ENVIRON" HOSTILE
[ ! -e "$(root_of full /hostile)" ] || fail "a hostile .nspawn file is in force"

step "S4, S35, S47: the defaults: namespace and host name are the container's name; poweroff by stop"
assert_ok ctl start plain
assert_runs plain
assert_eq "$(netns_of "$(leader_of plain)")" "$(ns_inode plain)"
assert_eq "$(inside plain hostname)" plain
has_capability plain 12 || fail "no CAP_NET_ADMIN"
has_capability plain 25 && fail "CAP_SYS_TIME came from a hostile .nspawn file"
[ ! -s "$(root_of plain /etc/resolv.conf)" ] || fail "a resolv.conf where the namespace has none: $(cat "$(root_of plain /etc/resolv.conf)")"
FIRST_ID=$(environ_of "$(leader_of plain)" | grep container_uuid)
assert_ok ctl restart plain
assert_runs plain
assert_ne "$(environ_of "$(leader_of plain)" | grep container_uuid)" "$FIRST_ID" "MachineID=random"

step "S60: a stable one is the same each time"
payload_conf plain "log /shared/log sleep" Container.MachineID=stable
assert_ok ctl reload
assert_ok ctl restart plain
FIRST_ID=$(environ_of "$(leader_of plain)" | grep container_uuid)
assert_ok ctl restart plain
assert_eq "$(environ_of "$(leader_of plain)" | grep container_uuid)" "$FIRST_ID" "MachineID=stable"

step "S67: Settings=override is a decision"
payload_conf plain "log /shared/log sleep" Container.Settings=override
assert_ok ctl reload
assert_ok ctl restart plain
assert_contains "$(environ_of "$(leader_of plain)")" "HOSTILE=yes"

step "S76: Boot= runs the init of the root"
machine_root booted init
payload_conf booted "" Exec.Boot=yes
echo "log /shared/log sleep" >"$SHARED/booted/init"
assert_ok ctl reload
assert_ok ctl start booted
await_log booted "begin 1"
assert_eq "$(tr '\0' ' ' <"/proc/$(leader_of booted)/cmdline")" "/payload log /shared/log sleep "

step "S76: ProcessTwo= runs the program below an init of nspawn's, which hears a stop for it"
payload_conf second "log /shared/log sleep" Exec.ProcessTwo=yes
payload_conf deaf "" "Exec.Parameters=/bin/sleep 1000" Exec.ProcessTwo=yes
assert_ok ctl reload
assert_ok timeout 20 "$NETNSCTL" start second deaf
await_log second "begin 2"
assert_eq "$(cstate second) $(cstate deaf)" "running running"
assert_ok timeout 20 "$NETNSCTL" stop second deaf
log_has second "signal SIGTERM" || fail "the stub did not pass it on"
assert_eq "$(cstate second) $(cresult second)" "dead success"
assert_eq "$(cstate deaf) $(cresult deaf)" "dead success"
assert_nothing_of second

finish
