#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make bench`: how long N namespaces take, each with lo up, a veth to one host bridge, an IPv4 address
# and a default route; netnsd beside what else could make them, in one run, rounds interleaved, each in
# a sandbox of its own. Prints medians and ratios; asserts nothing about time.
#
#   NETNSD, NETNSCTL       the programs; without them only the others are measured
#   NETNSD_PLUGIN_PATH     where their plugins are
#   BENCH_N="100 500"      numbers of namespaces
#   BENCH_ROUNDS="3 2"     rounds for each of them (the last number serves for the rest)
#   BENCH_METHODS="..."    a choice of: start apply sequential batch parallel steps cni netavark, or none
#
# Then figures.sh says how a daemon with many namespaces behaves, and containers.sh how containers do; their
# options are there.
#   CC, CFLAGS             to build the two small helpers

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

cni=${CNI_PATH:-/usr/lib/cni}
netavark=${NETAVARK:-$(command -v netavark || echo /usr/lib/podman/netavark)}

declare -A label=(
	[start]="netnsd, start of the process to READY=1"
	[apply]="netnsd, netnsctl apply to a running daemon"
	[sequential]="(a) the same requests from one thread in C"
	[batch]="(b) ip -batch, then ip -n NAME -batch each"
	[parallel]="(b2) the same, the latter in parallel"
	[steps]="(c) one ip call a step"
	[cni]="(d) CNI bridge + static"
	[netavark]="(e) netavark"
)

# --- input, written before anything is timed -----------------------------------------------------
# The fastest form found with iproute2 6.1: one batch makes all names and veths, with eth0 born up
# inside its namespace; a second ip enters each namespace for the three lines that only work there.
# Slower: nsenter for ip -n, `netns exec` lines in the batch, moving the end after making it.
write_batch() { # N
	local i dir=$work/$1/batch
	mkdir -p "$dir"
	{
		printf 'link add %s type bridge\naddr add 10.64.0.1/16 broadcast + dev %s\nlink set %s up\n' \
			"$bridge" "$bridge" "$bridge"
		for ((i = 0; i < $1; i++)); do
			printf 'netns add b%s\nlink add eth0 netns b%s up type veth peer name ns-b%s\n' "$i" "$i" "$i"
			printf 'link set ns-b%s addrgenmode none master %s up\n' "$i" "$bridge"
		done
	} >"$dir/host"
	for ((i = 0; i < $1; i++)); do
		printf 'link set lo up\naddr add %s/16 broadcast + dev eth0\nroute add default via 10.64.0.1\n' \
			"$(address "$i")" >"$dir/$i"
		echo "netns add b$i"
	done >"$dir/names"
}

write_cni() { # N
	local i dir=$work/$1/cni
	mkdir -p "$dir"
	for ((i = 0; i < $1; i++)); do
		printf '{"cniVersion":"1.0.0","name":"bench","type":"bridge","bridge":"%s","isGateway":true,
			"ipam":{"type":"static","addresses":[{"address":"%s/16","gateway":"10.64.0.1"}],
			"routes":[{"dst":"0.0.0.0/0"}]}}\n' "$bridge" "$(address "$i")" >"$dir/$i"
	done
}

write_netavark() { # N
	local i dir=$work/$1/netavark
	mkdir -p "$dir"
	for ((i = 0; i < $1; i++)); do
		printf '{"container_id":"b%s","container_name":"b%s",
			"networks":{"bench":{"static_ips":["%s"],"interface_name":"eth0"}},
			"network_info":{"bench":{"name":"bench","id":"%064d","driver":"bridge",
			"network_interface":"%s","subnets":[{"subnet":"10.64.0.0/16","gateway":"10.64.0.1"}],
			"ipv6_enabled":false,"internal":%s,"dns_enabled":false,
			"ipam_options":{"driver":"host-local"}}}}\n' \
			"$i" "$i" "$(address "$i")" 1 "$bridge" "$netavark_internal" >"$dir/$i"
	done
}

# --- the contestants: each runs inside its sandbox and leaves the microseconds in $took ------------
# Processor time: less disturbed than the clock by whatever else the machine does.
cpu_children() { # of what this shell has waited for, in us
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($14 + $15) * 1000000 / hz) }' "/proc/$$/stat"
}

memory() { # FIELD of the daemon, kB
	awk -v f="$1:" '$1 == f { print $2 }' "/proc/$daemon/smaps_rollup"
}

method_start() {
	daemon_start "$work/$n/netnsd" || return 1
	took=$(awk -v ms="$ready_ms" 'BEGIN { printf "%d", ms * 1000 }')
	used=$(cpu_daemon)
}

