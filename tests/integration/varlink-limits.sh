#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever comes in by the control socket, the daemon runs on, answers others at once, and changes
# nothing: bad messages, wrong calls, thousands of silent clients, floods, readers that do not read, and
# users who may not. What it held for them it gives back.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

conf one <<'X'
[Namespace]
Description=It must stay as it is
[Veth eth0]
PeerName=ns-one
Address=10.1.0.2/24
X
ulimit -n 4096
start_daemon
before=$(fingerprint one -)
held=$(daemon_fds_at_rest)

step "hostile clients"
python3 "$TEST_LIB/hostile_clients.py" /run/netnsd/io.netnsd || fail "see above"

step "nothing was changed"
assert_eq "$(fingerprint one -)" "$before"
assert_plan_empty
all_given_back() { [ "$(daemon_fds)" -le "$held" ]; }
assert_soon all_given_back

step "more clients than descriptors"
# What it holds and twenty more: of fifty clients some are served, and some have to be turned away.
prlimit --pid "$DAEMON_PID" --nofile=$(($(daemon_fds) + 20)) || fail "prlimit"
python3 - /run/netnsd/io.netnsd <<'X' || fail "clients beyond the limit of descriptors"
import socket, sys
clients = []
served = 0
for _ in range(50):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(sys.argv[1])
    clients.append(s)
for s in clients:
    try:
        s.sendall(b'{"method":"io.systemd.service.Ping"}\0')
        served += s.recv(10) == b"{}\0"
    except (BrokenPipeError, ConnectionResetError):
        pass
print(served, "of 50 served")
assert 5 <= served < 50
X
cpu() { awk '{ print $14 + $15 }' "/proc/$DAEMON_PID/stat"; }
ticks=$(cpu)
sleep 1
[ $(($(cpu) - ticks)) -lt 20 ] || fail "the daemon spins"
assert_plan_empty

finish
