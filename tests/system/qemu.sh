#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the kernel of a test machine may lack, on Debian's own kernel: all link kinds, and network cards, which go
# into namespaces and have to come back. The machine in there has the file system of this one as its root, so that
# whatever a test needs is at hand; qemu/run.sh runs the tests.
#
#   NETNSD_QEMU_TESTS="A B..."   instead of these; each is a file below tests
. "$(dirname "$0")/../integration/lib.sh" || exit 1
. "$(dirname "$0")/lib_qemu.sh" || exit 1

tests=${NETNSD_QEMU_TESTS:-kernel/test_kinds.t system/qemu/kinds.sh system/qemu/card.sh system/qemu/repair.sh system/qemu/limits.sh}
limit=500 # seconds; all of them took 100 to 250 so far
each=150
# shellcheck disable=SC2034
[[ "$tests" == *\ * ]] || each=$limit
find_programs
qemu_begin
NETNSD_BUILDDIR=${NETNSD_BUILDDIR:-$(dirname "$NETNSD")}
# Not there with configure --with-test-groups=system alone.
[ -x "$NETNSD_BUILDDIR/tests/kernel/test_kinds.t" ] || tests=${tests/kernel\/test_kinds.t/}
# shellcheck disable=SC2034
init="/bin/bash $NETNSD_SRCDIR/tests/system/qemu/run.sh"
qemu_unpack
make_initramfs
step "$KERNEL, $(qemu-system-x86_64 --version | head -n 1), $SECONDS s"
boot / $limit
step "$SECONDS s"
# shellcheck disable=SC2086
qemu_verdict $tests
echo "passed"