method_apply() {
	local from rss pss fds cpu
	mkdir -p /run/bench
	daemon_start /run/bench || return 1
	rss=$(memory Rss) pss=$(memory Pss) fds=$(find "/proc/$daemon/fd" -type l | wc -l)
	cp "$work/$n/netnsd/"*.netns /run/bench/
	cpu=$(cpu_daemon)
	from=$(clock)
	"$NETNSCTL" apply >>"$work/log" 2>&1 || return 1
	took=$(($(clock) - from)) used=$(($(cpu_daemon) - cpu))
	echo "$n $rss $(memory Rss) $pss $(memory Pss) $fds $(find "/proc/$daemon/fd" -type l | wc -l)" \
		>>"$work/memory"
	settle
	for _ in 1 2 3 4 5; do
		cpu=$(cpu_daemon)
		from=$(clock)
		"$NETNSCTL" apply >"$work/nothing" 2>&1 || return 1
		echo "$n $(($(clock) - from)) $(($(cpu_daemon) - cpu))" >>"$work/again"
	done
	[ -s "$work/nothing" ] && note "netnsctl apply with nothing to do printed: $(head -n 2 "$work/nothing")"
	return 0
}

method_sequential() {
	local from
	from=$(clock)
	"$work/sequential" "$n" "$bridge" || return 1
	took=$(($(clock) - from))
}

run_batch() { # processes at a time
	local from dir=$work/$n/batch
	from=$(clock)
	ip -batch "$dir/host" || return 1
	seq 0 $((n - 1)) | xargs -P "$1" -I{} ip -n b{} -batch "$dir/{}" || return 1
	took=$(($(clock) - from))
}
method_batch() { run_batch 1; }
method_parallel() { run_batch "$(nproc)"; }

method_steps() {
	local from i
	from=$(clock)
	ip link add "$bridge" type bridge
	ip addr add 10.64.0.1/16 broadcast + dev "$bridge"
	ip link set "$bridge" up
	for ((i = 0; i < n; i++)); do
		ip netns add "b$i" &&
			ip -n "b$i" link set lo up &&
			ip link add eth0 netns "b$i" type veth peer name "ns-b$i" &&
			ip link set "ns-b$i" addrgenmode none &&
			ip link set "ns-b$i" master "$bridge" &&
			ip link set "ns-b$i" up &&
			ip -n "b$i" link set eth0 up &&
			ip -n "b$i" addr add "10.64.$((i / 250)).$((i % 250 + 2))/16" broadcast + dev eth0 &&
			ip -n "b$i" route add default via 10.64.0.1 || return 1
	done
	took=$(($(clock) - from))
}

method_cni() {
	local from i dir=$work/$n/cni
	export CNI_COMMAND=ADD CNI_IFNAME=eth0 CNI_PATH=$cni CNI_CONTAINERID CNI_NETNS
	from=$(clock)
	ip -batch "$work/$n/batch/names" || return 1
	for ((i = 0; i < n; i++)); do
		CNI_CONTAINERID=b$i CNI_NETNS=/run/netns/b$i
		"$cni/bridge" <"$dir/$i" >/run/answer || { cat /run/answer >>"$work/log"; return 1; }
		ip -n "b$i" link set lo up || return 1
	done
	took=$(($(clock) - from))
}

method_netavark() {
	local from i dir=$work/$n/netavark
	mkdir -p /run/netavark
	[ "$netavark_internal" = true ] || export NETAVARK_FW=none
	from=$(clock)
	ip -batch "$work/$n/batch/names" || return 1
	for ((i = 0; i < n; i++)); do
		"$netavark" --config /run/netavark --file "$dir/$i" setup "/run/netns/b$i" >/run/answer ||
			{ cat /run/answer >>"$work/log"; return 1; }
	done
	took=$(($(clock) - from))
}

# --- one round, as process 1 of a sandbox --------------------------------------------------------
wrong() { echo "$*" >"$work/wrong"; return 1; }

check_result() { # METHOD: what was timed must be what was asked for
	local i prefix=b ports
	[ "$1" = sequential ] && prefix=seq
	[ "$(find /run/netns -mindepth 1 | wc -l)" -eq "$n" ] || wrong "not $n names" || return
	ports=$(find "/sys/class/net/$bridge/brif" -mindepth 1 | wc -l)
	[ "$ports" -eq "$n" ] || wrong "$ports ports, expected $n" || return
	for i in 0 $((n / 2)) $((n - 1)); do
		ip -n "$prefix$i" -o -4 addr show dev eth0 up | grep -q " $(address "$i")/16 " ||
			wrong "$prefix$i: no address $(address "$i")" || return
		ip -n "$prefix$i" -o link show dev lo up | grep -q lo || wrong "$prefix$i: lo is down" || return
		[ "$1$netavark_internal" = netavarktrue ] ||
			ip -n "$prefix$i" route show default | grep -q 'via 10.64.0.1' ||
			wrong "$prefix$i: no default route" || return
	done
	# carrier: every port must come to forwarding, or the figures would compare half-made things
	for ((i = 0; i < 100; i++)); do
		[ "$(cat "/sys/class/net/$bridge/operstate")" = up ] && return 0
		sleep 0.05
	done
	wrong "$bridge never came up"
}

