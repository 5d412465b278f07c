#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The third part of `make bench`, started by bench.sh: containers, with busybox for their roots, beside
# systemd-nspawn alone: in turns, with the very arguments and environment that the daemon gives it, in a cgroup
# of its own. What is measured is seen from outside: by the client of the call, by the notify socket, by
# what the payload writes down. Each figure stands beside its aim; whether it is met is said and fails nothing.
#
#   start      from the call to its answer, against nspawn from fork() to READY=1; aim: within 5 %
#   restart    what RestartSec= adds to a restart; aim: what the policy says, up to a tenth more
#   many       all started at once, until the last one runs
#   idle       the daemon with that many containers; aim: nothing but watchdog and audit
#   ephemeral  Ephemeral=, an overlay, against nspawn's own --ephemeral, a copy
#
#   BENCH_CONTAINERS="..."  a choice of these, or none
#   BENCH_STARTS=25         starts of each kind
#   BENCH_MANY=50           how many they are at once
#   BENCH_IDLE=20           seconds for which the idle daemon is watched
#   BENCH_FILES=2000        files of 32 kB in the root that is copied

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh" || exit 1
# shellcheck source=tests/integration/lib_container.sh
. "$here/../integration/lib_container.sh" || exit 1

starts=${BENCH_STARTS:-25}
many=${BENCH_MANY:-50}
socket=/run/netnsd/io.netnsd
interface=io.netnsd.Container

# --- the report ----------------------------------------------------------------------------------
headline() { printf '\n%s (load %s)\n' "$*" "$(cut -d' ' -f1 /proc/loadavg)"; }

table_head() { printf '  %-34s %6s %8s %8s %8s\n' "" n p50 p90 "max ms"; }

row() { # LABEL; microseconds on standard input
	sort -n | awk -v label="$1" '{ v[NR] = $1 / 1000 }
		function q(p, i) { i = int(p * NR); if (i < p * NR) i++; return v[i] }
		END { if (NR) printf "  %-34s %6d %8.1f %8.1f %8.1f\n", label, NR,
				(v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2, q(.9), v[NR]
			else printf "  %-34s %6s\n", label, "failed" }'
}

ratio() { # WHAT AIM FILE FILE: of the medians; - : no aim
	awk -v what="$1" -v aim="$2" -v a="$(median <"$3")" -v b="$(median <"$4")" 'BEGIN {
		if (!a || !b) exit
		printf "  %-34s %.3f x", what, a / b
		if (aim != "-") printf " (aim: at most %s x: %s)", aim, (a / b <= aim ? "met" : "missed")
		print "" }'
}

# --- with netnsd ---------------------------------------------------------------------------------
call() { # METHOD NAME; prints us, as the client of the socket sees it
	local took error=$work/error.$BASHPID
	took=$("$work/calls" "$socket" 0 call "$interface.$1" "{\"name\":\"$2\"}" 2>"$error") ||
		{ note "$1 $2: $(tail -n 1 "$error")"; return 1; }
	echo "${took#call }"
}

# READY comes before the payload is executed, and until then it has no handler: SIGTERM would be lost.
runs() { wait_until 30 is_running "$1" 2>/dev/null || note "$1 does not come to its payload"; }

stop() { # NAME
	runs "$1"
	call Stop "$1" >/dev/null
}

run_daemon() {
	start_daemon
	daemon=$DAEMON_PID
}

# From the daemon's own run of it: what nspawn is called with, and in which environment.
argv=() environ=()
learn() { # NAME
	local pid
	call Start "$1" >/dev/null
	pid=$(nspawn_of "$1" 2>/dev/null)
	[ -n "$pid" ] || { note "$1 does not start: $(tail -n 2 "$work/log")"; return 1; }
	mapfile -d '' -t argv <"/proc/$pid/cmdline"
	mapfile -d '' -t environ < <(grep -z -v -e '^NOTIFY_SOCKET=' -e '^WATCHDOG_' "/proc/$pid/environ")
	stop "$1"
}

