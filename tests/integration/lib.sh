# shellcheck shell=bash disable=SC2034,SC2120,SC2119
# SPDX-License-Identifier: LGPL-2.1-or-later
# What every integration test sources first. A test looks like this:
#
#   . "$(dirname "$0")/lib.sh"
#   sandbox "$@"                     # from here on: root of namespaces of its own
#   conf one <<<'[Namespace]'        # /etc/netnsd/one.netns
#   start_daemon                     # returns when it has said READY=1
#   assert_json '.[0].mtu' 1400 nsjson one link show eth0
#   finish                           # removes all, stops the daemon, looks for leaks
#
# The sandbox has its own mount, network and pid namespaces, an empty /run, an /etc whose changes are
# lost, its own /sys, and the script as PID 1: nothing of the machine is touched, tests run side by
# side, and all that they start dies with them. The oracle is the kernel by `ip -j -d`, never netnsd.

set -u -o pipefail
export LC_ALL=C

TEST_NAME=$(basename "$0" .sh)
TEST_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NETNSD_SRCDIR=${NETNSD_SRCDIR:-$(cd "$TEST_LIB/../.." && pwd)}
SANDBOX=/run/sandbox
LINK_GROUP=1852142707 # 0x6e657473, marks links as ours
ROUTE_PROTO=78
NSID_FIRST=2000000000
FAILURES=0
DAEMON_PID=''
NOTIFY_PID=''
NOTIFY_FD='' # what notify.py says
FOREIGN=()  # names in /run/netns that the test made itself
DAEMON_WRAPPER=() # what to run the daemon under; must exec it
OWN_PIDS=() # processes that the test keeps running
LEAK_HOOKS=() REPORT_HOOKS=() AT_EXIT=() # functions of other libraries: print what is left, tell more, clean up

# --- results ----------------------------------------------------------------------------------

skip() { # REASON
  echo "$TEST_NAME: $*"
  exit 77
}

fail() { # MESSAGE
  local i
  echo "FAILED: $*" >&2
  for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
    echo "  at ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]} ${FUNCNAME[i]}" >&2
  done
  # For whoever repairs several things at a time.
  [ -n "${NETNSD_KEEP_GOING-}" ] || exit 1
  FAILURES=$((FAILURES + 1))
}

step() { # WHAT COMES NOW
  echo "--- $*"
}

assert_eq() { # ACTUAL EXPECTED [WHAT]
  [ "$1" = "$2" ] || fail "${3:+$3: }expected '$2', got '$1'"
}

assert_ne() { # ACTUAL UNEXPECTED [WHAT]
  [ "$1" != "$2" ] || fail "${3:+$3: }expected anything but '$2'"
}

assert_contains() { # TEXT PART [WHAT]
  [[ "$1" == *"$2"* ]] || fail "${3:+$3: }expected '$2' in: $1"
}

assert_lacks() { # TEXT PART [WHAT]
  [[ "$1" != *"$2"* ]] || fail "${3:+$3: }expected no '$2' in: $1"
}

assert_json() { # FILTER EXPECTED COMMAND...: EXPECTED is what jq -r -c prints for FILTER
  local filter=$1 expected=$2 json actual
  shift 2
  json=$("$@") || fail "$* failed: $json"
  actual=$(jq -r -c "$filter" <<<"$json") || fail "jq cannot apply $filter to: $json"
  [ "$actual" = "$expected" ] || fail "$*: $filter: expected '$expected', got '$actual' in: $json"
}

assert_ok() { # COMMAND...
  local out
  out=$("$@" 2>&1) || fail "$* failed with status $?: $out"
}

assert_status() { # STATUS COMMAND...: the output goes to $OUTPUT
  local expected=$1 status=0
  shift
  OUTPUT=$("$@" 2>&1) || status=$?
  [ $status = "$expected" ] || fail "$*: expected status $expected, got $status: $OUTPUT"
}

