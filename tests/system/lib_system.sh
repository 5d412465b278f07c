# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian with systemd as PID 1 and netnsd installed as its service, for tests of what systemd has a part in. A
# test is `boot_and_run SUITE first|second`: a tree that tools/check keeps is booted by systemd-nspawn on an overlay
# in memory, in namespaces and a cgroup of its own, and the scripts of inside/ run in there, one after the other. Each
# of them is one result, announced as cmocka announces its tests.
#
#   NETNSD_TREES                    where the trees are; default: /var/cache/netnsd-tests
#   NETNSD_SYSTEM_TESTS="A B..."    only these of inside/*.sh
#   NETNSD_SHELL=1                  a shell in there instead of them; for people
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh" || exit 1

NETNSD_TREES=${NETNSD_TREES:-/var/cache/netnsd-tests}
BOX=/run/box
TESTS=''    # names of inside/NAME.sh
BOX_PID=''  # its nspawn
BOX_INIT='' # its PID 1

# Like sandbox() of the integration tests, and with a cgroup for all of it, which this process, that stays
# outside, empties and removes whatever happens.
box_sandbox() {
  local mount cgroup status=0
  [ "${NETNSD_BOX-}" != yes ] || return 0
  mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$mount" ] || skip "there is no cgroup v2 hierarchy"
  cgroup=$mount$(sed -n 's/^0:://p' /proc/self/cgroup)/netnsd-$TEST_NAME.$$
  mkdir "$cgroup" 2>/dev/null || skip "no cgroup can be made below $(dirname "$cgroup")"
  # shellcheck disable=SC2064
  trap "box_remove_cgroup '$cgroup'" EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  (
    echo "$BASHPID" >"$cgroup/cgroup.procs" || exit 1
    NETNSD_BOX=yes exec unshare -mnpiuf --mount-proc --kill-child -- "$BASH" "$0"
  ) &
  wait $! || status=$?
  exit $status
}

box_remove_cgroup() { # PATH
  echo 1 >"$1/cgroup.kill" 2>/dev/null
  wait_for 10 grep -qx 'populated 0' "$1/cgroup.events"
  find "$1" -depth -type d -exec rmdir {} \;
}

# As `make install` does, with units for its systemd. A test that brings netnsd in another way has a function of
# this name, after this file.
box_install() {
  local root=$BOX/root version
  version=$(chroot $root systemctl --version | awk 'NR == 1 { print $2 }')
  # The jobserver of a make that runs us is not for this one.
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$NETNSD_BUILDDIR" install "DESTDIR=$root" \
    "SYSTEMD_VERSION=$version" unit_builddir=$BOX/units >$BOX/install.log 2>&1 ||
    { tail $BOX/install.log; fail "make install failed"; }
  mkdir -p $root/etc/systemd/system/netnsd.service.d
  printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nEnvironmentFile=/etc/netnsd-tests.env\n' >$root/etc/systemd/system/netnsd.service.d/tests.conf
}

# A root on an overlay, netnsd in it.
box_root() { # SUITE
  local root=$BOX/root
  mount -t tmpfs -o mode=0755 run /run || fail "no tmpfs on /run"
  mount -t sysfs sysfs /sys || fail "no sysfs on /sys"
  mount -t cgroup2 cgroup /sys/fs/cgroup || fail "no cgroup2 on /sys/fs/cgroup"
  mkdir -p $BOX/upper $BOX/work $root
  mount -t overlay -o "lowerdir=$NETNSD_TREES/$1,upperdir=$BOX/upper,workdir=$BOX/work" root $root ||
    skip "this kernel has no overlayfs"
  box_install
  # What a machine in a sandbox cannot do, and what only costs time.
  local unit
  for unit in systemd-modules-load.service console-getty.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  mkdir -p $root/etc/systemd/journald.conf.d
  box_environment >$root/etc/netnsd-tests.env
  # Floods are part of the tests.
  printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >$root/etc/systemd/journald.conf.d/tests.conf
  echo box >$root/etc/hostname
  box_payload
  [[ " $TESTS " != *" 10-boot "* ]] || box_boot_files
  rm -f $root/etc/resolv.conf
}

box_payload() {
  local out
  # shellcheck disable=SC2086
  out=$(${CC:-cc} -static -std=gnu11 -D_GNU_SOURCE -O1 -o $BOX/root/srv/payload "$TEST_LIB/payload.c" 2>&1) ||
    skip "no static program can be linked here: $(head -n 1 <<<"$out")"
}

