#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A test of qemu.sh in an emulated machine of its own: with the others it would take too long, and it needs
# programs that they do not.
. "$(dirname "$0")/../integration/lib.sh" || exit 1

PATH=$PATH:/usr/sbin:/sbin
need_program udevadm sfdisk losetup mkfs.ext4 debugfs e2fsck
[ -x /lib/systemd/systemd-udevd ] || skip "needs systemd-udevd (udev)"
NETNSD_QEMU_TESTS=system/qemu/image.sh exec "$BASH" "$(dirname "$0")/qemu.sh"
