#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Seeded random drift, kills, changes of files and clients: at rest the kernel is as a model has it, and nothing
# leaks. For CHAOS_SECONDS or CHAOS_STEPS, from CHAOS_SEED, which replays a run; with CHAOS_LOG=FILE the log of a
# daemon that failed is kept there.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh" || exit 1
sandbox "$@"
need_program python3 nsenter
for kind in veth bridge ifb; do
  need_kind $kind
done
need_kind vxlan id 1 dstport 4789

if ! python3 "$(dirname "$0")/chaos.py"; then
  [ -z "${CHAOS_LOG-}" ] || cp "$SANDBOX/daemon.log" "$CHAOS_LOG"
  fail "not as the model has it, see above"
fi
start_daemon
finish