round() { # METHOD N
	local method=$1 status=0 before
	n=$2 took='' used='' daemon='' ready_ms=''
	ulimit -n "$(ulimit -Hn)"
	mount -t tmpfs -o mode=0755 tmpfs /run || die "no tmpfs on /run"
	mount -t sysfs sysfs /sys || die "no sysfs of the sandbox"
	rm -f "$work/wrong"
	before=$(cpu_children)
	"method_$method" || { status=1; note "$method: N=$n: failed: $(tail -n 3 "$work/log" 2>/dev/null)"; }
	used=${used:-$(($(cpu_children) - before))}
	if [ $status -eq 0 ] && ! check_result "$method"; then
		note "$method: N=$n: result is wrong, figure dropped: $(cat "$work/wrong")"
		status=1
	fi
	[ $status -ne 0 ] || echo "$n $method $took $used" >>"$work/results"
	tear_down
}

# --- all rounds ----------------------------------------------------------------------------------
usable() { # METHOD
	case $1 in
	start | apply) [ -x "${NETNSD:-}" ] || { note "netnsd: not measured, NETNSD names no program"; return 1; } ;;&
	apply) [ -x "${NETNSCTL:-}" ] || { note "apply: not measured, NETNSCTL names no program"; return 1; } ;;
	cni) [ -x "$cni/bridge" ] || { note "cni: no $cni/bridge (Debian: containernetworking-plugins)"; return 1; } ;;
	netavark) [ -x "$netavark" ] || { note "netavark: not installed (Debian: netavark)"; return 1; } ;;
	esac
}

# netavark can do without a firewall from 1.5 on; before, only on an internal network, which gets no
# default route either.
probe_netavark() {
	netavark_internal=false
	write_netavark 1
	# shellcheck disable=SC2016
	if ! unshare -mnpf --mount-proc --kill-child sh -c 'mount -t tmpfs t /run; ip netns add b0
		NETAVARK_FW=none "$0" --config /run --file "$1" setup /run/netns/b0' "$netavark" \
		"$work/1/netavark/0" >/dev/null 2>&1; then
		netavark_internal=true
		note "netavark: this version insists on a firewall; measured on an internal network: no rules, and no default route, so it does less than the others"
	fi
	rm -rf "${work:?}/1"
	export netavark_internal
}