# Polls, for what no event tells: SECONDS COMMAND... What has not come soon is asked for less often: asking with
# programs built for sanitizers is most of what a waiting test would do.
wait_for() {
  local deadline=$((SECONDS + $1)) pauses=(0.05 0.05 0.1 0.1 0.2)
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep "${pauses[0]}"
    [ ${#pauses[@]} -le 1 ] || pauses=("${pauses[@]:1}")
  done
}

prints() { # EXPECTED COMMAND...
  [ "$("${@:2}" 2>/dev/null)" = "$1" ]
}

assert_soon_eq() { # EXPECTED COMMAND...: prints EXPECTED within some seconds
  wait_for 60 prints "$@" || fail "expected '$1' from: ${*:2}; got '$("${@:2}" 2>&1)'"
}

assert_soon() { # COMMAND...: succeeds within some seconds
  wait_for 60 "$@" || fail "never succeeded: $*: $("$@" 2>&1)"
}

# --- sandbox ----------------------------------------------------------------------------------

need_program() {
  local program
  for program; do
    command -v "$program" >/dev/null || skip "needs the program $program"
  done
}

# skips unless the kernel has link kind KIND; ARGS make one in a scratch namespace
need_kind() { # KIND [ARGS...]
  local kind=$1 out
  shift
  out=$(unshare -n ip link add name probe0 type "$kind" "$@" 2>&1) ||
    skip "this kernel has no link kind $kind (ip says: $(head -n 1 <<<"$out"))"
}

find_programs() {
  local dir
  if [ -z "${NETNSD-}" ]; then
    for dir in "${NETNSD_BUILDDIR-}" "$PWD" "$NETNSD_SRCDIR"; do
      if [ -n "$dir" ] && [ -x "$dir/netnsd" ] && [ -f "$dir/netnsd" ]; then
        NETNSD=$dir/netnsd
        break
      fi
    done
  fi
  [ -x "${NETNSD-}" ] || skip "there is no program netnsd; set NETNSD, or run in a build directory"
  NETNSCTL=${NETNSCTL:-$(dirname "$NETNSD")/netnsctl}
  NETNSD_PLUGIN_PATH=${NETNSD_PLUGIN_PATH:-$(dirname "$NETNSD")/plugins}
  PLUGINS=$NETNSD_PLUGIN_PATH
  [ -x "$NETNSCTL" ] || skip "there is no program $NETNSCTL"
  export NETNSD NETNSCTL NETNSD_PLUGIN_PATH PLUGINS NETNSD_SRCDIR
}

# For tests of what is installed; before sandbox().
need_build_directory() {
  NETNSD_BUILDDIR=${NETNSD_BUILDDIR:-$(dirname "${NETNSD:-/nowhere}")}
  [ -f "$NETNSD_BUILDDIR/Makefile" ] || skip "needs the build directory for make install; NETNSD_BUILDDIR says where"
  export NETNSD_BUILDDIR
}

# Without the jobs of the make that runs us, and without anything of the tree by accident.
make_install() { # DESTDIR
  (unset MAKEFLAGS MAKELEVEL MFLAGS; make -C "$NETNSD_BUILDDIR" install DESTDIR="$1") >"$SANDBOX/install.log" 2>&1 ||
    fail "make install: $(tail -n 20 "$SANDBOX/install.log")"
}

# Everything after this call runs inside.
sandbox() { # "$@"
  if [ "${NETNSD_SANDBOX-}" != "$$" ] || [ $$ != 1 ]; then
    [ "$(id -u)" = 0 ] || skip "needs root"
    find_programs
    need_program unshare nsenter ip jq python3
    unshare -mnpf --mount-proc true 2>/dev/null || skip "mount, network and pid namespaces cannot be made here"
    NETNSD_SANDBOX=1 exec unshare -mnpf --mount-proc --kill-child -- "$BASH" "$0" "$@"
  fi
  # A name for what the daemon inherits must not leak in from outside.
  unset NOTIFY_SOCKET JOURNAL_STREAM LISTEN_FDS LISTEN_PID WATCHDOG_USEC NETNSD_CONFIG_PATH
  umask 022
  mount -t tmpfs -o mode=0755 sandbox /run || fail "no tmpfs on /run"
  mkdir -p "$SANDBOX/etc" "$SANDBOX/work"
  if ! mount -t overlay -o "lowerdir=/etc,upperdir=$SANDBOX/etc,workdir=$SANDBOX/work" etc /etc 2>/dev/null; then
    # No overlayfs: a copy does as well.
    { cp -a /etc/. "$SANDBOX/etc" && mount --bind "$SANDBOX/etc" /etc; } || fail "no private /etc"
  fi
  rm -rf /etc/netnsd /etc/netns
  mkdir /etc/netnsd
  # What the machine itself may have installed is none of our business.
  local dir
  for dir in /usr/lib/netnsd /usr/local/lib/netnsd; do
    [ ! -d $dir ] || mount -t tmpfs none $dir
  done
  mount -t sysfs sysfs /sys || fail "no sysfs"
  ip link set lo up || fail "lo cannot be set up"
  trap on_exit EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
}

on_exit() {
  local status=$?
  trap - EXIT
  [ $status != 0 ] || [ $FAILURES = 0 ] || status=1
  [ $status = 0 ] || [ $status = 77 ] || report
  [ -z "$DAEMON_PID" ] || kill -9 "$DAEMON_PID" 2>/dev/null
  run_hooks ${AT_EXIT[@]+"${AT_EXIT[@]}"}
  exit $status
}

run_hooks() { # FUNCTIONS...
  local hook
  for hook; do
    "$hook"
  done
}

# What one wants to see after a failure.
report() {
  exec >&2
  if [ -s $SANDBOX/daemon.log ]; then
    echo "=== log of the daemon"
    tail -n 60 $SANDBOX/daemon.log
  fi
  [ ! -s $SANDBOX/notify.log ] || { echo "=== sd_notify"; tail -n 10 $SANDBOX/notify.log; }
  echo "=== host"
  ip -br addr
  echo "=== /run/netns"
  ls -li /run/netns 2>/dev/null
  run_hooks ${REPORT_HOOKS[@]+"${REPORT_HOOKS[@]}"}
}

# --- configuration ----------------------------------------------------------------------------

conf() { # NAME: /etc/netnsd/NAME.netns from standard input
  cat >"/etc/netnsd/$1.netns"
}

# The example that several tests share: a host bridge, a router on it that forwards, red and blue behind
# the router; IPv4 and IPv6.
conf_lab() {
  local name number
  conf host <<'FILE'
[Namespace]
Host=yes
[Bridge br-lan]
Address=10.30.0.1/24
Address=fd00:30::1/64
FILE
  conf router <<'FILE'
[Namespace]
Description=Way out
IPv4Forwarding=yes
IPv6Forwarding=yes
[Veth eth0]
PeerName=ns-router
PeerBridge=br-lan
MACAddress=02:00:00:00:00:02
MTUBytes=1400
Address=10.30.0.2/24
Address=fd00:30::2/64
Gateway=10.30.0.1
Gateway=fd00:30::1
FILE
  for name in red blue; do
    [ $name = red ] && number=1 || number=2
    conf $name <<FILE
[Namespace]
[Veth eth0]
PeerNamespace=router
PeerName=$name
PeerAddress=10.31.$number.1/24
PeerAddress=fd00:31:$number::1/64
Address=10.31.$number.2/24
Address=fd00:31:$number::2/64
Gateway=10.31.$number.1
Gateway=fd00:31:$number::1
FILE
  done
}

# --- daemon -----------------------------------------------------------------------------------

# Starts it without waiting: the descriptor NOTIFY_FD says what it does.
launch_daemon() { # [ARGS...]
  local line say
  rm -f $SANDBOX/notify.{in,out}
  mkfifo $SANDBOX/notify.{in,out} || fail "no fifos"
  # Not a coprocess: bash closes the descriptors of those as soon as they end.
  exec {say}<>$SANDBOX/notify.in {NOTIFY_FD}<>$SANDBOX/notify.out
  python3 "$TEST_LIB/notify.py" $SANDBOX/notify $SANDBOX/notify.log \
    <$SANDBOX/notify.in >$SANDBOX/notify.out {say}>&- {NOTIFY_FD}>&- &
  NOTIFY_PID=$!
  read -r -t 30 line <&"$NOTIFY_FD" || fail "notify.py does not run"
  NOTIFY_SOCKET=$SANDBOX/notify ${DAEMON_WRAPPER[@]+"${DAEMON_WRAPPER[@]}"} "$NETNSD" "$@" \
    >>$SANDBOX/daemon.log 2>&1 </dev/null {say}>&- {NOTIFY_FD}>&- &
  DAEMON_PID=$!
  echo "$DAEMON_PID" >&"$say"
  exec {say}>&-
}

start_daemon() { # [ARGS...]
  [ -z "$DAEMON_PID" ] || fail "the daemon runs already"
  launch_daemon "$@"
  await_ready
}

# Of one that was launched.
await_ready() {
  local line=''
  read -r -t 60 line <&"$NOTIFY_FD"
  case $line in
    ready) ;;
    died) fail "the daemon ended before it was ready, status $(daemon_status)" ;;
    *) fail "the daemon did not become ready within 60 seconds" ;;
  esac
}

