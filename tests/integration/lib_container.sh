# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tests of containers source after lib.sh. A test looks like this:
#
#   . "$(dirname "$0")/lib.sh" || exit 1
#   . "$(dirname "$0")/lib_container.sh" || exit 1
#   container_sandbox "$@"
#   start_daemon
#   payload_conf one "log /shared/log sleep" Service.Restart=always   # /etc/netnsd/one.container
#   assert_ok ctl start one
#   finish
#
# The sandbox of lib.sh and what the real systemd-nspawn needs besides: the cgroup v2 hierarchy on
# /sys/fs/cgroup and a cgroup of the test's own in it (the daemon's is "netnsd" in that, as it is a
# service's on a real machine), and a /var whose changes are lost. The oracle is /proc, /sys/fs/cgroup
# and the kernel's start times, never netnsd's own view. Most payloads are payload.c, which says what
# happens to it in a log that is read from outside.

MACHINES=$SANDBOX/machines # root directories
SHARED=$SANDBOX/shared     # NAME below it is /shared inside
CGROUP=''                  # of the test: full path
DAEMON_CGROUP=''
PAYLOAD=$SANDBOX/payload

# --- sandbox ----------------------------------------------------------------------------------

container_sandbox() { # "$@"
  need_program systemd-nspawn setpriv
  sandbox "$@"
  AT_EXIT+=(container_exit)
  LEAK_HOOKS+=(container_leaks)
  REPORT_HOOKS+=(container_report)
  need_program "${CC:-cc}" # not outside: sandbox() says first whether one may do anything at all
  mkdir -p "$SANDBOX/var" "$SANDBOX/var-work" "$MACHINES" "$SHARED"
  if ! mount -t overlay -o "lowerdir=/var,upperdir=$SANDBOX/var,workdir=$SANDBOX/var-work" var /var 2>/dev/null; then
    mount -t tmpfs -o mode=0755 var /var || fail "no private /var"
  fi
  mkdir -p /var/log /var/tmp
  rm -rf /var/log/netnsd /etc/systemd/nspawn
  container_cgroup
  build_payload
}

container_cgroup() {
  mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null || skip "the cgroup v2 hierarchy cannot be mounted here"
  CGROUP=/sys/fs/cgroup/netnsd-test-$TEST_NAME-$(od -An -N6 -tx1 /dev/urandom | tr -d ' ')
  DAEMON_CGROUP=$CGROUP/netnsd
  CGROUP_BEFORE=/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)
  # Of tests that were killed, long ago; what is in use cannot be removed.
  find /sys/fs/cgroup -maxdepth 1 -name 'netnsd-test-*' -mmin +60 -exec find {} -depth -type d -exec rmdir {} + \; 2>/dev/null
  mkdir -p "$CGROUP/test" "$DAEMON_CGROUP" 2>/dev/null || skip "no cgroup can be made here"
  echo $$ >"$CGROUP/test/cgroup.procs" || skip "this process cannot be moved into a cgroup"
  # The daemon has one of its own, as a service has.
  export NETNSD_TEST_CGROUP=$DAEMON_CGROUP # tests/lib
  # shellcheck disable=SC2016
  DAEMON_WRAPPER=("$BASH" -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$DAEMON_CGROUP")
}

build_payload() {
  local out
  # shellcheck disable=SC2086
  out=$(${CC:-cc} -static -std=gnu11 -D_GNU_SOURCE -O1 -o "$PAYLOAD" "$TEST_LIB/payload.c" 2>&1) ||
    skip "no static program can be linked here: $(head -n 1 <<<"$out")"
}

# Nothing of ours may stay on the machine, whatever went wrong. Only processes of this test are in it.
container_exit() {
  local i
  [ -d "${CGROUP:-/nowhere}" ] || return 0
  echo $$ >"$CGROUP_BEFORE/cgroup.procs" 2>/dev/null
  for ((i = 0; i < 100; i++)); do
    echo 1 >"$CGROUP/cgroup.kill" 2>/dev/null
    find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$CGROUP" ] || return 0
    sleep 0.05
  done
  echo "the cgroup $CGROUP cannot be removed" >&2
}

