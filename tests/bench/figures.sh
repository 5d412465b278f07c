#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The second half of `make bench`, started by bench.sh: how a daemon with N namespaces behaves. What is
# measured is seen by programs that ask the kernel, or the daemon's socket, never by netnsd's own clock.
# Each figure stands beside its aim; whether it is met is said and fails nothing.
#
#   repair    a foreign hand deletes, until it is back; beside it a loop around `ip monitor`, and networkd
#   control   calls at a fixed beat while all namespaces are created and destroyed
#   running   an apply and a plan with nothing to do; start with all of them there; the idle daemon
#
#   BENCH_FIGURES="..."    a choice of these, or none
#   BENCH_N                the last number in it is N
#   BENCH_SAMPLES=200      deletions of each kind
#   BENCH_SEED=1           which namespaces come first
#   BENCH_IDLE=20          seconds for which the idle daemon is watched

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

samples=${BENCH_SAMPLES:-200}
socket=/run/netnsd/io.netnsd
networkd=/lib/systemd/systemd-networkd

# --- the report ----------------------------------------------------------------------------------
load() { cut -d' ' -f1 /proc/loadavg; }

# What runs beside us makes a figure worse: it is part of the report.
headline() { printf '\n%s (load %s)\n' "$*" "$(load)"; }

# The numbers of a file's column, in ms: COUNT P50 P90 P99 MAX.
quantiles() { # us, on standard input
	sort -n | awk '{ v[NR] = $1 / 1000 }
		function q(p, i) { i = int(p * NR); if (i < p * NR) i++; return v[i] }
		END { if (NR) printf "%d %.1f %.1f %.1f %.1f\n", NR, q(.5), q(.9), q(.99), v[NR] }'
}

table_head() { printf '  %-34s %6s %8s %8s %8s %8s  %s\n' "" n p50 p90 p99 "max ms" "$1"; }

# A column's values are microseconds, or - for what never came.
row() { # LABEL AIM-P99-MS, or - ; values on standard input
	local all lost count p50 p90 p99 max verdict=''
	all=$(cat)
	lost=$(grep -c -x -- - <<<"$all")
	read -r count p50 p90 p99 max < <(grep -v -x -- - <<<"$all" | quantiles)
	[ -n "${count:-}" ] || { printf '  %-34s never came back (%s tried)\n' "$1" "$lost"; return; }
	[ "$2" = - ] || verdict=$(met "$p99" "$2")
	[ "$lost" = 0 ] || verdict="${verdict:+$verdict; }$lost of them never"
	printf '  %-34s %6s %8s %8s %8s %8s  %s\n' "$1" "$count" "$p50" "$p90" "$p99" "$max" "$verdict"
}

met() { awk -v got="$1" -v aim="$2" 'BEGIN { print (got < aim ? "met" : "missed") }'; }

# --- repair --------------------------------------------------------------------------------------
deletions() { # OUTPUT SAMPLES KIND...
	"$work/foreign" "$n" "$2" "${BENCH_SEED:-1}" "${@:3}" >"$1" || note "repair: the measuring program failed"
}

column() { # FILE KIND COLUMN
	awk -v kind="$2" -v c="$3" '$1 == kind { print $2 == "-" ? "-" : $c }' "$1"
}

# What one can have without netnsd: one `ip monitor` for all namespaces, and ip for what it says.
monitor_loop() {
	local -A name
	local line id what i
	while read -r what _ id; do # b0 (id: 5); `ip netns list-id` of iproute2 6.1 stops after the first hundred
		name[${id%)}]=$what
	done < <(ip netns list)
	touch "$work/watching"
	ip -o monitor link address route all-nsid | while IFS= read -r line; do
		[[ $line == "[nsid "*"]Deleted "* ]] || continue
		id=${line#\[nsid } id=${id%%]*} what=${name[$id]:-}
		i=${what#b}
		[ -n "$what" ] || continue
		case $line in # the names of links that it prints are the host's, by the number of the other
		*": eth0@"*) # and the far end with it
			ip link add eth0 netns "$what" up type veth peer name "ns-$what"
			ip link set "ns-$what" addrgenmode none master "$bridge" up ;;
		*" inet 10.64."* | *"]Deleted default via 10.64.0.1 "*) ;;
		*) continue ;;
		esac
		printf 'addr replace %s/16 broadcast + dev eth0\nroute replace default via 10.64.0.1\n' \
			"$(address "$i")" | ip -n "$what" -force -batch -
	done >/dev/null 2>&1
}