# --- without -------------------------------------------------------------------------------------
# bare_pause: a move into a cgroup waits some 10 ms for a grace period, one soon after another does not (6.18: rcu_sync).
# nspawn makes one, and would be spared that by the move into a cgroup of its own; netnsd's child is born in its cgroup.
bare_pid='' bare_us='' bare_pause=''
bare_start() { # NETNS ARGUMENT...; sets bare_pid and bare_us
	local line cgroup
	cgroup=$(mktemp -d "$CGROUP/bare.XXXXXX") || return 1
	line=$(
		echo "$BASHPID" >"$cgroup/cgroup.procs"
		[ -z "$bare_pause" ] || sleep "$bare_pause"
		exec 3<"/run/netns/$1" # what the daemon gives it as /proc/self/fd/3
		exec env -i "${environ[@]}" "$work/notify" 60 "$work/log" "${@:2}"
	) || { note "nspawn alone: $(tail -n 1 "$work/log")"; return 1; }
	bare_pid=${line#* }
	bare_us=$(awk -v ms="${line% *}" 'BEGIN { print int(ms * 1000) }')
}

bare_gone() { [ ! -d "/proc/$1" ] || [ "$(process_state "$1")" = Z ]; }

bare_stop() { # NAME PID
	runs "$1"
	kill "$2"
	wait_until 30 bare_gone "$2" || { note "nspawn alone did not end within 30 s"; bare_kill; }
	wait_until 10 bare_swept || note "a cgroup of nspawn alone stays"
}

bare_kill() {
	local cgroup
	for cgroup in "$CGROUP"/bare.*; do
		echo 1 >"$cgroup/cgroup.kill"
	done
}

bare_swept() {
	find "$CGROUP" -mindepth 1 -depth -path "$CGROUP/bare.*" -type d -exec rmdir {} + 2>/dev/null
	! compgen -G "$CGROUP/bare.*" >/dev/null
}

# --- start ---------------------------------------------------------------------------------------
figure_start() {
	local i from bare_pause=0.3
	payload_conf bench sleep Files.Bind= Service.StartLimitBurst=0
	run_daemon
	learn bench || return
	for ((i = 0; i < starts; i++)); do
		progress "start $((i + 1))/$starts"
		call Start bench >>"$work/start.netnsd"
		stop bench
		bare_start bench "${argv[@]}" && { echo "$bare_us" >>"$work/start.bare"; bare_stop bench "$bare_pid"; }
		from=$(clock)
		"$NETNSCTL" start bench >>"$work/log" 2>&1 || continue
		echo $(($(clock) - from)) >>"$work/start.ctl"
		stop bench
	done
	progress ""
	headline "Start to READY, busybox"
	table_head
	row "systemd-nspawn alone" <"$work/start.bare"
	row "netnsd, the call" <"$work/start.netnsd"
	row "netnsctl start" <"$work/start.ctl"
	ratio "netnsd against nspawn alone" 1.05 "$work/start.netnsd" "$work/start.bare"
	ratio "netnsctl against nspawn alone" - "$work/start.ctl" "$work/start.bare"
}

# --- restart -------------------------------------------------------------------------------------
# A payload that ends at once, and says when it began (CLOCK_BOOTTIME, ms): from one to the next.
cycles() { # NAME COUNT; us
	call Start "$1" >/dev/null
	wait_until 120 log_has_begun "$1" $(($2 + 1)) || note "restart: $1 was not restarted $2 times in 120 s"
	call Stop "$1" >/dev/null
	log_of "$1" | awk '$1 == "at" { if (last) print ($2 - last) * 1000; last = $2 }'
}
log_has_begun() { [ "$(begins_of "$1")" -ge "$2" ]; }

figure_restart() {
	local span count base
	for span in 0 100ms 1s; do
		payload_conf "after-$span" "log /shared/log exit 1" Service.Restart=always "Service.RestartSec=$span" \
			Service.StartLimitBurst=0
	done
	run_daemon
	for span in 0 100ms 1s; do
		count=15
		[ $span != 1s ] || count=5
		progress "restart $span"
		cycles "after-$span" $count >"$work/restart.$span"
	done
	progress ""
	headline "Restart, from one beginning of a payload that ends at once to the next"
	table_head
	base=$(median <"$work/restart.0")
	for span in 0 100ms 1s; do
		row "RestartSec=$span" <"$work/restart.$span"
	done
	for span in 100ms 1s; do
		awk -v span=$span -v base="$base" -v all="$(median <"$work/restart.$span")" 'BEGIN {
			want = span == "1s" ? 1000 : 100; got = (all - base) / 1000
			printf "  RestartSec=%s adds %.0f ms (the policy: %d to %d ms: %s)\n", span, got, want, want * 1.1,
				(got >= want * 0.95 && got <= want * 1.1 + 15 ? "met" : "missed") }'
	done
}

# --- many, idle ----------------------------------------------------------------------------------
many_confs() {
	local i
	machine_root c0
	for ((i = 0; i < many; i++)); do
		[ $i = 0 ] || cp -al "$MACHINES/c0" "$MACHINES/c$i"
		payload_conf "c$i" sleep Files.Bind=
	done
}

each_at_once() { # METHOD; prints us until the last answer
	local i from pids=()
	from=$(clock)
	for ((i = 0; i < many; i++)); do
		call "$1" "c$i" >>"$work/many.$1" &
		pids+=($!)
	done
	wait "${pids[@]}"
	echo $(($(clock) - from))
}

count_running() {
	local i n=0
	for ((i = 0; i < many; i++)); do
		! is_running "c$i" || n=$((n + 1))
	done
	echo $n
}