container_leaks() {
  local file
  for file in "$DAEMON_CGROUP"/containers/*/ "$DAEMON_CGROUP"/*/; do
    [ -d "$file" ] || continue
    case $file in
      "$DAEMON_CGROUP"/daemon/ | "$DAEMON_CGROUP"/containers/) ;;
      *) echo "a cgroup: ${file#"$CGROUP"}" ;;
    esac
  done
  awk '$5 ~ "^/run/(netnsd|systemd)/" { print "a mount: " $5 }' /proc/self/mountinfo
  find "$MACHINES" /run/netnsd /var/tmp -xdev -name '.#*' -printf 'a leftover of nspawn: %p\n' 2>/dev/null
  find /run/systemd/nspawn/unix-export /run/netnsd/containers /run/netnsd/notify -mindepth 1 -maxdepth 1 \
    -printf 'a leftover of a run: %p\n' 2>/dev/null
}

container_report() {
  local file
  echo "=== processes"
  ps -eo pid,ppid,stat,cgroup:60,args --forest 2>/dev/null | cut -c1-260
  for file in /var/log/netnsd/*.log; do
    [ ! -f "$file" ] || { echo "=== $file" && tail -n 15 "$file"; }
  done
  for file in "$SHARED"/*/log; do
    [ ! -f "$file" ] || { echo "=== $file" && tail -n 15 "$file"; }
  done
}

# --- roots and configuration ------------------------------------------------------------------

# A root directory with busybox and its applets, and the payload as /payload.
machine_root() { # NAME [init]: with init, /sbin/init is one
  local root=$MACHINES/$1
  [ -x /bin/busybox ] || skip "needs /bin/busybox (busybox-static)"
  mkdir -p "$root"/{usr/bin,usr/sbin,etc,proc,sys,dev,tmp,run,var/lib,root,shared}
  ln -sfn usr/bin "$root/bin"
  ln -sfn usr/sbin "$root/sbin"
  # Links: they are only read, and there are many roots.
  [ -e "$SANDBOX/busybox" ] || cp /bin/busybox "$SANDBOX/busybox"
  ln -f "$SANDBOX/busybox" "$root/usr/bin/busybox"
  ln -f "$PAYLOAD" "$root/payload"
  busybox_links "$root"
  echo "ID=test" >"$root/etc/os-release"
  echo "root:x:0:0:root:/root:/bin/sh" >"$root/etc/passwd"
  echo "root:x:0:" >"$root/etc/group"
  : >"$root/etc/machine-id"
  [ "${2-}" != init ] || cat >"$root/usr/sbin/init" <<'SCRIPT'
#!/bin/sh
exec /payload $(cat /shared/init)
SCRIPT
  [ "${2-}" != init ] || chmod 755 "$root/usr/sbin/init"
  mkdir -p "$SHARED/$1"
}

# Made once, and copied: a process a link would be half of what many tests do.
busybox_links() { # ROOT
  local applet applets=$SANDBOX/applets
  if [ ! -d "$applets" ]; then
    mkdir "$applets"
    for applet in sh ash cat ls ip mount umount id stat mkdir rm touch dd df hostname env sleep reboot poweroff ps wc \
      mknod test true false grep printf nc wget head tail seq kill sync readlink; do
      ln -s busybox "$applets/$applet"
    done
  fi
  cp -a "$applets/." "$1/usr/bin"
}

