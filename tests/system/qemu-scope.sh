#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disk images in scopes of systemd: Debian 13 with systemd as PID 1, udev and netnsd as its service, on Debian's kernel
# in an emulated machine. qemu/scope.sh is the test in there.
#
#   NETNSD_QEMU_SUITE=bookworm   Debian 12
. "$(dirname "$0")/lib_system.sh" || exit 1
. "$(dirname "$0")/lib_qemu.sh" || exit 1
. "$(dirname "$0")/qemu/lib_image.sh" || exit 1

suite=${NETNSD_QEMU_SUITE:-trixie}
limit=600
# shellcheck disable=SC2034
init=/sbin/init each=$limit tests=''

# Everything that a machine on a 9p root is better without, and one unit more: the test.
scope_root() {
  local root=$BOX/root units=$BOX/root/etc/systemd/system unit
  # Debian 12 has files in /lib, which is a link.
  dpkg-deb --fsys-tarfile "$root/usr/share/netnsd-tests/udev.deb" | tar -x --keep-directory-symlink -C "$root" ||
    fail "udev.deb cannot be unpacked"
  for unit in systemd-remount-fs systemd-logind systemd-timesyncd systemd-hwdb-update systemd-networkd getty@ serial-getty@; do
    ln -sf /dev/null "$units/$unit.service"
  done
  : >"$root/etc/fstab"
  mkdir -p "$units/multi-user.target.wants" "$root"/srv/{images,tests,debian}
  make_images "$root/srv/images"
  mount --bind "$NETNSD_SRCDIR/tests" "$root/srv/tests" || fail "no tests in there"
  cat >"$units/tests.service" <<'X'
[Unit]
After=netnsd.service systemd-udevd.service dbus.service
Wants=systemd-udevd.service
[Service]
Type=oneshot
EnvironmentFile=/etc/netnsd-tests.env
Environment=NETNSD_SRCDIR=/srv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
StandardOutput=file:/dev/ttyS0
StandardError=inherit
ExecStart=/bin/bash -o pipefail -c '/bin/bash /srv/tests/system/qemu/scope.sh 2>&1 | cat'
ExecStopPost=/bin/sh -c '[ "$$EXIT_STATUS" = 0 ] && echo "@@ passed scope" || echo "@@ failed scope"; echo "@@ end"; sync; echo b >/proc/sysrq-trigger'
X
  ln -s ../tests.service "$units"/multi-user.target.wants/
}

[ "$(id -u)" = 0 ] || skip "needs root"
find_programs
NETNSD_BUILDDIR=${NETNSD_BUILDDIR:-$(dirname "$NETNSD")}
export NETNSD_BUILDDIR
PATH=$PATH:/usr/sbin:/sbin
need_program make sfdisk mkfs.ext4
[ -e "$NETNSD_TREES/$suite/usr/share/netnsd-tests/udev.deb" ] ||
  skip "needs a tree of $suite in $NETNSD_TREES, as tools/check makes it"
# The network is outside.
[ "${NETNSD_BOX-}" = yes ] || (qemu_begin && qemu_packages) || exit $?
box_sandbox
qemu_begin
qemu_unpack
box_root "$suite"
scope_root
make_initramfs
step "$KERNEL, Debian of $suite, $SECONDS s"
boot "$BOX/root" $limit
step "$SECONDS s"
qemu_verdict scope
echo "passed"