bare_at_once() {
	local i from pids=()
	learn c0 || return
	from=$(clock)
	for ((i = 0; i < many; i++)); do
		{
			bare_start "c$i" "${argv[@]/c0/c$i}"
		} &
		pids+=($!)
	done
	wait "${pids[@]}"
	bare_all=$(($(clock) - from))
	bare_kill
	wait_until 60 bare_swept || note "many: cgroups of nspawn alone stay"
}

figure_many() {
	local all bare_all='' running
	many_confs
	run_daemon
	progress "$many at once"
	bare_at_once
	all=$(each_at_once Start)
	running=$(count_running 2>/dev/null)
	progress ""
	headline "$many containers at once"
	table_head
	row "each, from the call to its answer" <"$work/many.Start"
	awk -v n="$many" -v all="$all" -v bare="$bare_all" -v running="$running" 'BEGIN {
		printf "  until all are running: %.0f ms, %.1f ms each; %d of %d run\n", all / 1000, all / 1000 / n, running, n
		if (bare) printf "  as many nspawn alone, at once: %.0f ms (%.2f x)\n", bare / 1000, all / bare }'
	each_at_once Stop >/dev/null
}

switches() { cat "/proc/$daemon/task/"*/status | awk '/^voluntary_ctxt/ { t += $2 } END { print t }'; }

figure_idle() {
	local cpu woken seconds=${BENCH_IDLE:-20} running
	many_confs
	run_daemon
	progress "$many at once, then nothing"
	each_at_once Start >/dev/null
	running=$(count_running 2>/dev/null)
	sleep $((3 + many / 20)) # the audit looks at all that was just made
	cpu=$(cpu_daemon) woken=$(switches)
	sleep "$seconds"
	cpu=$(($(cpu_daemon) - cpu)) woken=$(($(switches) - woken))
	progress ""
	headline "The idle daemon, $running containers"
	awk -v s="$seconds" -v cpu="$cpu" -v w="$woken" 'BEGIN {
		printf "  %.1f ms of processor time a minute (%.3f %%), %.1f wakeups a second\n",
			cpu * 60 / s / 1000, cpu / s / 10000, w / s }'
	each_at_once Stop >/dev/null
}

# --- ephemeral -----------------------------------------------------------------------------------
figure_ephemeral() {
	local i files=${BENCH_FILES:-2000} own=()
	machine_root copied
	mkdir -p "$MACHINES/copied/usr/share/bench"
	head -c 32768 /dev/urandom >"$MACHINES/copied/usr/share/bench/1"
	for ((i = 2; i <= files; i++)); do
		cp "$MACHINES/copied/usr/share/bench/1" "$MACHINES/copied/usr/share/bench/$i"
	done
	payload_conf copied sleep Files.Bind= Exec.Ephemeral=yes Service.StartLimitBurst=0
	run_daemon
	learn copied || return
	for i in "${argv[@]}"; do
		case $i in
		--directory=*) own+=("--directory=$MACHINES/copied" --ephemeral) ;;
		*) own+=("$i") ;;
		esac
	done
	for ((i = 0; i < (starts + 4) / 5; i++)); do
		progress "ephemeral $((i + 1))"
		call Start copied >>"$work/ephemeral.netnsd"
		stop copied
		bare_start copied "${own[@]}" && { echo "$bare_us" >>"$work/ephemeral.bare"; bare_stop copied "$bare_pid"; }
	done
	progress ""
	headline "Ephemeral=, a root of $files files, $((files * 32 / 1024)) MB, on $(stat -f -c %T "$MACHINES")"
	table_head
	row "systemd-nspawn --ephemeral, alone" <"$work/ephemeral.bare"
	row "netnsd, the call" <"$work/ephemeral.netnsd"
	ratio "netnsd against nspawn alone" - "$work/ephemeral.netnsd" "$work/ephemeral.bare"
}

# --- all of them ---------------------------------------------------------------------------------
one_figure() { # FIGURE
	container_sandbox "figure" "$1"
	ulimit -n "$(ulimit -Hn)"
	for file in "$1" many; do
		rm -f "$work/$file".*
	done
	daemon=''
	touch "$work/$1".{bare,netnsd,ctl}
	"figure_$1"
	for file in /etc/netnsd/*.container; do
		file=${file##*/}
		call Stop "${file%.container}" >/dev/null
	done
	stop_daemon
	exit 0 # without the report that the tests end with
}

all_figures() {
	local figure
	for figure in ${BENCH_CONTAINERS:-start restart many idle ephemeral}; do
		declare -F "figure_$figure" >/dev/null ||
			die "BENCH_CONTAINERS: '$figure' is none of: start restart many idle ephemeral"
		bash "$0" figure "$figure"
		[ $? != 77 ] || return 0 # it has said why
	done
}

[ -n "$work" ] || die "containers.sh is started by bench.sh"
case ${1:-} in
figure) one_figure "$2" ;;
*) all_figures ;;
esac
