#!/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# /init of the initramfs that ../lib_qemu.sh makes: loads all modules that tests need, makes the root, and
# leaves the rest to $init in it.
# shellcheck shell=dash disable=SC2015
/busybox mount -t proc proc /proc
while read -r module; do
  /busybox insmod "/modules/$module.ko" || echo "module $module cannot be loaded"
done </modules/list
# Nothing of it changes while the tests run.
/busybox mkdir /lower
/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 root /lower &&
  /busybox mount -t tmpfs none /mem &&
  /busybox mkdir /mem/upper /mem/work &&
  /busybox mount -t overlay -o lowerdir=/lower,upperdir=/mem/upper,workdir=/mem/work root /new || {
  echo "the root cannot be mounted"
  exit 1
}
/busybox mount -t devtmpfs dev /new/dev
/busybox mount -t tmpfs -o mode=0755 run /new/run
/busybox cp /environment /new/run/environment
. /environment
/busybox umount /proc
# shellcheck disable=SC2086,SC2154
exec /busybox switch_root /new $init