# For inside/10-boot.sh: what is to be there after a boot by itself.
box_boot_files() {
  local name etc=$BOX/root/etc/netnsd
  mkdir -p $etc/atboot-network.container.d
  printf '[Namespace]\n' >$etc/atboot.netns
  for name in atboot atboot-network atboot-unit; do
    printf '%s\n' '[Container]' Namespace=atboot AutoStart=yes '[Exec]' 'Parameters=/payload log /log sleep' '[Files]' \
      BindReadOnly=/srv/payload:/payload >$etc/$name.container
  done
  printf '[Container]\nAfterNetwork=yes\n' >$etc/atboot-network.container.d/after.conf
  cat >$BOX/root/etc/systemd/system/slow-network.service <<'X'
[Unit]
Before=network.target
Wants=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sleep 2
[Install]
WantedBy=multi-user.target
X
  sed -i '/^AutoStart=/d' $etc/atboot-unit.container
  box_boot_units
  systemctl --quiet --root=$BOX/root enable netnsd.service slow-network.service netns@atboot.service \
    netns-container@atboot-unit.service early.service in-atboot.service "${BOOT_UNITS[@]}"
}

# Units of others: one right behind network-pre.target, one in the namespace, and those of cloud-init and ifupdown, which
# bring forth cycles easily: the real ones, but for what they run.
box_boot_units() {
  local units=$BOX/root/etc/systemd/system file name
  BOOT_UNITS=()
  local early=$'DefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target'
  local install=$'[Install]\nWantedBy=multi-user.target' oneshot=$'[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart='
  printf '%s\n' '[Unit]' "$early" 'After=network-pre.target' 'Before=network.target' \
    "$oneshot/bin/sh -c 'stat -f -c %%T /run/netns/atboot >/run/early'" "$install" >$units/early.service
  printf '%s\n' '[Unit]' 'Wants=netnsd.service' 'After=netnsd.service' "${oneshot}/bin/sh -c 'stat -L -c %%i /proc/self/ns/net >/run/in-atboot'" \
    'NetworkNamespacePath=/run/netns/atboot' "$install" >$units/in-atboot.service
  for file in $BOX/root/usr/share/netnsd-tests/{,usr/}lib/systemd/system/{cloud-*,networking,ifupdown-pre}.{service,target}; do
    name=${file##*/}
    [ -f "$file" ] || continue
    cp "$file" "$units/"
    [[ $name != *.target ]] || continue
    ! grep -q '^\[Install\]' "$file" || BOOT_UNITS+=("$name")
    mkdir -p "$units/$name.d"
    printf '%s\n' '[Service]' Type=oneshot ExecStartPre= ExecStart= ExecStart=/bin/true ExecStop= ExecStopPost= StandardOutput=null >"$units/$name.d/tests.conf"
  done
  # A generator does, where there is a cloud.
  mkdir -p $units/multi-user.target.wants
  ln -s ../cloud-init.target $units/multi-user.target.wants/
}

box_environment() { # tests/lib/asan is elsewhere in there
  local name value
  for name in ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; do
    value=${!name-}
    [ -z "$value" ] || echo "$name=${value//$NETNSD_SRCDIR\/tests//srv/tests}"
  done
}

box_boot() { # SUITE
  local state failed
  # Without a system call filter: a machine has none, and systemd needs bpf() for DevicePolicy=.
  SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet -D $BOX/root -M "netnsd-$1" --private-network \
    --capability=all --boot --keep-unit --register=no --resolv-conf=off --timezone=off --link-journal=no \
    --bind-ro="$NETNSD_SRCDIR/tests:/srv/tests" --bind-ro="$NETNSD_BUILDDIR:/srv/build" \
    --bind-ro="$NETNSD_TREES/$1:/srv/debian" --console=read-only </dev/null >$BOX/console 2>&1 &
  BOX_PID=$!
  wait_for 30 box_has_init || fail "systemd-nspawn does not start: $(tail -n 5 $BOX/console)"
  # The bus comes up later than PID 1.
  wait_for 30 box_enter test -S /run/dbus/system_bus_socket
  state=$(box_enter timeout 60 systemctl is-system-running --wait)
  case $state in
    running) ;;
    degraded)
      failed=$(box_enter systemctl list-units --failed --plain --no-legend | awk '{ print $1 }' | xargs)
      echo "degraded, failed are: $failed"
      ;;
    *) fail "the system does not come up: it is '$state'" ;;
  esac
  step "$(box_enter systemctl --version | head -n 1), $(uname -r), booted within $SECONDS s"
}