# For a start that must be refused: the status goes to $STATUS, the log is in $SANDBOX/daemon.log.
start_daemon_refused() { # [ARGS...]
  local line=''
  launch_daemon "$@"
  read -r -t 60 line <&"$NOTIFY_FD"
  [ "$line" = died ] || fail "expected the daemon to refuse to start, it is ${line:-undecided}"
  STATUS=0
  wait "$DAEMON_PID" || STATUS=$?
  forget_daemon
}

daemon_status() {
  local status=0
  wait "$DAEMON_PID" || status=$?
  echo $status
}

forget_daemon() {
  DAEMON_PID=''
  wait "$NOTIFY_PID" 2>/dev/null
  exec {NOTIFY_FD}>&-
  NOTIFY_PID=''
  NOTIFY_FD=''
}

# Waits for notify.py to see the end, so that no timer of our own is needed.
await_end() { # SECONDS
  local line
  while read -r -t "$1" line <&"$NOTIFY_FD"; do
    [ "$line" != died ] || return 0
  done
  return 1
}

stop_daemon() {
  local status=0
  [ -n "$DAEMON_PID" ] || fail "the daemon does not run"
  kill -TERM "$DAEMON_PID" || fail "the daemon has gone"
  await_end 30 || fail "the daemon does not stop at SIGTERM"
  wait "$DAEMON_PID" || status=$?
  forget_daemon
  [ $status = 0 ] || fail "the daemon ended with status $status"
}

