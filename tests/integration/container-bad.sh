#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad roots, namespaces, payloads, credentials, names, and an nspawn that is not what it should be: every time
# a sentence that names the object, nothing left behind, and the daemon goes on. Rows of SEED.md are named at
# each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

REAL=$(command -v systemd-nspawn)
export NETNSD_NSPAWN=$SANDBOX/nspawn/systemd-nspawn

# The nspawn that the daemon runs: what standard input says, then the real one.
nspawn_is() {
  mkdir -p "${NETNSD_NSPAWN%/*}"
  { echo "#!$BASH" && cat; } >"$NETNSD_NSPAWN.new"
  chmod 755 "$NETNSD_NSPAWN.new"
  mv "$NETNSD_NSPAWN.new" "$NETNSD_NSPAWN"
}

real_nspawn() {
  nspawn_is <<<"exec $REAL \"\$@\""
}

# A start that must fail: exit 1, state failed with this result, a text that has these words, nothing left.
assert_start_fails() { # NAME RESULT TEXT...
  local name=$1 result=$2 text
  shift 2
  assert_status 1 timeout 30 "$NETNSCTL" start "$name"
  for text; do
    assert_contains "$OUTPUT" "$text" "start $name"
  done
  [ -z "$result" ] || assert_cstate "$name" failed "$result"
  assert_nothing_of "$name"
}

assert_check_fails() { # TEXT...
  local text
  assert_status 1 ctl check
  for text; do
    assert_contains "$OUTPUT" "$text" check
  done
  assert_status 1 ctl reload
}

real_nspawn
payload_conf fine "log /shared/log sleep"
start_daemon
assert_ok ctl start fine
FINE=$(identity_of fine)

step "roots: missing, empty, a file, a link, a link within that leads out"
mkdir -p "$MACHINES/empty" "$MACHINES/real"
: >"$MACHINES/file"
ln -s "$MACHINES/real" "$MACHINES/link"
machine_root linked
rmdir "$MACHINES/linked/var/lib" "$MACHINES/linked/var"
ln -s "$SANDBOX/outside" "$MACHINES/linked/var"
mkdir "$SANDBOX/outside"
payload_conf missing "sleep" "Container.Directory=$MACHINES/nowhere"
payload_conf empty "sleep" "Container.Directory=$MACHINES/empty"
payload_conf file "sleep" "Container.Directory=$MACHINES/file"
payload_conf linked "log /shared/log sleep"
payload_conf noinit "" Exec.Boot=yes Service.StartLimitIntervalSec=0
assert_ok ctl reload
assert_start_fails missing resources "$MACHINES/nowhere" "No such file or directory"
assert_start_fails empty "" empty
assert_cstate empty failed
assert_start_fails file resources "$MACHINES/file"
for _ in 1 2 3 4 5 6; do # nspawn says READY=1 before it executes anything
  assert_start_fails noinit "" noinit
done
assert_cstate noinit failed
ctl start linked >/dev/null 2>&1
assert_ok ctl stop linked
assert_eq "$(names_in "$SANDBOX/outside")" "" "what was made behind a link that leads out of the root"

step "S56: CreateDirectory= that cannot be made; S66: Register=yes where there is no machined"
payload_conf nodir "sleep" "Container.CreateDirectory=$MACHINES/file/below"
payload_conf machine "sleep" Container.Register=yes
assert_ok ctl reload
assert_start_fails nodir resources "CreateDirectory=$MACHINES/file/below" "is not a directory"
assert_start_fails machine resources Register=yes
rm /etc/netnsd/{nodir,machine}.*

step "payloads: not there, not executable"
payload_conf nofile "" "Exec.Parameters=/no/such/program"
payload_conf noexec "" "Exec.Parameters=/etc/passwd"
payload_conf nostub "" "Exec.Parameters=/no/such/program" Exec.ProcessTwo=yes
assert_ok ctl reload
for name in nofile noexec nostub; do
  ctl start --no-block $name >/dev/null 2>&1
  assert_cstate $name failed exit-code
  assert_nothing_of $name
  [ -s /var/log/netnsd/$name.log ] || fail "nspawn's own words are not in the log of $name"
done

step "S63: credentials: missing, a directory, a FIFO, too large, a device"
mkdir "$SANDBOX/credentials"
mkfifo "$SANDBOX/credentials/fifo"
truncate -s 4M "$SANDBOX/credentials/huge"
for kind in missing fifo huge; do
  payload_conf cred-$kind "sleep" "Service.LoadCredential=key:$SANDBOX/credentials/$kind"
