#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl log without a journal and without a daemon: the last lines, following a file that is shortened in
# place, replaced, or not there yet, and what a container could print to steer a terminal. And with a journal
# of the sandbox's own, where systemd-journald can be run.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

WORK=$SANDBOX/work.log
DIR=/var/log/netnsd
LOG=$DIR/web.log
mkdir -p "$WORK"
export NETNSD_SOCKET=$WORK/none
mount -t tmpfs none /var/log || fail "no tmpfs on /var/log"

step "no output"
assert_status 1 ctl log web
assert_contains "$OUTPUT" "there is no output of 'web'"
mkdir $DIR
assert_status 1 ctl log web
assert_contains "$OUTPUT" "$LOG: No such file or directory"
ln -s /etc/passwd $LOG
assert_status 1 ctl log web
assert_contains "$OUTPUT" "cannot show the output of 'web': $LOG: Too many levels of symbolic links"
rm $LOG
mkfifo $LOG
assert_status 1 timeout 20 "$NETNSCTL" log web
assert_contains "$OUTPUT" "is no plain file"
rm $LOG
echo secret >$LOG
chmod 600 $LOG
assert_status 1 setpriv --reuid=65534 --clear-groups "$NETNSCTL" log web
assert_contains "$OUTPUT" "Permission denied; run it as root"

step "the last lines"
seq -f 'line %g' 20000 >$LOG # several blocks
assert_eq "$(ctl log web | md5sum)" "$(md5sum <$LOG)"
assert_eq "$(ctl log web.container | wc -l)" 20000
assert_eq "$(ctl log -n all web | wc -l)" 20000
for n in 0 1 2 10 19999 20000 20001 18446744073709551615; do
  assert_eq "$(ctl log -n $n web | md5sum)" "$(tail -n $n $LOG | md5sum)" "-n $n"
done
printf 'no end' >>$LOG
assert_eq "$(ctl log --lines=2 web)" "line 20000
no end"
printf '\n\n\n' >$LOG
assert_eq "$(ctl log -n 2 web | od -An -tx1 | xargs)" "0a 0a"
: >$LOG
assert_eq "$(ctl log -n 5 web)" ""
printf 'a\0b\n\xff\n' >$LOG
assert_eq "$(ctl log web | od -An -tx1 | xargs)" "61 00 62 0a ff 0a" "as it is into a pipe"
assert_eq "$(ctl log web --json=short)" '{"text":"a\u0000b"}
{"text":"\\xff"}'
printf 'x\n\ny' >$LOG
assert_eq "$(ctl log web --json=short | jq -r .text | md5sum)" "$(printf 'x\n\ny\n' | md5sum)"

step "control characters"
on_terminal() { # the bytes that a terminal would get
  LC_ALL=${LOCALE-C.UTF-8} TERM=vt100 python3 "$TEST_LIB/terminal.py" "$NETNSCTL" --no-pager log web | tr -d '\r'
}
shows() { # INPUT-AS-PRINTF EXPECTED
  # shellcheck disable=SC2059
  printf "$1" >$LOG
  assert_eq "$(on_terminal)" "$2" "$1"
}
shows 'plain \xc3\xa4 \xe2\x82\xac\n' 'plain ä €'
shows '[  \033[0;32mOK\033[0m  ] up\n' '[  OK  ] up'
shows 'a\033[2Jb\033[31;1mc\n' 'abc'
shows '\033]0;title\007x\033]0;t\033\\y\n' 'xy'
shows 'a\033cb\033(Bc\n' 'a?cb?(Bc'
shows 'a\010b\007c\n' 'a?b?c'
shows 'dos\r\nover\rwritten\n' "dos
over?written"
shows 'a\xc2\x9b31mb\n' 'a?31mb'
shows 'a\xc2\xa0b\n' $'a\xc2\xa0b'
shows 'a\xc2\033[m\x9b31mb\n' $'a\xc2?31mb'
LOCALE=C shows 'a\x9b31mb\n' 'a?31mb'
shows 'end\033' 'end'
shows "\\033[$(printf '1;%.0s' {1..60})mx\\n" "$(printf '1;%.0s' {33..60})mx"
shows 'a\033[3\nb\n' 'a
b'
shows '\x7f\x00\n' '??'
head -c 300000 /dev/urandom >$LOG
# What is left may be no text, but nothing that a terminal acts upon.
if on_terminal | LC_ALL=C tr '\n\t' '  ' | LC_ALL=C grep -q -a -P '[\x00-\x1f\x7f]|(?<![\x80-\xff])\xc2[\x80-\x9f]'; then
  fail "control characters reach the terminal"
fi
printf 'a\033[2Jb\n' >$LOG
assert_eq "$(ctl log web | od -An -tx1 | xargs)" "61 1b 5b 32 4a 62 0a"

step "following"
follow() { # ARGS...: into $WORK/out
  "$NETNSCTL" log -f "$@" >"$WORK/out" 2>"$WORK/err" &
  FOLLOWER=$!
}
unfollow() {
  local status=0
  kill -INT $FOLLOWER
  wait $FOLLOWER || status=$?
  assert_eq $status 0 "the end by SIGINT"
}
out_is() {
  [ "$(cat "$WORK/out")" = "$1" ]
}
seq 30 >$LOG
follow web
assert_soon out_is "$(seq 21 30)"
echo 31 >>$LOG
assert_soon out_is "$(seq 21 31)"
echo other >$DIR/other.log
printf '3' >>$LOG
assert_soon out_is "$(seq 21 31)
3"
printf '2\n' >>$LOG
assert_soon out_is "$(seq 21 32)"
rm $LOG # by hand
seq 33 34 >$LOG
assert_soon out_is "$(seq 21 34)"
unfollow

