#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes every system call fail, one at a time; see sweep.py.
#
#   tests/sweep/sweep.sh                                  all points of all scenarios
#   tests/sweep/sweep.sh SCENARIO...                      all points of these
#   tests/sweep/sweep.sh SCENARIO CALL K ERRNO once|lasting   one point, as a failure prints it
#   tests/sweep/sweep.sh c-...                            those of containers: containers.sh
#   SWEEP_SAMPLE=N SWEEP_SEED=S                           N points of them, by chance
#   SWEEP_FAULTS="KILL EIO"                               these alone
#   SWEEP_PART=I/N                                        the Ith of N parts, for several at a time
[ "${1#c-}" = "${1-}" ] || exec "$(dirname "$0")/containers.sh" "$@"
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$TEST_DIR/../integration/lib.sh" || exit 1
sandbox "$@"
need_program strace
strace -o /dev/null true 2>/dev/null || skip "strace cannot be used here"
need_kind veth
need_kind bridge
python3 "$TEST_DIR/sweep.py" "$@" || exit 1
leak_check
echo "passed"
