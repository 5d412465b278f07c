# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What bench.sh and figures.sh have in common: their input, the daemon, the end of a round.

set -u -o pipefail
export LC_ALL=C

readonly bridge=br-bench
work=${work:-}

die() { echo "bench: $*" >&2; exit 1; }
note() { echo "$*" >>"$work/notes"; }
clock() { echo "${EPOCHREALTIME/./}"; }            # microseconds
address() { echo "10.64.$(($1 / 250)).$(($1 % 250 + 2))"; }

write_netnsd() { # N
	local i dir=$work/$1/netnsd
	mkdir -p "$dir"
	printf '[Namespace]\nHost=yes\n[Bridge %s]\nAddress=10.64.0.1/16\n' "$bridge" >"$dir/host.netns"
	for ((i = 0; i < $1; i++)); do
		printf '[Veth eth0]\nPeerName=ns-%s\nPeerBridge=%s\nAddress=%s/16\nGateway=10.64.0.1\n' \
			"b$i" "$bridge" "$(address "$i")" >"$dir/b$i.netns"
	done
}

daemon_start() { # CONFIG-DIRECTORY; sets ready_ms and daemon
	local line
	line=$(NETNSD_CONFIG_PATH=$1 "$work/notify" 120 "$work/log" "$NETNSD") || return 1
	ready_ms=${line% *} daemon=${line#* }
}

cpu_daemon() { # of all its threads, in us
	cat "/proc/$daemon/task/"*/schedstat | awk '{ t += $1 } END { print int(t / 1000) }'
}

# The kernel goes on for seconds after the last ack (duplicate address detection of every link, with the
# rtnl lock each time); that is not what a command with nothing to do costs.
settle() {
	local i
	for ((i = 0; i < 100; i++)); do
		ip -n "b$((n - 1))" -6 addr show tentative | grep -q . || return 0
		sleep 0.1
	done
}

wait_until() { # SECONDS COMMAND ...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

ended() { [ ! -d "/proc/$daemon" ] || grep -q '^State:.Z' "/proc/$daemon/status" 2>/dev/null; }
no_ports() { [ "$(find /sys/class/net -mindepth 1 | wc -l)" -le 2 ]; } # lo and the bridge

# Lets go of every namespace and waits until the kernel took their links back: a round that starts
# while the last one's namespaces are still being torn down waits for the rtnl lock and not for itself.
tear_down() {
	if [ -n "$daemon" ] && ! ended; then
		kill "$daemon"
		wait_until 20 ended || note "netnsd did not end within 20 s of SIGTERM"
	fi
	umount -l /run
	wait_until 120 no_ports || note "the kernel kept links of a round for more than 120 s"
}

# The kernel destroys namespaces in one ordered queue: when a namespace made now is gone, which the
# disappearance of its veth end here shows, so are all that were let go before.
flush() {
	exec 9</proc/self/ns/net
	unshare -n ip link add name end type veth peer name bench-mark netns /proc/self/fd/9
	exec 9<&-
	wait_until 120 test ! -e /sys/class/net/bench-mark || note "the kernel was not done with a round after 120 s"
}

progress() { if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; fi; }

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
