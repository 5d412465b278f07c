#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PID 1 of the machine that ../qemu.sh emulates. Runs the tests one after the other and says "@@ passed
# NAME" or "@@ failed NAME" to each, "@@ end" when all ran; what a test says comes before that. Scripts
# are announced as cmocka announces its tests, so that tools/test-driver counts them too.
set -u -o pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
tests='' each=0
. /run/environment
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
hostname netnsd-test
ip link set lo up

# Whoever built the programs: here they are root's, as the daemon wants of its plugins. And local.
mkdir -p /netnsd/plugins
cp "$NETNSD" /netnsd/netnsd
cp "$NETNSCTL" /netnsd/netnsctl
cp "$NETNSD_PLUGIN_PATH"/*.so /netnsd/plugins/
chown -R 0:0 /netnsd
export NETNSD=/netnsd/netnsd NETNSCTL=/netnsd/netnsctl NETNSD_PLUGIN_PATH=/netnsd/plugins
export PLUGINS=$NETNSD_PLUGIN_PATH

run() { # NAME: a file below tests
  case $1 in
    # Programs lie in the build; they find plugins from its top directory.
    *.t) (cd "$NETNSD_BUILDDIR" && timeout "$each" "tests/$1") ;;
    # The sandbox that lib.sh makes, but with the network of the machine: there are the cards.
    */card.sh)
      # shellcheck disable=SC2016
      NETNSD_SANDBOX=1 timeout "$each" unshare -mpf --mount-proc --kill-child -- \
        bash -c 'umount -R /sys && exec bash "$0"' "$NETNSD_SRCDIR/tests/$1"
      ;;
    *) timeout "$each" bash "$NETNSD_SRCDIR/tests/$1" ;;
  esac
}

verdict() { # passed OR failed, NAME
  [[ $2 == *.t ]] || case $1 in
    passed) echo "[       OK ] $2" ;;
    failed) echo "[  FAILED  ] $2" ;;
  esac
  echo "@@ $1 $2"
}

for name in $tests; do
  echo "=== $name, at $(cut -d ' ' -f 1 /proc/uptime) s"
  [[ $name == *.t ]] || echo "[ RUN      ] $name"
  # Not on the console itself: netnsctl would write for people. A skip is a failure here.
  if run "$name" </dev/null 2>&1 | cat; then
    verdict passed "$name"
  else
    echo "status $?"
    verdict failed "$name"
  fi
done
echo "@@ end at $(cut -d ' ' -f 1 /proc/uptime) s"
sync
echo b >/proc/sysrq-trigger
sleep 10
