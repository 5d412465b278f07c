#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is written down of containers is a hint: damaged, gone, of another version or boot, something else in its place,
# among 10000 strangers' files, on a /run that is full. The daemon always starts, what it knows goes on, the rest is ended
# before it is started anew: never two of one, and nothing stays.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

STATE=/run/netnsd/state
DAMAGES=(missing truncated version boot garbage binary huge directory fifo symlink)

damage() { # KIND: the record of the container that is called so
  local record=$STATE/$1.record
  case $1 in
    missing) rm "$record" ;;
    truncated) truncate -s 150 "$record" ;;
    version) sed -i 's/^Version=.*/Version=2/' "$record" ;;
    boot) sed -i 's/^BootID=.*/BootID=11111111-2222-3333-4444-555555555555/' "$record" ;;
    garbage) echo "State=running is all there is" >"$record" ;;
    binary) head -c 4096 /dev/urandom >"$record" ;;
    huge) yes "# $(printf 'x%.0s' {1..200})" | head -c 10000000 >"$record" ;;
    directory) rm "$record" && mkdir "$record" ;;
    fifo) rm "$record" && mkfifo "$record" ;;
    symlink) mv "$record" "$SANDBOX/elsewhere" && ln -s "$SANDBOX/elsewhere" "$record" ;;
  esac
}

value_of() { # KEY: of the record of `versioned`
  sed -n "s/^$1=//p" "$STATE/versioned.record"
}

mkdir -p /run/netnsd
mount -t tmpfs -o size=16m,mode=0755 small /run/netnsd || fail "no tmpfs"
for name in "${DAMAGES[@]}"; do
  payload_conf "$name" "log /shared/log lock /shared/lock sleep" Container.AutoStart=yes
done
payload_conf versioned "log /shared/log lock /shared/lock sleep"
payload_conf by-hand "log /shared/log lock /shared/lock sleep"
payload_conf stays "log /shared/log lock /shared/lock sleep" Container.AutoStart=yes
payload_conf leaves "log /shared/log sleep"
payload_conf one "log /shared/log sleep"
start_daemon
assert_ok ctl start versioned by-hand stays "${DAMAGES[@]}"

step "damaged in every way: ended, then started anew where AutoStart= says so; all others go on"
declare -A LEADERS STARTS
for name in "${DAMAGES[@]}" by-hand; do
  await_log "$name" locked
  LEADERS[$name]=$(leader_of "$name")
  STARTS[$name]=$(start_time "${LEADERS[$name]}")
done
stays=$(identity_of stays)
kill_daemon
for name in "${DAMAGES[@]}"; do
  damage "$name"
done
rm $STATE/by-hand.record
mark=$(log_mark)
start_daemon
for name in "${DAMAGES[@]}"; do
  await_log "$name" locked 2
  is_dead "${LEADERS[$name]}" "${STARTS[$name]}" || fail "$name: the next one began while the one before was alive"
  log_has "$name" "locked already" && fail "$name: two inits shared a root"
  assert_cstate "$name" running
  assert_runs "$name"
  { [ -f "$STATE/$name.record" ] && [ ! -L "$STATE/$name.record" ]; } || fail "no record of $name now"
done
assert_nothing_of by-hand
assert_soon_eq dead cstate by-hand
assert_eq "$(identity_of stays)" "$stays"
for name in truncated version garbage binary huge directory fifo; do
  logged "($STATE/$name.record) cannot be used: damaged, or another version's" "$mark" || fail "nothing is said of $name"
done
logged "($STATE/symlink.record) cannot be used: Too many levels of symbolic links" "$mark" || fail "nothing is said of symlink"
logged "$STATE/boot.record" "$mark" && fail "one of another boot is nothing to warn of"
grep -q Version "$SANDBOX/elsewhere" || fail "what the link pointed to was changed"

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
  step "cannot be read now, which is not its fault: a start is refused, and nothing is ended"
  kill_daemon
  before=$(identity_of truncated)
  mark=$(log_mark)
  KEPT=("${DAEMON_WRAPPER[@]}")
  DAEMON_WRAPPER+=(strace -D -f -qq -o /dev/null -P "$STATE/truncated.record" -e trace=openat -e inject=openat:error=EIO)
  start_daemon_refused
  logged "cannot read $STATE/truncated.record: Input/output error" "$mark" || fail "it was not told"
  DAEMON_WRAPPER=("${KEPT[@]}")
  assert_eq "$(identity_of truncated)" "$before"
  step "who asks while it looks at what exists waits, rather than be told that nothing runs"
  DAEMON_WRAPPER+=(strace -D -f -qq -o /dev/null -P /run/netns -e trace=openat -e inject=openat:delay_enter=2000000)
  launch_daemon
  answered() {
    ANSWER=$(cstate truncated 2>/dev/null) && [ -n "$ANSWER" ]
  }
  wait_for 20 answered || fail "nobody answers"
  assert_eq "$ANSWER" running
  await_ready
  DAEMON_WRAPPER=("${KEPT[@]}")
  kill_daemon
else
  step "cannot be read now: skipped, strace cannot be used"
  before=$(identity_of truncated)
  kill_daemon
fi
start_daemon
assert_eq "$(identity_of truncated)" "$before"
assert_ok ctl stop "${DAMAGES[@]}"

step "10000 files of strangers: a quick start, few words, theirs stay unless they look like records"
before=$(identity_of stays)
kill_daemon
(cd $STATE && seq 8000 | sed 's/^/theirs-/' | xargs touch && seq 1000 | sed 's/$/.record/; s/^/stranger-/' | xargs touch &&
  seq 1000 | sed 's/$/_.record/; s/^/-/' | xargs touch --)
