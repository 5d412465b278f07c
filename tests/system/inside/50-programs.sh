#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests in C of what talks to systemd: they need one.
. "$(dirname "$0")/lib.sh" || exit 1

[ -x /srv/build/tests/kernel/test_scope.t ] || skip "tests/kernel/test_scope.t is not built"
cd /srv/build || fail "no build directory"
out=$(tests/kernel/test_scope.t 2>&1) || fail "test_scope.t: $out"
if grep -q '^\[  SKIPPED' <<<"$out"; then fail "skipped where nothing is missing: $out"; fi
assert_contains "$out" "[  PASSED  ]"
grep '^\[       OK' <<<"$out" | sed 's/^\[       OK \] /passed: /'
