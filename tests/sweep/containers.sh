#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes every system call fail that has to do with containers, one at a time; see containers.py, and health.py for
# c-health, which is not among "all". Called as sweep.sh is.
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$TEST_DIR/../integration/lib.sh" || exit 1
# shellcheck source=tests/integration/lib_container.sh
. "$TEST_DIR/../integration/lib_container.sh" || exit 1
container_sandbox "$@"
need_program strace
strace -o /dev/null true 2>/dev/null || skip "strace cannot be used here"
need_kind veth
[ -x /bin/busybox ] || skip "needs /bin/busybox (busybox-static)"
program=containers.py
[ "${1-}" != c-health ] || program=health.py
python3 "$TEST_DIR/$program" "$@" || exit 1
leak_check
echo "passed"