# The file of a container whose payload does these words of payload.c. Its /shared is $SHARED/NAME outside.
# More keys: SECTION.KEY=VALUE; Container.Directory= and Files.Bind= without a value leave out ours. Its namespace
# is declared as well, unless it is or another one is named.
payload_conf() { # NAME WORDS [SECTION.KEY=VALUE...]
  local name=$1 words=$2 section
  shift 2
  mkdir -p "$SHARED/$name"
  [[ " $*" == *" Container.Directory="* ]] || [ -d "$MACHINES/$name" ] || machine_root "$name"
  [ -e "/etc/netnsd/$name.netns" ] || [[ " $*" == *" Container.Namespace="* ]] || conf "$name" <<<"[Namespace]"
  for section in Container Exec Files Service; do
    echo "[$section]"
    case $section in
      Container) [[ " $*" == *" Container.Directory="* ]] || echo "Directory=$MACHINES/$name" ;;
      Exec) [ -z "$words" ] || echo "Parameters=/payload $words" ;;
      Files) is_among "Files.Bind=" "$@" || echo "Bind=$SHARED/$name:/shared" ;;
    esac
    [ $# = 0 ] || printf '%s\n' "$@" | sed -n "/=\$/d; s/^$section\.//p"
  done >"/etc/netnsd/$name.container"
}

# A whole file.
container_conf() { # NAME
  cat >"/etc/netnsd/$1.container"
}

# --- the kernel's view ------------------------------------------------------------------------