step "shortened in place, as the daemon does it"
# The newest to the front, then the end is cut off; what is written meanwhile and afterwards is there once.
shorten() { # KEEP
  python3 - "$1" <<'X'
import os, sys
keep = int(sys.argv[1])
fd = os.open("/var/log/netnsd/web.log", os.O_RDWR)
size = os.fstat(fd).st_size
data = os.pread(fd, keep, size - keep)
os.pwrite(fd, data, 0)
os.ftruncate(fd, len(data))
X
}
seq -f 'line %g' 20000 >$LOG
follow -n 3 web
assert_soon out_is "$(seq -f 'line %g' 19998 20000)"
shorten 50000
seq -f 'line %g' 20001 20010 >>$LOG
assert_soon out_is "$(seq -f 'line %g' 19998 20010)"
shorten 200
seq -f 'line %g' 20011 20012 >>$LOG
assert_soon out_is "$(seq -f 'line %g' 19998 20012)"
# Longer than it was before anybody looks: the place alone would not tell.
kill -STOP $FOLLOWER
seq -f 'line %g' 20013 20014 >>$LOG
shorten 100
seq -f 'line %g' 20015 40000 >>$LOG
kill -CONT $FOLLOWER
assert_soon out_is "$(seq -f 'line %g' 19998 40000)"
assert_eq "$(cat "$WORK/err")" ""
# What was printed last is not there any more: that is said.
printf 'fresh\n' >$LOG
assert_soon out_is "$(seq -f 'line %g' 19998 40000)
fresh"
assert_contains "$(cat "$WORK/err")" "was shortened; lines may be missing here"
unfollow
rm $LOG
follow web
assert_soon grep -q "no output of 'web' yet" "$WORK/err"
echo first >$LOG
assert_soon out_is first
unfollow
follow web --json=short
assert_soon out_is '{"text":"first"}'
unfollow
assert_status 1 ctl log -f ../etc

step "below status"
python3 -c '
import json, sys
json.dump({"io.netnsd.Container.Describe": [{"parameters": {"name": "web", "runtime": {"state": "running"}}}]}, sys.stdout)' >"$WORK/script"
exec {FD}< <(exec python3 "$TEST_LIB/fake_server.py" "$NETNSD_SOCKET" "$WORK/script" "$WORK/log")
SERVER_PID=$!
read -r -t 30 _ <&"$FD" || fail "the fake server does not start"
seq 30 >$LOG
assert_status 0 ctl status web.container
assert_eq "$(tail -n 11 <<<"$OUTPUT")" "
$(seq 21 30)"
rm $LOG
assert_status 0 ctl status web.container
assert_eq "$(tail -n 1 <<<"$OUTPUT" | cut -c 1-18)" "      State: runni"
kill $SERVER_PID

step "the journal"
JOURNALD=/usr/lib/systemd/systemd-journald
if [ ! -x $JOURNALD ] || ! command -v systemd-cat >/dev/null; then
  echo "there is no systemd-journald here: that part is left out"
  echo passed
  exit 0
fi
mkdir -p /run/systemd/journal /run/log/journal
[ -s /etc/machine-id ] || systemd-id128 new >/etc/machine-id
mount -t cgroup2 none /sys/fs/cgroup # it asks where it is itself
SYSTEMD_LOG_TARGET=null $JOURNALD &
JOURNAL_PID=$!
wait_for 10 test -S /run/systemd/journal/stdout || { echo "systemd-journald does not run here: that part is left out"; echo passed; exit 0; }
say() { # IDENTIFIER LINES...
  printf '%s\n' "${@:2}" | systemd-cat -t "$1"
}
logged() {
  [ "$(ctl log "$@" | cut -d ' ' -f 4-)" = "$EXPECTED" ]
}
say netnsd/web one two three
say netnsd/other elsewhere
say netnsd/webx elsewhere
setpriv --reuid=65534 --clear-groups systemd-cat -t netnsd/web echo forged
EXPECTED=$'one\ntwo\nthree'
assert_soon logged web
logger --journald <<'X'
MESSAGE=Starting container
SYSLOG_IDENTIFIER=netnsd
CONTAINER=web
X
EXPECTED=$'three\nnetnsd: Starting container'
assert_soon logged -n 2 web
for n in 0 1 3 4 5 100; do
  assert_eq "$(ctl log -n $n web | wc -l)" $((n < 4 ? n : 4)) "-n $n"
done
ctl log web | grep -q -v -P '^[A-Z][a-z]{2} [ 0-9]{2} \d\d:\d\d:\d\d ' && fail "no time: $(ctl log web)"
assert_json 'select(.text == "one") | .time > 1000000000000000' true ctl log -n 4 web --json=short | head -n 1
long=$(printf 'x%.0s' {1..20000})
say netnsd/web "$long"
EXPECTED=$long
assert_soon logged -n 1 web
follow -n 1 web
assert_soon grep -q xxxx "$WORK/out"
say netnsd/web four
assert_soon grep -q ' four$' "$WORK/out"
unfollow
kill $JOURNAL_PID
wait $JOURNAL_PID
echo passed
