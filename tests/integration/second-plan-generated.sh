#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For any configuration the generator can think of: after an apply nothing is left to do, also when it
# came from another configuration. Replay one with NETNSD_TEST_SEED.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_program python3
need_kind veth
need_kind bridge

seed=${NETNSD_TEST_SEED:-$(date +%N)}
rounds=${NETNSD_TEST_ROUNDS:-12}
start_daemon
for round in $(seq "$rounds"); do
  step "seed $seed round $round"
  rm -f /etc/netnsd/*.netns
  python3 "$(dirname "$0")/generate.py" "$seed" "$round" /etc/netnsd
  assert_ok ctl check
  ctl apply >"$SANDBOX/apply.log" 2>&1 || fail "seed $seed round $round: $(tail -5 "$SANDBOX/apply.log")"
  left=$(ctl plan 2>/dev/null)
  [ -z "$left" ] || fail "seed $seed round $round leaves: $left"
done
rm -f /etc/netnsd/*.netns
assert_ok ctl apply
finish