# One namespace is enough to see what it does about a deletion.
ask_networkd() {
	local gone pid
	[ -x "$networkd" ] || { echo "  systemd-networkd is not installed"; return; }
	umount -l /run
	mount -t tmpfs -o mode=0755 tmpfs /run
	mount -o remount,ro /sys # it takes the sandbox for a container, which has no udev
	mkdir -p /run/systemd/network /run/systemd/netif/{links,leases}
	ip link add net0 type veth peer name net1
	ip link set net1 up
	printf '[Match]\nName=net0\n[Network]\nLinkLocalAddressing=no\nAddress=10.9.0.2/24\nGateway=10.9.0.1\n' \
		>/run/systemd/network/bench.network
	chmod -R a+rwX /run/systemd
	"$networkd" >/dev/null 2>&1 &
	pid=$!
	wait_until 10 has_route || { echo "  systemd-networkd does not run here"; kill $pid; return; }
	ip route del default
	wait_until 3 has_route && gone='' || gone=' route'
	ip addr del 10.9.0.2/24 dev net0
	wait_until 3 has_address || gone="$gone address"
	echo "  $("$networkd" --version | head -n 1): after 3 s still gone:${gone:- nothing}"
	kill $pid
	ip link del net0
}
has_route() { ip route show default | grep -q via; }
has_address() { ip addr show dev net0 | grep -q 10.9.0.2; }

figure_repair() {
	local kind own other watcher
	daemon_start "$work/$n/netnsd" || die "the daemon did not start: $(tail -n 3 "$work/log")"
	settle
	sleep 1
	headline "From a foreign delete to the repair, $n namespaces, aim: p99 < 20 ms"
	table_head ""
	deletions "$work/own" "$samples" link address route name
	for kind in link address route name; do
		column "$work/own" $kind 2 | row "$kind" 20
	done
	awk '{ print $2 }' "$work/own" | row "all" 20
	column "$work/own" link 3 | row "link, from before the call" -
	kill "$daemon"
	wait_until 20 ended
	setsid bash "$0" monitor &
	watcher=$!
	wait_until 60 test -e "$work/watching"
	sleep 1 # for ip to listen
	headline "The same by a shell loop around ip monitor"
	table_head "x netnsd (p50)"
	deletions "$work/other" $((samples / 4 + 1)) link address route
	kill -- "-$watcher"
	for kind in link address route; do
		column "$work/other" $kind 2 | row "$kind" -
	done
	for kind in link address route; do
		own=$(column "$work/own" $kind 2 | grep -v -x -- - | median)
		other=$(column "$work/other" $kind 2 | grep -v -x -- - | median)
		awk -v k="$kind" -v a="$other" -v b="$own" 'BEGIN { if (a && b) printf "  %s: %.1f x\n", k, a / b }'
	done
	echo "  name: a loop can only make another, empty namespace of that name"
	ask_networkd
}

# --- control -------------------------------------------------------------------------------------
callers=()
start_callers() { # FILE
	local beat=5
	callers=()
	"$work/calls" "$socket" $beat Ping org.varlink.service.GetInfo '{}' >"$1.ping" & callers+=($!)
	"$work/calls" "$socket" $beat List io.netnsd.Namespace.List '{"name":"steady"}' >"$1.list" & callers+=($!)
	"$work/calls" "$socket" $beat Describe io.netnsd.Namespace.Describe '{"name":"steady"}' >"$1.describe" &
	callers+=($!)
}
stop_callers() {
	kill "${callers[@]}"
	wait "${callers[@]}" 2>/dev/null
}

report_callers() { # WHAT AIM FILE...
	local m what=$1 aim=$2
	shift 2
	for m in ping list describe; do
		awk 'NF == 2 { print $2 }' "${@/%/.$m}" | row "$m, $what" "$aim"
	done
}

