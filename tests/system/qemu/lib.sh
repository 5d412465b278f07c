# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lib.sh of the integration tests, for a machine that is emulated: starting jq takes a second there, so
# these ask ip for words in place of JSON.
. "$(dirname "${BASH_SOURCE[0]}")/../../integration/lib.sh" || exit 1

# Each PART must be in what ip says of the link, as whole words.
link_has() { # NAME IFNAME PART...
  local text part name=$1 ifname=$2
  shift 2
  text=$(inns "$name" ip -d -o link show dev "$ifname") || fail "$name has no link $ifname"
  for part; do
    assert_contains " $text " " $part " "$ifname"
  done
}

addresses() { # NAME IFNAME: those of global scope
  inns "$1" ip -o addr show dev "$2" scope global | awk '{ print $4 }' | sort | xargs
}

sysctl_of() { # NAME PATH
  inns "$1" cat "/proc/sys/net/$2"
}

ns_ifindex() { # NAME IFNAME
  inns "$1" ip -o link show dev "$2" | cut -d : -f 1
}

links_of() { # NAME: sorted, without lo
  inns "$1" ip -o link | awk -F '[:@ ]+' '$2 != "lo" { print $2 }' | sort | xargs
}

fingerprint() { # NAME...; - is the host
  local name
  for name; do
    if [ "$name" = - ]; then
      echo host "$(ip -o link | cut -d : -f 1-2)"
    else
      echo "$name" "$(ns_inode "$name")" "$(inns "$name" ip -o link | cut -d : -f 1-2)"
    fi
  done
}

# --- containers -------------------------------------------------------------------------------------

# As an init hands them to a service, with a cgroup of its own; a leaf of it once there are children.
machine_cgroup() {
  mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "no cgroup2"
  echo "+memory +pids +cpu" >/sys/fs/cgroup/cgroup.subtree_control || fail "this kernel lacks a controller"
  mkdir -p /sys/fs/cgroup/netnsd /var/log
  # shellcheck disable=SC2016,SC2034
  DAEMON_WRAPPER=(bash -c 'cd /sys/fs/cgroup/netnsd && { echo $$ >cgroup.procs || echo $$ >daemon/cgroup.procs; } 2>/dev/null && exec "$@"' daemon)
}