mark=$(log_mark)
began=$(now_ms)
start_daemon
[ $(($(now_ms) - began)) -lt 10000 ] || fail "the start took $(($(now_ms) - began)) ms"
assert_eq "$(identity_of stays)" "$before"
[ "$(tail -n "+$mark" "$SANDBOX/daemon.log" | grep -c "cannot be used")" -le 21 ] || fail "too many words"
logged "980 more files in $STATE cannot be used" "$mark" || fail "that there are more is not said"
assert_eq "$(find $STATE -name 'theirs-*' | wc -l)" 8000
assert_eq "$(find $STATE -name 'stranger-*' | wc -l)" 0
find $STATE \( -name 'theirs-*' -o -name '-*' \) -delete

step "a record of version 1"
assert_ok ctl start versioned
assert_runs versioned
before=$(identity_of versioned)
kill_daemon
sed -e "s|@BootID@|$(value_of BootID)|; s|@PID@|$(value_of PID)|; s|@PIDStarted@|$(value_of PIDStarted)|" \
  -e "s|@Leader@|$(value_of Leader)|; s|@LeaderStarted@|$(value_of LeaderStarted)|" \
  -e "s|@ControlGroup@|$(value_of ControlGroup)|; s|@Settings@|$(value_of Settings)|" "$TEST_LIB/data/record-1" >"$SANDBOX/record"
mv "$SANDBOX/record" $STATE/versioned.record
start_daemon
assert_eq "$(identity_of versioned)" "$before"
assert_runs versioned
assert_eq "$(cshow versioned '[.runtime.restarts, .runtime.totalRestarts, .runtime.result, .runtime.exitCode,
  .runtime.exitStatus, .runtime.since, .runtime.needsRestart // false]')" '[3,5,"exit-code","exited",7,1796062333318146,false]'
assert_eq "$(cshow versioned .runtime.restartReason)" "starts again in 50ms: Restart=always"
assert_ok ctl stop versioned

step "a process that has the number of one that is gone is nobody's"
assert_ok ctl start versioned
kill_daemon
leader=$(leader_of versioned)
started=$(start_time "$leader")
nspawn=$(nspawn_of versioned)
kill -KILL "$nspawn"
assert_soon test ! -d "/proc/$nspawn"
tail -f /dev/null &
other=$!
own_pid $other
sed -i "s/^PID=.*/PID=$other/" $STATE/versioned.record
start_daemon
assert_cstate versioned failed exit-code
is_dead "$leader" "$started" || fail "its init lives on"
assert_nothing_of versioned
kill -0 $other || fail "a stranger was killed"
kill $other
wait $other 2>/dev/null

full() { # what is to be seen while nothing can be written: all goes on
  local mark before
  before=$(identity_of stays)
  mark=$(log_mark)
  assert_ok ctl stop leaves
  assert_cstate leaves dead success
  assert_ok ctl start leaves
  assert_ok ctl stop leaves
  assert_ok ctl kill -s KILL one
  assert_soon_eq failed cstate one
  assert_eq "$(tail -n "+$mark" "$SANDBOX/daemon.log" | grep -c "the state of containers cannot be written to $STATE")" 1 \
    "warnings"
  assert_eq "$(identity_of stays)" "$before"
  kill_daemon
  start_daemon
  assert_eq "$(identity_of stays)" "$before"
  assert_eq "$(cstate stays)" running
  assert_runs stays
  stop_daemon
  start_daemon
  assert_eq "$(identity_of stays)" "$before"
}

step "/run is full: told once, all goes on, and what is known is kept"
assert_ok ctl start leaves one
dd if=/dev/zero of=/run/netnsd/filler bs=4k 2>/dev/null
full
mark=$(log_mark)
rm /run/netnsd/filler
assert_ok ctl start leaves one
assert_soon logged "the state of containers is written to $STATE again" "$mark"
assert_soon_eq running sed -n 's/^State=//p' $STATE/leaves.record
assert_soon_eq running sed -n 's/^State=//p' $STATE/stays.record

step "/run has no inode left"
no_inodes() {
  mount -o remount,nr_inodes="$(df --output=iused /run/netnsd | tail -n 1 | tr -d ' ')" /run/netnsd || fail "no remount"
}
no_inodes
: 2>/dev/null >/run/netnsd/filler && fail "there are inodes"
before=$(identity_of stays)
assert_ok ctl kill -s KILL one
assert_soon_eq failed cstate one
no_inodes
assert_status 1 ctl start one
assert_contains "$OUTPUT" "No space left on device"
assert_eq "$(identity_of stays)" "$before"
kill_daemon
start_daemon
assert_eq "$(identity_of stays)" "$before"
assert_cstate stays running
assert_runs stays
mount -o remount,nr_inodes=100000 /run/netnsd
assert_soon_eq running sed -n 's/^State=//p' $STATE/stays.record
assert_ok ctl start one
assert_runs one

step "a notify socket that cannot be made ends nothing"
before=$(identity_of stays)
kill_daemon
mv /run/netnsd/notify /run/netnsd/notify.away
: >/run/netnsd/notify
mark=$(log_mark)
start_daemon
assert_eq "$(identity_of stays)" "$before"
logged "what it says from now on is not heard" "$mark" || fail "it was not told"
assert_runs stays
rm /run/netnsd/notify && mv /run/netnsd/notify.away /run/netnsd/notify
assert_ok ctl stop stays
assert_nothing_of stays

finish
