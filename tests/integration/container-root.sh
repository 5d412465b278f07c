#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The root of a container: a directory, an overlay over one, a skeleton of netnsd's own, with a limit; what is
# made beforehand, and that nothing stays behind. Rows of SEED.md are named at each step.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
container_sandbox "$@"

root_of() { # NAME PATH: as seen from outside
  echo "/proc/$(leader_of "$1")/root$2"
}

mode_of() { # PATH
  stat -c '%a %U:%G' "$1"
}

own_root() { # NAME WORDS [SECTION.KEY=VALUE...]: without Directory=; the payload comes by a bind
  local name=$1 words=$2
  shift 2
  payload_conf "$name" "$words" Container.Directory= "Files.BindReadOnly=$PAYLOAD:/payload" \
    "Files.BindReadOnly=/bin/busybox:/bin/sh" "Files.BindReadOnly=/bin/busybox:/bin/dd" "$@"
}

start_daemon

step "S68: Directory= is used as it is"
payload_conf direct "log /shared/log sh \"echo kept >/file\" sleep"
assert_ok ctl reload
assert_ok ctl start direct
await_log direct "sh 0"
assert_eq "$(cat "$MACHINES/direct/file")" kept
assert_ok ctl stop direct
assert_nothing_of direct
assert_eq "$(cat "$MACHINES/direct/file")" kept
RUN_BEFORE=$(names_in /run)

step "S53, S57-S61: without one it gets a skeleton; modes, owners, an empty os-release and machine-id"
own_root bare "log /shared/log sleep"
assert_ok ctl reload
assert_ok ctl start bare
assert_runs bare
await_log bare "begin 1"
for dir in etc var/lib usr usr/bin; do
  assert_eq "$(mode_of "$(root_of bare "/$dir")")" "755 root:root" "$dir"
done
for dir in var/lib/private root; do
  assert_eq "$(mode_of "$(root_of bare "/$dir")")" "700 root:root" "$dir"
done
assert_eq "$(stat -c '%F %s' "$(root_of bare /etc/os-release)")" "regular empty file 0"
[ -f "$(root_of bare /etc/machine-id)" ] || fail "no /etc/machine-id"
assert_eq "$(mode_of /run/netnsd/containers)" "700 root:root"
[ -d /run/netnsd/containers/bare ] || fail "the root is not where it is said to be"
echo mark >"$(root_of bare /etc/mark)"

step "S5, S46, S53: gone after the end, another one after a restart"
assert_ok ctl restart bare
assert_runs bare
[ ! -e "$(root_of bare /etc/mark)" ] || fail "the old root came back"
assert_ok ctl stop bare
assert_nothing_of bare
assert_eq "$(names_in /run)" "$RUN_BEFORE" "what is in /run"

step "S73: Ephemeral= writes to an overlay; the directory stays as it is, no copy is made"
payload_conf short "log /shared/log sh \"test ! -e /file && echo new >/file\" ready sleep" Exec.Ephemeral=yes Exec.NotifyReady=yes
before=$(cd "$MACHINES" && find short -printf '%p %s %T@\n' | sort)
assert_ok ctl reload
assert_ok ctl start short
await_log short "sh 0"
assert_eq "$(cat "$(root_of short /file)")" new
assert_eq "$(cd "$MACHINES" && find short -printf '%p %s %T@\n' | sort)" "$before" "the directory below the overlay"
find "$MACHINES" -maxdepth 1 -name '.#machine*' | grep . && fail "a copy was made"
assert_ok ctl restart short
await_log short "sh 0" 2
log_has short "sh 1" && fail "the file of the first run is in the second"
assert_ok ctl stop short
assert_nothing_of short

step "S73: two from the same directory at once, neither sees the other"
payload_conf twin "log /shared/log sh \"test ! -e /file && echo new >/file\" ready sleep" Exec.Ephemeral=yes Exec.NotifyReady=yes \
  "Container.Directory=$MACHINES/short"
forget_log short
assert_ok ctl reload
assert_ok ctl start short twin
await_log short "sh 0"
await_log twin "sh 0"
assert_ok ctl stop short twin