# To the variable PARENT, so that nothing is forked for each process there is.
parent_of() { # PID
  PARENT=''
  { read -r PARENT <"/proc/$1/stat"; } 2>/dev/null || return 1
  PARENT=${PARENT##*) }
  PARENT=${PARENT#* }
  PARENT=${PARENT%% *}
}

# Every systemd-nspawn that runs machine NAME; not what it forks and what has the same command line at first.
nspawns_of() { # NAME
  local dir argv found=() pid
  for dir in /proc/[0-9]*; do
    argv=()
    { mapfile -d '' -t argv <"$dir/cmdline"; } 2>/dev/null
    [[ "${argv[0]-}" == */systemd-nspawn && " ${argv[*]} " == *" --machine=$1 "* ]] && found+=("${dir#/proc/}")
  done
  for pid in ${found[@]+"${found[@]}"}; do
    parent_of "$pid" || continue # has gone since
    is_among "$PARENT" "${found[@]}" || echo "$pid"
  done
}

nspawn_of() { # NAME: the first
  nspawns_of "$1" | head -n 1
}

# PID 1 of the container, as this sandbox numbers it: the child of nspawn that is 1 in a namespace below ours.
# Not by /proc/PID/task/PID/children, which leaves some out while others end. The status is taken whole: read
# line by line, bash seeks back after each, the kernel writes it anew, and "R (running)" is a byte shorter than
# "S (sleeping)".
leader_of() { # NAME
  local nspawn dir status
  nspawn=$(nspawn_of "$1")
  [ -n "$nspawn" ] || return 0
  for dir in /proc/[0-9]*; do
    parent_of "${dir#/proc/}"
    [ "$PARENT" = "$nspawn" ] || continue
    { mapfile -t status <"$dir/status"; } 2>/dev/null
    [[ " ${status[*]} " =~ [[:space:]]NSpid:[[:space:]][0-9]+[[:space:]]1[[:space:]] ]] || continue
    echo "${dir#/proc/}"
    return
  done
}

is_running() { # NAME: its payload has begun (nspawn's stub has execed)
  local leader
  leader=$(leader_of "$1")
  [ -n "$leader" ] && [ "$(readlink "/proc/$leader/exe")" != "$(readlink "/proc/$(nspawn_of "$1")/exe")" ]
}

is_gone() { # NAME: no nspawn, and nothing in its cgroup
  [ -z "$(nspawns_of "$1")" ] && [ -z "$(cgroup_pids "$1")" ]
}

# A process that came later has another one.
start_time() { # PID
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r -a stat <<<"${stat##*) }"
  echo "${stat[19]}"
}

identity_of() { # NAME: its payload's PID and start time
  local leader
  leader=$(leader_of "$1")
  [ -z "$leader" ] || echo "$leader $(start_time "$leader")"
}

is_another_than() { # IDENTITY NAME: runs, as another one
  local now
  is_running "$2" || return 1
  now=$(identity_of "$2")
  [ -n "$now" ] && [ "$now" != "$1" ]
}

cgroup_of() { # PID: full path
  echo "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$1/cgroup" 2>/dev/null)"
}

cgroup_pids() { # NAME: everything in its cgroup and below
  find "$DAEMON_CGROUP/containers/$1" -name cgroup.procs -exec cat {} + 2>/dev/null
}

names_in() { # DIRECTORY
  find "$1/" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' ' | sed 's/ $//'
}

netns_of() { # PID: inode
  stat -L -c %i "/proc/$1/ns/net" 2>/dev/null
}

is_dead() { # PID START-TIME: that very process has gone
  local now
  now=$(start_time "$1")
  [ -z "$now" ] || [ "$now" != "$2" ] || [ "$(process_state "$1")" = Z ]
}

process_state() { # PID: R, S, T, Z
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  stat=${stat##*) }
  echo "${stat%% *}"
}

# Whether this kernel tells how somebody else's child ended: PIDFD_INFO_EXIT.
tells_exits() {
  local release
  release=$(uname -r)
  [ "$(printf '%s\n' 6.15 "${release%%-*}" | sort -V | head -n 1)" = 6.15 ]
}

# A command inside, by nsenter alone.
inside() { # NAME COMMAND...
  local leader
  leader=$(leader_of "$1")
  shift
  [ -n "$leader" ] || fail "it does not run"
  nsenter -t "$leader" -m -u -i -n -p -C -r -w -- "$@"
}

# --- the payload's log ------------------------------------------------------------------------

log_of() { # NAME
  cat "$SHARED/$1/log" 2>/dev/null
}

log_has() { # NAME LINE [TIMES]: at least so often
  [ "$(log_of "$1" | grep -c -x -F -- "$2")" -ge "${3:-1}" ]
}

await_log() { # NAME LINE [TIMES]
  wait_for 30 log_has "$@" || fail "the payload of $1 never said '$2'${3:+ $3 times}: $(log_of "$1")"
}

begins_of() { # NAME: how often its payload has begun
  log_of "$1" | grep -c -x 'begin 1'
}

forget_log() { # NAME
  rm -f "$SHARED/$1/log"
}

# --- netnsd's view, which is compared with the kernel's ----------------------------------------

cshow() { # NAME FILTER: of the answer of Describe; null prints nothing
  ctl show --json=short "$1.container" 2>/dev/null | jq -r -c "$2 | select(. != null)"
}

cstate() { # NAME
  cshow "$1" .runtime.state
}

cresult() { # NAME
  cshow "$1" .runtime.result
}

assert_cstate() { # NAME STATE [RESULT]: soon
  assert_soon_eq "$2" cstate "$1"
  [ $# = 2 ] || assert_eq "$(cresult "$1")" "$3" "the result of $1"
}

# As netnsd says and as the kernel has it.
assert_runs() { # NAME
  assert_eq "$(cstate "$1")" running "the state of $1"
  assert_soon is_running "$1"
  assert_eq "$(cshow "$1" .runtime.leader)" "$(leader_of "$1")" "the leader of $1"
  assert_eq "$(cshow "$1" .runtime.pid)" "$(nspawn_of "$1")" "the nspawn of $1"
  assert_eq "$(nspawns_of "$1" | grep -c .)" 1 "nspawns of $1"
}

# Nothing of it is there, neither process nor cgroup nor mount nor file.
assert_nothing_of() { # NAME
  assert_soon is_gone "$1"
  assert_soon test ! -e "$DAEMON_CGROUP/containers/$1"
  assert_soon test ! -e "/run/netnsd/containers/$1"
}

logged() { # TEXT [FIRST-LINE]: the daemon's log has it, from this line on
  # Not grep -q: it would leave before tail has written all, which then fails, and the pipe with it.
  tail -n "+${2:-1}" "$SANDBOX/daemon.log" | grep -F -- "$1" >/dev/null
}

log_mark() { # where the daemon's log ends now, for logged
  echo $(($(wc -l <"$SANDBOX/daemon.log") + 1))
}

now_ms() { # of the clock that the payload's log has
  awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}