figure_control() {
	mkdir -p /run/bench
	printf '[Veth eth0]\nPeerName=ns-steady\nPeerBridge=%s\nAddress=10.64.255.2/16\n' "$bridge" >/run/bench/steady.netns
	cp "$work/$n/netnsd/host.netns" /run/bench
	daemon_start /run/bench || die "the daemon did not start: $(tail -n 3 "$work/log")"
	headline "Control calls every 5 ms while $n namespaces come and go, aim: p99 < 10 ms"
	table_head ""
	start_callers /run/quiet
	sleep 3
	stop_callers
	report_callers "at rest" 10 /run/quiet
	cp "$work/$n/netnsd/"*.netns /run/bench/
	start_callers /run/create
	"$NETNSCTL" apply >>"$work/log" 2>&1
	stop_callers
	rm /run/bench/b*.netns
	start_callers /run/destroy
	"$NETNSCTL" apply >>"$work/log" 2>&1
	wait_until 60 few_ports
	stop_callers
	report_callers "while creating" - /run/create
	report_callers "while destroying" - /run/destroy
	report_callers "in both" 10 /run/create /run/destroy
}
few_ports() { [ "$(find /sys/class/net -mindepth 1 | wc -l)" -le 3 ]; }

# --- running -------------------------------------------------------------------------------------
switches() { cat "/proc/$daemon/task/"*/status | awk '/^voluntary_ctxt/ { t += $2 } END { print t }'; }

nothing_to_do() { # VERB
	local from i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		from=$(clock)
		"$NETNSCTL" "$1" >>"$work/log" 2>&1 || note "$1 failed: $(tail -n 1 "$work/log")"
		echo $(($(clock) - from))
		sleep 0.05
	done
}

restart() {
	kill "$daemon"
	wait_until 20 ended || note "netnsd did not end within 20 s of SIGTERM"
	daemon_start "$1"
}

idle() { # LABEL
	local cpu woken seconds=${BENCH_IDLE:-20}
	cpu=$(cpu_daemon) woken=$(switches)
	sleep "$seconds"
	awk -v l="$1" -v s="$seconds" -v cpu=$(($(cpu_daemon) - cpu)) -v w=$(($(switches) - woken)) 'BEGIN {
		printf "  %-34s %8.1f ms of processor time a minute, %.1f wakeups a second\n", l, cpu * 60 / s / 1000, w / s }'
}

figure_running() {
	local verb i
	daemon_start "$work/$n/netnsd" || die "the daemon did not start: $(tail -n 3 "$work/log")"
	settle
	sleep $((2 + n / 150)) # the audit looks at all that was just made
	headline "Nothing to do, $n namespaces, aim: < 50 ms"
	table_head ""
	for verb in apply plan; do
		nothing_to_do $verb >"$work/$verb"
		row "netnsctl $verb" 50 <"$work/$verb"
	done
	headline "Start with $n namespaces there, to READY, aim: < $(awk -v n="$n" 'BEGIN { print n / 2 }') ms"
	table_head ""
	for i in 1 2 3 4 5 6 7; do
		restart "$work/$n/netnsd" && awk -v ms="$ready_ms" 'BEGIN { print int(ms * 1000) }'
		sleep 0.5
	done >"$work/starts"
	row "start" "$(awk -v n="$n" 'BEGIN { print n / 2 }')" <"$work/starts"
	sleep $((2 + n / 150))
	headline "The idle daemon, $n namespaces"
	idle "AuditSec= as by default"
	cp -r "$work/$n/netnsd" /run/bench
	printf '[Manager]\nAuditSec=0\n' >/run/bench/netnsd.conf
	restart /run/bench
	sleep 5
	idle "AuditSec=0"
}

# --- all of them ---------------------------------------------------------------------------------
one_figure() { # FIGURE N
	n=$2 daemon='' ready_ms=''
	ulimit -n "$(ulimit -Hn)"
	mount -t tmpfs -o mode=0755 tmpfs /run || die "no tmpfs on /run"
	mount -t sysfs sysfs /sys || die "no sysfs of the sandbox"
	"figure_$1"
	tear_down
}

all_figures() { # N
	local figure
	mount -t sysfs sysfs /sys
	write_netnsd "$1"
	for figure in ${BENCH_FIGURES:-repair control running}; do
		declare -F "figure_$figure" >/dev/null || die "BENCH_FIGURES: '$figure' is none of: repair control running"
		progress "$figure"
		unshare -mnpf --mount-proc --kill-child bash "$0" figure "$figure" "$1"
		flush
	done
}

case $1 in
monitor) monitor_loop ;;
figure) one_figure "$2" "$3" ;;
*) all_figures "$1" ;;
esac