done
payload_conf cred-dir "sleep" "Service.LoadCredential=key:$SANDBOX/credentials"
payload_conf cred-device "sleep" "Service.LoadCredential=key:/dev/zero"
assert_ok ctl reload
assert_start_fails cred-missing resources "$SANDBOX/credentials/missing"
assert_start_fails cred-fifo resources "$SANDBOX/credentials/fifo"
assert_start_fails cred-huge resources "$SANDBOX/credentials/huge"
assert_start_fails cred-dir resources "$SANDBOX/credentials"
assert_start_fails cred-device resources /dev/zero

step "S70: a source of Bind= that is missing"
payload_conf nobind "log /shared/log sleep" Files.Bind=/no/such/source:/x
assert_ok ctl reload
ctl start --no-block nobind >/dev/null 2>&1
assert_cstate nobind failed
assert_nothing_of nobind
assert_contains "$(ctl log nobind)" /no/such/source

step "files: unknown capability, device, name, and what needs another nspawn are found by check"
rm /etc/netnsd/{missing,empty,file,linked,noinit,nofile,noexec,nostub,nobind}.container /etc/netnsd/cred-*.container
assert_ok ctl reload
while read -r key text; do
  payload_conf odd "sleep" "$key"
  assert_check_fails odd.container "$text"
done <<'LIST'
Exec.Capability=CAP_NO_SUCH CAP_NO_SUCH
Exec.DropCapability=NONSENSE NONSENSE
Service.ConditionCapability=CAP_NO_SUCH CAP_NO_SUCH
Service.DevicePolicy=sometimes DevicePolicy
Service.DeviceAllow=not/absolute DeviceAllow
Service.LoadCredential=no-path LoadCredential
Service.LoadCredential=../x:/etc/passwd LoadCredential
Service.HealthTcp=70000 HealthTcp
Service.KillSignal=SIGNOTHING KillSignal
Service.Restart=sometimes Restart
Service.NoSuchKey=1 NoSuchKey
Container.Namespace=nobody nobody
Container.MachineID=xyz MachineID
Container.CreateDirectory=relative CreateDirectory
Exec.PrivateUsers=pick PrivateUsers
LIST
rm /etc/netnsd/odd.container
payload_conf "a_b" "sleep" "Container.Directory=$MACHINES/fine" Container.Namespace=fine
assert_check_fails a_b
rm /etc/netnsd/a_b.container
assert_ok ctl check
assert_ok ctl reload
assert_eq "$(identity_of fine)" "$FINE" "the container whose file did not change"

step "S74: the name of the namespace is a plain file, or somebody else's namespace"
payload_conf nsfile "log /shared/log sleep"
payload_conf nsother "log /shared/log sleep"
printf '[Namespace]\nAutoStart=no\n' | tee /etc/netnsd/nsfile.netns >/etc/netnsd/nsother.netns
echo "not ours" >/run/netns/nsfile
ip netns add nsother
foreign nsother nsfile
OTHER=$(ns_inode nsother)
assert_ok ctl reload
assert_start_fails nsfile resources nsfile
assert_start_fails nsother resources nsother
assert_eq "$(ns_inode nsother)" "$OTHER" "somebody else's namespace"
[ -f /run/netns/nsfile ] || fail "somebody else's file has gone"
ip netns del nsother
rm /run/netns/nsfile
rm /etc/netnsd/ns{file,other}.*
assert_ok ctl reload

step "S74: deleted, and made anew under the same name, between check and exec"
payload_conf race "log /shared/log sleep"
assert_ok ctl reload
nspawn_is <<SCRIPT
case "\$*" in *--machine=race*)
  # The daemon could be faster, put the name back in between, and after ten times let it be for half a minute.
  kill -STOP \$PPID
  ip netns del race && ip netns add race
  kill -CONT \$PPID;;
esac
exec $REAL "\$@"
SCRIPT
printf '[Namespace]\n' >/etc/netnsd/race.netns
assert_ok ctl apply
RACE=$(ns_inode race)
assert_ok ctl start race
assert_soon is_running race
assert_eq "$(netns_of "$(leader_of race)")" "$RACE" "the container is in a namespace of somebody else"
# The name is somebody else's now, and is not taken from them; when they let go of it, it comes back.
assert_ne "$(ns_inode race)" "$RACE" "the name was taken from somebody else"
ip netns del race
assert_soon_eq "$RACE" ns_inode race
assert_ok ctl stop race
rm /etc/netnsd/race.*
assert_ok ctl apply

step "A3: an nspawn that would leave netlink out is told not to"
nspawn_is <<SCRIPT
case "\$*" in
  --help) $REAL --help; echo "     --restrict-address-families=FAMILIES"; exit;;
  *--machine=*) printf '%s\n' "\$@" >$SANDBOX/arguments;;