step "S54: RootSizeMax= ends in ENOSPC inside, and /run has as much room as before"
own_root small "log /shared/log sh \"dd if=/dev/zero of=/big bs=1M count=64\" sh \"echo more >/other\" sleep" Container.RootSizeMax=8M
payload_conf smallover "log /shared/log sh \"dd if=/dev/zero of=/big bs=1M count=64\" sleep" Container.RootSizeMax=8M Exec.Ephemeral=yes
free_before=$(df --output=avail -k /run | tail -n 1)
assert_ok ctl reload
assert_ok ctl start small smallover
for name in small smallover; do
  await_log $name "sh 1"
  size=$(stat -c %s "$(root_of $name /big)")
  [ "$size" -le $((8 << 20)) ] || fail "$name wrote $size bytes"
  [ "$size" -ge $((4 << 20)) ] || fail "$name could write only $size bytes"
done
free_after=$(df --output=avail -k /run | tail -n 1)
[ $((free_before - free_after)) -le 1024 ] || fail "/run lost $((free_before - free_after)) KiB"
assert_ok ctl stop small smallover

step "S62: CreateDirectory= with mode and owner, before the start; it stays"
payload_conf made "log /shared/log sleep" "Container.CreateDirectory=$SANDBOX/made/deep/one:0750:daemon:adm" \
  "Container.CreateDirectory=$SANDBOX/made/two" "Files.Bind=$SANDBOX/made/deep/one:/one"
assert_ok ctl reload
assert_ok ctl start made
assert_eq "$(mode_of "$SANDBOX/made/deep/one")" "750 daemon:adm"
assert_eq "$(mode_of "$SANDBOX/made/two")" "755 root:root"
echo kept >"$(root_of made /one/file)"
assert_ok ctl stop made
assert_eq "$(cat "$SANDBOX/made/deep/one/file")" kept
assert_ok ctl start made
assert_ok ctl stop made

step "S68: Template= is copied at the first start; the copy is the container's, and stays"
machine_root original
payload_conf copied "log /shared/log sh \"echo run >>/runs\" sleep" "Container.Template=$MACHINES/original" Container.Directory=
assert_ok ctl reload
COPY=/var/lib/netnsd/containers/copied
for run in 1 2; do
  assert_ok ctl start copied
  await_log copied "sh 0" $run
  assert_eq "$(wc -l <"$COPY/runs")" $run "runs that the copy has seen"
  assert_ok ctl stop copied
  assert_nothing_of copied
  echo later >"$MACHINES/original/later"
done
[ ! -e "$COPY/later" ] || fail "what was put into the template later is in the copy"
[ ! -e "$MACHINES/original/runs" ] || fail "the template was written to"
assert_eq "$(mode_of /var/lib/netnsd/containers)" "700 root:root"

step "S68, S73: with Ephemeral= it is an overlay, and nothing is copied"
payload_conf notcopied "log /shared/log sh \"echo run >>/runs\" sleep" "Container.Template=$MACHINES/original" Container.Directory= \
  Exec.Ephemeral=yes
assert_ok ctl reload
assert_ok ctl start notcopied
await_log notcopied "sh 0"
[ ! -e /var/lib/netnsd/containers/notcopied ] || fail "it was copied"
[ ! -e "$MACHINES/original/runs" ] || fail "the template was written to"
assert_ok ctl stop notcopied
assert_nothing_of notcopied

step "S68: Image= is for machines with udev, nspawn says; here it fails and leaves nothing (see system/qemu/image.sh)"
truncate -s 1M "$SANDBOX/image.raw"
payload_conf image "log /shared/log sleep" Container.Directory= "Container.Image=$SANDBOX/image.raw"
assert_ok ctl reload
assert_status 1 ctl start image
assert_cstate image failed
assert_nothing_of image
grep -q -F -- "--image=" /var/log/netnsd/image.log || fail "nspawn's own words are not in its log"

step "A5: what a killed run left is swept at the next start"
payload_conf left "log /shared/log sh \"test ! -e /file && echo new >/file\" ready sleep" Exec.Ephemeral=yes Exec.NotifyReady=yes
assert_ok ctl reload
assert_ok ctl start left
await_log left "sh 0"
LEADER=$(leader_of left)
STARTED=$(start_time "$LEADER")
kill_daemon
rm -r /run/netnsd/state # else the next daemon takes it over
forget_log left
start_daemon
assert_ok ctl start left
assert_soon is_dead "$LEADER" "$STARTED"
await_log left "sh 0"
assert_runs left
assert_ok ctl stop left
assert_nothing_of left

finish
