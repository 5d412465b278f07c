#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl reexec: another program in the same process. Containers, namespaces, traffic, clients and followers go on;
# a call that waits is answered by the new program; nothing leaks, nothing is a zombie; a program that cannot be
# executed leaves the old one at work.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"
need_kind veth

conf one <<'FILE'
[Namespace]
[Veth eth0]
PeerName=ns-one
PeerAddress=10.60.0.1/24
Address=10.60.0.2/24
FILE
conf slow <<<'[Namespace]'
conf host <<'FILE'
[Namespace]
Host=yes
FILE
payload_conf one "log /shared/log listen 700 sleep" Service.Restart=on-failure Service.RestartSec=200ms
payload_conf slow "log /shared/log await /shared/go ready sleep" Exec.NotifyReady=yes
payload_conf health "log /shared/log sleep" Container.Namespace=one "Service.HealthCmd=sleep 0.3" \
  Service.HealthIntervalSec=1s
PROGRAM=$SANDBOX/netnsd # a file that can be replaced
cp "$NETNSD" "$PROGRAM"
NETNSD=$PROGRAM
start_daemon
assert_ok ctl start one health
PID=$DAEMON_PID
ONE=$(identity_of one)
NETNS=$(fingerprint one)

no_zombies() {
  [ -z "$(ps -o stat= --ppid "$DAEMON_PID" | awk '/^Z/')" ]
}

told_twice() { # that slow runs
  [ "$(jq -r 'select(.container == "slow" and .text == "running: ready") | 1' "$SANDBOX/events" | wc -l)" -ge 2 ]
}

# A stream through the namespace: numbers, each exactly once, in order.
stream_server() {
  inns one python3 -c 'import socket, sys
s = socket.create_server(("10.60.0.2", 7000))
print("listens", flush=True)
c, _ = s.accept()
data = b""
while chunk := c.recv(65536):
    data += chunk
sys.exit(data != b"".join(b"%08d\n" % i for i in range(data.count(b"\n"))) or not data)'
}
stream_server >"$SANDBOX/server" &
SERVER=$!
assert_soon grep -q listens "$SANDBOX/server"
mkfifo "$SANDBOX/end"
exec {END}<>"$SANDBOX/end"
python3 -c 'import socket, sys, time, os
c = socket.create_connection(("10.60.0.2", 7000))
i = 0
end = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
while True:
    c.sendall(b"%08d\n" % i)
    i += 1
    time.sleep(0.001)
    try:
        if os.read(end, 1): break
    except BlockingIOError: pass' "$SANDBOX/end" &
CLIENT=$!

step "followers, and calls that wait: both go on"
"$NETNSCTL" monitor --json=short >"$SANDBOX/events" 2>&1 &
MONITOR=$!
own_pid $MONITOR
assert_soon grep -q '"ready"' "$SANDBOX/events"
"$NETNSCTL" start slow >"$SANDBOX/slow" 2>&1 &
START=$!
assert_soon is_running slow
SLOW=$(identity_of slow)
before=$(daemon_fds_at_rest)
assert_ok ctl reexec
assert_eq "$(identity_of one) $(identity_of slow)" "$ONE $SLOW" "the containers"
assert_eq "$(fingerprint one)" "$NETNS" "the namespace"
kill -0 "$PID" || fail "another process"
assert_eq "$(cstate slow)" start
: >"$SHARED/slow/go"
wait $START || fail "whoever waited for the start was told: $(cat "$SANDBOX/slow")"
assert_cstate slow running
kill -0 $MONITOR 2>/dev/null || fail "the follower was cut off: $(tail -n 1 "$SANDBOX/events")"
assert_ok ctl restart slow
assert_soon told_twice
# Numbers go on, none twice among what are changes.
jq -r 'select(.change == "set" or .change == "removed") | .sequence' "$SANDBOX/events" >"$SANDBOX/numbers"
sort -nu "$SANDBOX/numbers" | cmp -s - "$SANDBOX/numbers" || fail "numbers are not in order: $(paste -sd' ' "$SANDBOX/numbers")"

step "thirty times: nothing leaks, no zombie stays, the health check is asked on"
for _ in {1..30}; do
  assert_ok ctl reexec
done
assert_eq "$(identity_of one)" "$ONE"
after=$(daemon_fds_at_rest)
[ "$after" -le "$before" ] || fail "it had $before descriptors, and has $after"
assert_soon no_zombies
assert_soon_eq healthy cshow health .runtime.health

step "what the old program began to watch, the new one hears: nspawn killed"
kill -KILL "$(nspawn_of one)"
assert_soon is_another_than "$ONE" one
assert_cstate one running
ONE=$(identity_of one)

step "a reload with a new file executes that, another one only reads the files"
inode=$(stat -L -c %i "/proc/$PID/exe")
kill -HUP "$PID"
assert_soon grep -q "ready" "$SANDBOX/events"
assert_ok ctl reload
assert_eq "$(stat -L -c %i "/proc/$PID/exe")" "$inode"
cp "$PROGRAM" "$PROGRAM.new"
mv "$PROGRAM.new" "$PROGRAM"
inode=$(stat -c %i "$PROGRAM")
kill -HUP "$PID"
assert_soon_eq "$inode" stat -L -c %i "/proc/$PID/exe"
assert_soon ctl list
assert_eq "$(identity_of one)" "$ONE"

step "a program that is missing, no program, not executable: said, and the old one goes on"
mv "$PROGRAM" "$PROGRAM.old"
assert_status 1 ctl reexec
assert_contains "$OUTPUT" "No such file"
echo "no program" >"$PROGRAM"
assert_status 1 ctl reexec
assert_contains "$OUTPUT" "$PROGRAM"
chmod 755 "$PROGRAM"
assert_status 1 ctl reexec
assert_contains "$OUTPUT" "Exec format error"
mv "$PROGRAM.old" "$PROGRAM"
assert_eq "$(identity_of one)" "$ONE"
assert_ok ctl stop slow
assert_ok ctl start slow
assert_ok ctl reexec

step "done is said when the new program knows what runs, not before"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
  kill_daemon
  KEPT=("${DAEMON_WRAPPER[@]}")
  DAEMON_WRAPPER+=(strace -D -f -qq -ttt -o "$SANDBOX/trace" -P "$PROGRAM" -P /run/netns -e 'trace=execve,openat'
    -e inject=openat:delay_enter=2000000)
  start_daemon
  assert_ok ctl reexec
  took=$(($(date +%s%3N) - $(awk '/execve/ { at = $2 } END { sub(/[.]/, "", at); print at }' "$SANDBOX/trace") / 1000))
  [ $took -ge 2000 ] || fail "it was done $took ms after the execve, and a look takes 2000"
  DAEMON_WRAPPER=("${KEPT[@]}")
  kill_daemon
  start_daemon
else
  step "skipped, strace cannot be used"
fi

step "not one byte of the stream is lost"
echo >&"$END"
wait $CLIENT || fail "the client of the stream failed"
wait $SERVER || fail "the stream is not what was sent"

kill $MONITOR
wait $MONITOR 2>/dev/null
finish
