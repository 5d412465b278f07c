#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Seeded random life of containers, see containers.py. For CHAOS_SECONDS or CHAOS_STEPS, from CHAOS_SEED, which
# replays a run; with CHAOS_LOG=FILE the log of a daemon that failed is kept there.
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$TEST_DIR/../integration/lib.sh" || exit 1
# shellcheck source=tests/integration/lib_container.sh
. "$TEST_DIR/../integration/lib_container.sh" || exit 1
container_sandbox "$@"
need_kind veth
[ -x /bin/busybox ] || skip "needs /bin/busybox (busybox-static)"

if ! python3 "$TEST_DIR/containers.py"; then
  [ -z "${CHAOS_LOG-}" ] || cp "$SANDBOX/daemon.log" "$CHAOS_LOG"
  fail "not as the model has it, see above"
fi
finish