box_has_init() {
  BOX_INIT=$(cat "/proc/$BOX_PID/task/$BOX_PID/children" 2>/dev/null)
  BOX_INIT=${BOX_INIT%% *}
  # nspawn's child goes on to be PID 1 in there.
  [ -n "$BOX_INIT" ] && [ "$(cat "/proc/$BOX_INIT/comm" 2>/dev/null)" = systemd ]
}

box_enter() { # COMMAND...
  nsenter -t "$BOX_INIT" -m -u -i -n -p -r -w -- "$@"
}

# As a service in there: with the environment, the cgroup and the rest that its own processes have.
box_run() { # COMMAND...
  box_enter systemd-run --quiet --pipe --wait --collect --service-type=exec -p EnvironmentFile=/etc/netnsd-tests.env \
    -p RuntimeMaxSec=200 --setenv=NETNSD_SRCDIR=/srv --setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    -- "$@" </dev/null
}

# One result a script; the last line of one that is skipped is the reason.
box_script() { # SUITE NAME
  local status=0 name=$1/$2
  echo "[ RUN      ] $name"
  box_run /bin/bash "/srv/tests/system/inside/$2.sh" 2>&1 || status=$?
  case $status in
    0) echo "[       OK ] $name" ;;
    77) echo "[  SKIPPED ] $name" ;;
    *)
      echo "status $status"
      echo "[  FAILED  ] $name"
      FAILURES=$((FAILURES + 1))
      ;;
  esac
}

# Power off; what the scripts left running must have ended as it should.
box_shutdown() { # SUITE
  local log status=0 name=$1/shutdown seen=$BOX/root/var/lib/shutdown
  echo "[ RUN      ] $name"
  kill -TERM "$BOX_PID"
  wait_for 60 box_gone || {
    echo "the machine does not shut down; there are:"
    ps -eo pid,ppid,stat,wchan:20,cgroup:70,args --forest | cut -c1-220
    kill -KILL "$BOX_PID"
    status=1
  }
  wait "$BOX_PID" || status=$?
  # Without the line that runs and runs.
  [ $status = 0 ] || grep -v 'Job .* running' $BOX/console | tail -n 30
  # What inside/90-shutdown.sh left running, if it did, says how it was stopped.
  if [ -d "$seen" ]; then
    for log in "$seen/log" "$seen/by-unit/log"; do
      grep -qx 'signal SIGTERM' "$log" || { echo "a payload was not told to stop: $(cat "$log")"; status=1; }
    done
    grep -qsx stopped "$seen/booted" || { echo "a booted container was not shut down"; status=1; }
  fi
  if [ $status = 0 ]; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name"; FAILURES=$((FAILURES + 1)); fi
}

box_gone() {
  ! kill -0 "$BOX_PID" 2>/dev/null
}

# In two parts, so that neither takes too long: numbers below 45 are the first one, those from 90 on are in both.
box_tests() { # first or second
  local file number
  for file in "$(dirname "${BASH_SOURCE[0]}")"/inside/[0-9]*.sh; do
    file=${file##*/}
    number=${file%%-*}
    [ "$number" -ge 90 ] || [ "$1" = "$([ "$number" -lt 45 ] && echo first || echo second)" ] || continue
    printf '%s ' "${file%.sh}"
  done
}

boot_and_run() { # SUITE PART
  local suite=$1 name
  [ "$(id -u)" = 0 ] || skip "needs root"
  find_programs
  NETNSD_BUILDDIR=${NETNSD_BUILDDIR:-$(dirname "$NETNSD")}
  export NETNSD_BUILDDIR
  need_program systemd-nspawn unshare nsenter make
  [ -e "$NETNSD_TREES/$suite/etc/netnsd-tests" ] || skip "needs a tree of $suite in $NETNSD_TREES, as tools/check makes it"
  box_sandbox
  trap box_end EXIT
  TESTS=${NETNSD_SYSTEM_TESTS:-$(box_tests "$2")}
  box_root "$suite"
  box_boot "$suite"
  if [ -n "${NETNSD_SHELL-}" ]; then
    box_enter systemd-run --quiet --pty --collect -p EnvironmentFile=/etc/netnsd-tests.env /bin/bash
    return
  fi
  for name in $TESTS; do
    box_script "$suite" "$name"
  done
  box_shutdown "$suite"
  [ "$FAILURES" = 0 ] || exit 1
  echo "passed"
}

# The whole pid namespace goes with this process.
box_end() {
  local status=$?
  trap - EXIT
  [ -z "$BOX_PID" ] || kill -KILL "$BOX_PID" 2>/dev/null
  exit $status
}