all_rounds() {
	local methods=() m r i k=0 rounds
	read -ra counts <<<"${BENCH_N:-100 500}"
	read -ra repeats <<<"${BENCH_ROUNDS:-3 2}"
	mount -t sysfs sysfs /sys
	for m in ${BENCH_METHODS:-start apply sequential batch parallel steps cni netavark}; do
		[ -n "${label[$m]:-}" ] || die "BENCH_METHODS: '$m' is none of: ${!label[*]}"
		usable "$m" && methods+=("$m")
	done
	export netavark_internal=true
	[[ " ${methods[*]} " != *" netavark "* ]] || probe_netavark
	[[ " ${methods[*]} " != *" cni "* ]] ||
		note "cni, netavark: names by one ip -batch before; cni: lo by one ip call each"
	for n in "${counts[@]}"; do
		rounds=${repeats[k]:-${repeats[-1]}} k=$((k + 1))
		write_netnsd "$n"; write_batch "$n"; write_cni "$n"; write_netavark "$n"
		for ((r = 0; r < rounds; r++)); do
			for ((i = 0; i < ${#methods[@]}; i++)); do # another one begins each round
				m=${methods[(i + r) % ${#methods[@]}]}
				progress "N=$n round $((r + 1))/$rounds: $m"
				unshare -mnpf --mount-proc --kill-child bash "$self" round "$m" "$n"
				flush
			done
		done
		progress ""
		report "$n" "$rounds" "${methods[@]}"
	done
}

# --- the report ----------------------------------------------------------------------------------
of() { [ -f "$work/results" ] && awk -v n="$1" -v m="$2" -v f="${3:-3}" '$1 == n && $2 == m { print $f }' "$work/results"; }
ratio() { if [ -n "$1" ] && [ -n "$2" ]; then awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; else echo -; fi; }

aim() { # AGAINST AIM START APPLY: larger is better
	[ "$3" != - ] || return 0
	awk -v what="start to READY, against $1" -v aim="$2" -v got="$3" -v apply="$4" 'BEGIN {
		printf "  %-44s aim %.1f x, measured %.2f x: %s (apply: %s x)\n", what, aim, got,
			(got + 0 >= aim ? "reached" : "falls short"), apply }'
}

report() { # N ROUNDS METHOD...
	local n=$1 rounds=$2 m ms start apply want name cpu
	shift 2
	start=$(of "$n" start | median) apply=$(of "$n" apply | median)
	printf '\nN = %s, median of %s rounds\n' "$n" "$rounds"
	printf '  %-44s %9s %17s %8s %8s %8s\n' "" ms "(min .. max)" "x start" "x apply" "cpu ms"
	for m in "$@"; do
		ms=$(of "$n" "$m" | median)
		[ -n "$ms" ] || { printf '  %-44s %9s\n' "${label[$m]}" "failed"; continue; }
		printf '  %-44s %9.1f %17s %8s %8s %8.0f\n' "${label[$m]}" "$(awk -v v="$ms" 'BEGIN { print v / 1000 }')" \
			"$(of "$n" "$m" | sort -n | awk 'NR == 1 { a = $1 } { b = $1 } END { printf "%.0f .. %.0f", a / 1000, b / 1000 }')" \
			"$(ratio "$ms" "$start")" "$(ratio "$ms" "$apply")" \
			"$(of "$n" "$m" 4 | median | awk '{ print $1 / 1000 }')"
	done
	[ -n "$start" ] || return 0
	for m in "sequential 1.0 (a)" "batch 2.5 (b)" "steps 7.0 (c)"; do
		read -r m want name <<<"$m"
		ms=$(of "$n" "$m" | median)
		aim "$name" "$want" "$(ratio "$ms" "$start")" "$(ratio "$ms" "$apply")"
	done
	[ -n "$apply" ] || return 0
	awk -v n="$n" '$1 == n { printf "  memory of the daemon: RSS %d -> %d kB (%.2f kB a namespace), PSS %d -> %d kB (%.2f), descriptors %d -> %d (%.2f)\n",
		$2, $3, ($3 - $2) / n, $4, $5, ($5 - $4) / n, $6, $7, ($7 - $6) / n; exit }' "$work/memory"
	ms=$(awk -v n="$n" '$1 == n { print $2 }' "$work/again" | median)
	cpu=$(awk -v n="$n" '$1 == n { print $3 }' "$work/again" | median)
	awk -v us="$ms" -v cpu="$cpu" -v n="$n" 'BEGIN { ms = us / 1000
		printf "  apply with nothing to do: %.1f ms, %.1f ms of processor time", ms, cpu / 1000
		if (n == 500) printf " (aim < 50 ms: %s)", (ms < 50 ? "reached" : "falls short")
		print "" }'
}

main() {
	[ "$(id -u)" -eq 0 ] || die "needs root: it makes network namespaces"
	here=$(cd "$(dirname "$0")" && pwd)
	self=$here/$(basename "$0")
	work=$(mktemp -d "${TMPDIR:-/tmp}/netnsd-bench.XXXXXX") || exit 1
	trap 'rm -rf "$work"' EXIT
	export work self
	for m in sequential notify foreign calls; do
		# shellcheck disable=SC2086
		${CC:-cc} -std=gnu11 -D_GNU_SOURCE ${CFLAGS:--O2} -o "$work/$m" "$here/$m.c" || die "cannot build $m"
	done
	echo "kernel $(uname -r), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg), $(ip -V | sed 's/.*iproute2/iproute2/')"
	awk -v cpus="$(nproc)" '{ exit $1 > cpus / 4 }' /proc/loadavg ||
		note "the machine was busy when this began (load $(cut -d' ' -f1 /proc/loadavg)): read the ratios with care"
	if [ "${BENCH_METHODS:-}" != none ]; then
		unshare -mnpf --mount-proc --kill-child bash "$self" rounds || exit 1
	fi
	if [ "${BENCH_FIGURES:-}" != none ] && [ -x "${NETNSD:-}" ] && [ -x "${NETNSCTL:-}" ]; then
		read -ra counts <<<"${BENCH_N:-500}"
		unshare -mnpf --mount-proc --kill-child bash "$here/figures.sh" "${counts[-1]}" || exit 1
	fi
	if [ "${BENCH_CONTAINERS:-}" != none ] && [ -x "${NETNSD:-}" ] && [ -x "${NETNSCTL:-}" ]; then
		bash "$here/containers.sh" || exit 1
	fi
	[ ! -s "$work/notes" ] || { echo; echo "Notes"; sort -u "$work/notes" | sed 's/^/  /'; }
}

case ${1:-} in
"") main ;;
rounds) all_rounds ;;
round) round "$2" "$3" ;;
*) die "unknown argument '$1'" ;;
esac
