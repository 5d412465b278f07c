#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl shell into namespaces that stand for a container, and a server that stands for the daemon: where
# the command is, as whom, its exit code, its terminal, and whom it refuses to enter.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_program setpriv pgrep

WORK=$SANDBOX/shell
mkdir -p "$WORK"
export NETNSD_SOCKET=$WORK/socket TEST_LIB WORK
SECRET=host
export SECRET

# As nspawn does it: a supervisor, and its child, the first of a PID namespace, with a /dev/pts of its own.
cat >"$WORK/init" <<'X'
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
hostname inside
touch "$WORK/up"
exec setpriv --bounding-set=-sys_module,-sys_rawio sleep infinity
X
unshare -mpfnu --propagation private --mount-proc sh "$WORK/init" &
SUPERVISOR=$!
assert_soon test -e "$WORK/up"
leader() {
  LEADER=$(cat /proc/$SUPERVISOR/task/$SUPERVISOR/children)
  LEADER=${LEADER% }
  grep -q '^sleep' "/proc/$LEADER/comm"
}
assert_soon leader
leader

runs() { # PID LEADER, as JSON
  jq -n --argjson p "$1" --argjson l "$2" '{"io.netnsd.Container.Describe":
    [{parameters: {name: "web", runtime: {state: "running", pid: $p, leader: $l}}}]}' >"$WORK/script.new"
  mv "$WORK/script.new" "$WORK/script"
}
runs $SUPERVISOR "$LEADER"
exec {FD}< <(exec python3 "$TEST_LIB/fake_server.py" "$NETNSD_SOCKET" "$WORK/script" "$WORK/log")
SERVER_PID=$!
read -r -t 30 _ <&"$FD" || fail "the fake server does not start"

inside() { # COMMAND...
  "$NETNSCTL" shell web "$@" </dev/null
}

step "where it is, and as whom"
for ns in mnt net uts pid; do
  assert_eq "$(inside readlink /proc/self/ns/$ns)" "$(readlink "/proc/$LEADER/ns/$ns")" $ns
done
assert_eq "$(inside hostname)" inside
assert_eq "$(inside id -u)" 0
for field in CapBnd CapPrm CapEff; do
  assert_eq "$(inside grep $field: /proc/self/status | cut -f 2)" "$(grep CapBnd: "/proc/$LEADER/status" | cut -f 2)" $field
done
environment=$(inside env)
assert_lacks "$environment" SECRET
assert_contains "$environment" HOME=/root
assert_contains "$environment" PATH=
assert_eq "$(inside pwd)" /root
# Nothing of the caller's but its standard descriptors.
assert_eq "$(inside sh -c 'ls /proc/self/fd | wc -l')" 4 # and that of ls
assert_eq "$(ctl shell web.container hostname </dev/null)" inside

step "exit codes"
assert_status 0 inside true
assert_status 7 inside sh -c 'exit 7'
assert_status 137 inside sh -c 'kill -9 $$'
assert_status 127 inside /no/such/program
assert_contains "$OUTPUT" "cannot run '/no/such/program' in 'web': No such file or directory"
assert_status 127 inside no-such-program
assert_status 126 inside /etc
assert_contains "$OUTPUT" "cannot run '/etc' in 'web': Permission denied"
assert_status 3 ctl shell web sh -c 'exit 3' --help </dev/null # not an option of ours

step "without a terminal"
assert_eq "$(printf 'a\0b\n' | ctl shell web cat | od -An -tx1 | xargs)" "61 00 62 0a"
head -c 3000000 /dev/urandom >"$WORK/random"
assert_eq "$(ctl shell web cat <"$WORK/random" | md5sum)" "$(md5sum <"$WORK/random")"
ctl shell web sh -c 'echo out; echo err >&2' </dev/null >"$WORK/out" 2>"$WORK/err"
assert_eq "$(cat "$WORK/out")" out
assert_eq "$(cat "$WORK/err")" err
# shellcheck disable=SC2016
assert_eq "$(echo 'echo "$0" $((6 * 7))' | ctl shell web | tail -n 1 | sed 's/.* //')" 42 "a script for root's shell"

step "a terminal"
assert_ok timeout 120 python3 "$TEST_LIB/shell_terminal.py"

step "it ends with whoever asked for it"
"$NETNSCTL" shell web sleep 4321 </dev/null &
SHELL_PID=$!
sleeps() {
  pgrep -f '^sleep 4321' >/dev/null
}
no_sleep() {
  ! sleeps
}
assert_soon sleeps
kill -TERM $SHELL_PID
status=0
wait $SHELL_PID || status=$?
assert_eq $status 143
assert_soon no_sleep
"$NETNSCTL" shell web sleep 4321 </dev/null &
SHELL_PID=$!
assert_soon sleeps
kill -KILL $SHELL_PID
wait $SHELL_PID 2>/dev/null
assert_soon no_sleep

step "refusals"
refuses() { # TEXT COMMAND...
  assert_status 125 "${@:2}"
  assert_contains "$OUTPUT" "$1"
}
refuses "needs root" setpriv --reuid=65534 --clear-groups "$NETNSCTL" shell web true
sleep infinity &
STRANGER=$!
runs $SUPERVISOR $STRANGER
refuses "it has just ended, or was started anew" inside true
runs $STRANGER "$LEADER"
refuses "it has just ended, or was started anew" inside true
runs $SUPERVISOR 4194303
refuses "it has just ended, or was started anew" inside true
runs $SUPERVISOR 0
refuses "it does not run (running); 'netnsctl start web'" inside true
echo '{"io.netnsd.Container.Describe": [{"error": "io.netnsd.Container.NoSuchContainer", "parameters": {"name": "web"}}]}' >"$WORK/script"
refuses "there is no container 'web'" inside true
NETNSD_SOCKET=$WORK/none refuses "netnsd is not running" inside true

kill -KILL "$LEADER"
wait $SUPERVISOR 2>/dev/null
kill $SERVER_PID $STRANGER
echo passed