kill_daemon() {
  [ -n "$DAEMON_PID" ] || fail "the daemon does not run"
  kill -KILL "$DAEMON_PID"
  await_end 30 || fail "the daemon outlives SIGKILL"
  wait "$DAEMON_PID" 2>/dev/null
  forget_daemon
}

daemon_log() {
  cat $SANDBOX/daemon.log 2>/dev/null
}

daemon_fds() {
  find "/proc/$DAEMON_PID/fd" -mindepth 1 | wc -l
}

# What it holds for good. Any look may find more: the socket of an sd_notify (STATUS= is sent 0.1 s after a
# change, READY=1 wakes the one who looks before it is closed), a client that has just gone, a worker that looks
# at a namespace. What leaks is in every look, so the smallest is the truth.
daemon_fds_at_rest() {
  local i now least=''
  for i in 1 2 3 4 5; do
    [ "$i" = 1 ] || sleep 0.05
    now=$(daemon_fds)
    [ -n "$least" ] && [ "$now" -ge "$least" ] || least=$now
  done
  echo "$least"
}

ctl() {
  "$NETNSCTL" "$@"
}
# tests/lib/asan/netnsctl leaves the leak checker out; in the client's own tests it runs.
[[ ${0##*/} != ctl-* ]] || export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=1

# netnsctl's word for the state of a namespace; nothing when it does not list the name.
state_of() { # NAME
  ctl list --no-legend | awk -v name="$1" '$1 == name { print $2 }'
}

# A plan that has nothing to do prints nothing; warnings about files go to standard error.
assert_plan_empty() {
  local out
  out=$(ctl plan 2>"$SANDBOX/plan.err") || fail "netnsctl plan failed: $(cat "$SANDBOX/plan.err")"
  [ -z "$out" ] || fail "expected an empty plan, got: $out"
}

# --- the kernel's view ------------------------------------------------------------------------

inns() { # NAME COMMAND...
  local name=$1
  shift
  nsenter --net="/run/netns/$name" -- "$@"
}

nsjson() { # NAME IP-ARGS...
  local name=$1
  shift
  inns "$name" ip -j -d "$@"
}

host_json() { # IP-ARGS...
  ip -j -d "$@"
}

ns_inode() { # NAME
  stat -L -c %i "/run/netns/$1"
}

is_nsfs() { # NAME
  [ "$(stat -f -c %T "/run/netns/$1" 2>/dev/null)" = nsfs ]
}

ns_ifindex() { # NAME IFNAME; NAME - is the host
  if [ "$1" = - ]; then
    host_json link show dev "$2" | jq '.[0].ifindex'
  else
    nsjson "$1" link show dev "$2" | jq '.[0].ifindex'
  fi
}

# The number the host's namespace has for it; empty: none. Names that lost theirs are no JSON to ip.
nsid_of() { # NAME
  ip netns list-id 2>/dev/null | awk -v name="$1" '$NF == name ")" || $0 ~ ("iproute2 netns name: " name "$") { print $2 }'
}

links_of() { # NAME: sorted, without lo
  nsjson "$1" link | jq -r '[.[].ifname | select(. != "lo")] | sort | join(" ")'
}

# One line that changes when anything that must stay does: inode of the namespace, index of each link.
fingerprint() { # NAME...; - is the host
  local name
  for name; do
    if [ "$name" = - ]; then
      echo "host $(host_json link | jq -c '[.[] | [.ifname, .ifindex]]')"
    else
      echo "$name $(ns_inode "$name") $(nsjson "$name" link | jq -c '[.[] | [.ifname, .ifindex]]')"
    fi
  done
}

# All that is in a namespace, but for indexes, counters and ages: what must be the same again.
dump_of() { # NAME...; - is the host
  local name
  for name; do
    echo "== $name"
    if [ "$name" = - ]; then dump_here; else inns "$name" "$BASH" -c "$(declare -f kernel_lists dump_here); dump_here"; fi
    [ "$name" = - ] || cat "/etc/netns/$name/resolv.conf" 2>/dev/null
  done
}

# One jq for all: its start takes longer than its work. A list that ip cannot give is an empty one.
kernel_lists() { # of where it is called: links and addresses, routes 4 and 6, rules 4 and 6, neighbours
  local list arguments
  for arguments in "-d addr" "-4 -d route show table all" "-6 -d route show table all" "-4 -d rule" "-6 -d rule" \
    "neigh show nud permanent"; do
    # shellcheck disable=SC2086
    list=$(ip -j $arguments 2>/dev/null)
    echo "${list:-[]}"
  done
}

dump_here() {
  local drop='walk(if type == "object" then with_entries(select(.key | test("^(ifindex|link_index|link_netnsid|age|used|refcnt|valid_life_time|preferred_life_time|timer|.*_timer|root_id|bridge_id|designated_.*|num_.x_queues|g.o_.*|tso_.*|min_mtu|max_mtu|topology_change.*|tcn.*|stats.*|operstate|broadcast|dynamic|scope|promiscuity|allmulti|info_slave_data|tentative|flags)$") | not)) else . end)'
  { kernel_lists | jq -n -S -c "(input[] | .up = (.flags | index(\"UP\")) != null | $drop |
      .addr_info |= (map(select(.local | startswith(\"fe80\") | not)) | sort_by(.local))),
    (input, input | .[] | select(.protocol != \"kernel\") | $drop),
    (input, input, input | .[])" || echo "not read $RANDOM"; } | sort
}

# Everything the kernel has in namespaces, but what counts, what the kernel does in its own time (DAD,
# carrier, timers of bridges), and indexes: two of the same are the same for whoever lives in there.
SNAPSHOT_LINKS='[.[] | del(.ifindex, .link_index, .link_netnsid, .operstate, .broadcast, .promiscuity, .allmulti,
    .addr_info[]?.valid_life_time, .addr_info[]?.preferred_life_time, .addr_info[]?.tentative, .addr_info[]?.dadfailed)
  | .flags -= ["LOWER_UP", "NO-CARRIER", "M-DOWN"]
  | .altnames |= (. // [] | sort)
  | if .linkinfo.info_data then .linkinfo.info_data |= with_entries(select(.key | test("timer|_time$|root_|bridge_id|fdb_n_learned") | not)) else . end
  | if .linkinfo.info_slave_data then .linkinfo.info_slave_data |= with_entries(select(.key | test("timer|state|^id$|^no$|designated|topology|root_|bridge_id|config_pending") | not)) else . end
  | .addr_info |= ((map(select(.family == "inet")) | sort_by(.prefixlen)) + (map(select(.family != "inet")) | sort_by(.local)))]
  | sort_by(.ifname)'
# Subnet-router anycast: the kernel counts an address that goes before its DAD is over, though it had not when
# it came (Linux 6.18).
SNAPSHOT_ROUTES='[.[] | select(.type != "anycast") | .flags -= ["linkdown", "dead"]] | sort_by(tostring)'
SNAPSHOT="def line(\$what): \"\\(\$name): \\(\$what) \\(tojson)\";
  (input | ($SNAPSHOT_LINKS | .[] | line(\"link\")), (.[].linkinfo.info_data?.ageing_time | values | line(\"ageing\"))),
  (input, input | $SNAPSHOT_ROUTES | .[] | line(\"route\")), (input, input | .[] | line(\"rule\")),
  (input | sort_by(tostring) | .[] | line(\"neighbor\"))"

settled() { # NAME...: duplicate address detection is over
  local name in
  for name; do
    in=(inns "$name")
    [ "$name" != - ] || in=(env)
    { [ "$name" = - ] || [ -e "/run/netns/$name" ]; } || continue
    # A link that is up and has a carrier gets its address a moment later.
    "${in[@]}" ip -j -d addr | jq -e 'all(.[]; (.flags | contains(["LOWER_UP"]) | not) or .inet6_addr_gen_mode != "eui64"
      or .ifname == "lo" or any(.addr_info[]; .local | startswith("fe80"))) and all(.[].addr_info[]; .tentative | not)' \
      >/dev/null || return 1
  done
}

snapshot() { # NAME...; - is the host
  local name in family
  for name; do
    in=(inns "$name")
    if [ "$name" = - ]; then
      in=(env)
    elif [ ! -e "/run/netns/$name" ]; then
      echo "$name: not there"
      continue
    fi
    "${in[@]}" "$BASH" -c "$(declare -f kernel_lists); kernel_lists" | jq -n -r --arg name "$name" "$SNAPSHOT" ||
      echo "$name: not read $RANDOM"
    "${in[@]}" grep -rs . /proc/sys/net/ipv4 /proc/sys/net/ipv6 | grep -v 'tcp_fastopen_key\|_stable_secret' |
      sort | sed "s/^/$name: sysctl /"
    [ "$name" = - ] || sed "s/^/$name: resolv.conf /" "/etc/netns/$name/resolv.conf" 2>/dev/null
  done
  ls /run/netns
}

# The kernel may take a moment for what it does by itself (a new address is no local one before its DAD is over),
# and on a busy machine one look takes seconds.
assert_snapshot() { # EXPECTED NAME...
  local expected=$1 deadline=$((SECONDS + 30)) now
  shift
  until now=$(snapshot "$@" 2>/dev/null) && [ "$now" = "$expected" ]; do
    if [ $SECONDS -ge $deadline ]; then
      diff <(echo "$expected") <(echo "$now") | cut -c1-2000 | head -n 40
      fail "not as it was: ${SNAPSHOT_WHEN-$*}"
      return
    fi
    sleep 0.1
  done
}

ping_from() { # NAME ADDRESS
  need_program ping
  assert_soon inns "$1" ping -n -q -c 1 -W 1 "$2"
}

# --- the end ----------------------------------------------------------------------------------

foreign() { # NAME...: made by the test itself
  FOREIGN+=("$@")
}

own_pid() { # PID...
  OWN_PIDS+=("$@")
}

is_among() { # WORD WORDS...
  local word=$1 other
  shift
  for other; do
    [ "$word" != "$other" ] || return 0
  done
  return 1
}

leaks() { # prints what is left; only ever in $(...)
  local file name pid mounts count
  for file in /run/netns/* /run/netns/.[!.]*; do
    name=${file##*/}
    { [ -e "$file" ] || [ -L "$file" ]; } || continue
    is_among "$name" ${FOREIGN[@]+"${FOREIGN[@]}"} || echo "a name in /run/netns: $name"
  done
  mounts=$(awk '$0 ~ / - nsfs / { print $5 }' /proc/self/mountinfo | sort | uniq -c)
  while read -r count file; do
    [ -n "$file" ] || continue
    name=${file##*/}
    is_among "$name" ${FOREIGN[@]+"${FOREIGN[@]}"} || echo "a mount of a namespace: $file"
    [ "$count" = 1 ] || echo "$count mounts of a namespace on $file"
  done <<<"$mounts"
  ip -o link show group $LINK_GROUP | sed 's/^/a link of ours: /'
  ip route show table all proto $ROUTE_PROTO | sed 's/^/a route of ours: /'
  ip -6 route show table all proto $ROUTE_PROTO | sed 's/^/a route of ours: /'
  for file in /etc/netns/*; do
    [ ! -e "$file" ] || is_among "${file##*/}" ${FOREIGN[@]+"${FOREIGN[@]}"} || echo "a file: $file"
  done
  for file in /proc/[0-9]*; do
    pid=${file##*/}
    is_among "$pid" 1 $$ "$BASHPID" "$DAEMON_PID" "$NOTIFY_PID" ${OWN_PIDS[@]+"${OWN_PIDS[@]}"} && continue
    # The subshell that runs this function, and what it has just started, are not meant.
    [ "$(awk '$1 == "PPid:" { print $2 }' "$file/status" 2>/dev/null)" != "$BASHPID" ] || continue
    [ -r "$file/cmdline" ] || continue
    name=$(tr '\0' ' ' <"$file/cmdline" 2>/dev/null)
    [ -z "$name" ] || echo "a process: $pid $name"
  done
  run_hooks ${LEAK_HOOKS[@]+"${LEAK_HOOKS[@]}"}
}

no_leaks() {
  [ -z "$(leaks)" ]
}

# Teardown in the kernel takes its time after the call that asked for it.
leak_check() {
  wait_for 30 no_leaks || fail "left behind:
$(leaks)"
}

# Every test ends here: all files go, and with them all that was ours; then the daemon stops.
finish() {
  local held fresh
  step "the end: nothing is left"
  if [ -n "$DAEMON_PID" ]; then
    rm -rf /etc/netnsd/* /run/netnsd/transient/*
    assert_ok ctl apply
    leak_check
    held=$(daemon_fds_at_rest)
    stop_daemon
    start_daemon
    fresh=$(daemon_fds_at_rest)
    [ "$held" -le "$fresh" ] ||
      fail "the daemon held $held descriptors after all was removed, and needs $fresh"
    stop_daemon
  fi
  leak_check
  echo "passed"
}