esac
for argument; do
  shift
  case \$argument in --restrict-address-families=*) ;; *) set -- "\$@" "\$argument";; esac
done
exec $REAL "\$@"
SCRIPT
payload_conf families "log /shared/log sleep"
assert_ok ctl reload
assert_ok ctl start families
assert_runs families
grep -q -x -e "--restrict-address-families=" "$SANDBOX/arguments" || fail "not told: $(cat "$SANDBOX/arguments")"
grep -q -x -e "--private-network" "$SANDBOX/arguments" || fail "A2: no --private-network"
grep -q -x -e "--keep-unit" "$SANDBOX/arguments" || fail "S65: no --keep-unit"
assert_ok ctl stop families
rm /etc/netnsd/families.*

step "an nspawn that says nothing and hangs: ended at TimeoutStartSec="
nspawn_is <<SCRIPT
case "\$*" in *--machine=*) echo "\$\$" >>$SANDBOX/hanging; exec sleep 1000;; esac
exec $REAL "\$@"
SCRIPT
payload_conf hangs "sleep" Service.TimeoutStartSec=500ms Service.TimeoutStopSec=500ms
assert_ok ctl reload
assert_start_fails hangs timeout hangs

step "a stop while nspawn is still starting is SIGINT, once"
nspawn_is <<SCRIPT
case "\$*" in *--machine=*)
  trap 'echo INT >>$SANDBOX/signals; exit 1' INT
  trap 'echo TERM >>$SANDBOX/signals; exit 1' TERM
  echo begun >>$SANDBOX/signals
  while :; do sleep 0.05; done;;
esac
exec $REAL "\$@"
SCRIPT
: >"$SANDBOX/signals"
payload_conf hangs "sleep" Service.TimeoutStopSec=20s
assert_ok ctl reload
ctl start --no-block hangs >/dev/null
assert_soon grep -q begun "$SANDBOX/signals"
assert_ok ctl stop hangs
assert_eq "$(tr '\n' ' ' <"$SANDBOX/signals")" "begun INT "
assert_eq "$(cstate hangs)" dead
assert_nothing_of hangs

step "an nspawn that ends at once, for ever: the start limit"
nspawn_is <<SCRIPT
case "\$*" in *--machine=*) echo "broken on purpose"; echo x >>$SANDBOX/starts; exit 1;; esac
exec $REAL "\$@"
SCRIPT
payload_conf hangs "sleep" Service.Restart=always Service.RestartSec=20ms Service.StartLimitBurst=3
assert_ok ctl reload
assert_ok ctl reset-failed hangs # starts by hand count as well
ctl start --no-block hangs >/dev/null
assert_cstate hangs failed start-limit-hit
assert_eq "$(wc -l <"$SANDBOX/starts")" 3
assert_contains "$(ctl log hangs)" "broken on purpose"
assert_nothing_of hangs
rm /etc/netnsd/hangs.container
assert_ok ctl reload

step "an nspawn that is missing, then ancient, then mute"
payload_conf later "sleep"
conf beside <<<'[Namespace]'
assert_ok ctl reload
rm "$NETNSD_NSPAWN"
assert_start_fails later resources systemd-nspawn
nspawn_is <<'SCRIPT'
case $1 in
  --version) echo "systemd 219" ;;
  --help) printf '  -h --help\n     --version\n  -D --directory=NAME\n  -M --machine=NAME\n     --keep-unit\n' ;;
  *) exit 1 ;;
esac
SCRIPT
assert_start_fails later resources 219
nspawn_is <<'SCRIPT'
exec sleep 1000
SCRIPT
began=$(now_ms)
assert_start_fails later resources nspawn
took=$(($(now_ms) - began))
[ $took -le 12000 ] || fail "gave up after $took ms, expected 5 s each for --version and --help at most"

step "while a mute one is asked the daemon goes on; a reload waits for the answer"
nspawn_is <<SCRIPT
echo \$\$ >$SANDBOX/mute
exec sleep 1000
SCRIPT
ctl start --no-block later >/dev/null
assert_soon test -s "$SANDBOX/mute"
assert_ok ctl down beside
assert_ok ctl up beside
kill -0 "$(cat "$SANDBOX/mute")" || fail "it was waited for"
assert_ok ctl reload
! kill -0 "$(cat "$SANDBOX/mute")" 2>/dev/null || fail "the reload did not wait"
assert_cstate later failed resources
real_nspawn
assert_ok ctl start later
assert_runs later
assert_ok ctl stop later

step "all the time nothing happened to the one that is well"
assert_eq "$(identity_of fine)" "$FINE"
assert_eq "$(cstate fine)" running
assert_ok ctl stop fine

finish
