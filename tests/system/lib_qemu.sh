# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's own kernel, emulated by qemu without KVM: for what the kernel of a test machine may lack. Its root is a
# directory of this machine, read-only over 9p below an overlay in memory; what it does with that is up to
# qemu/initramfs.sh. It reports by lines that begin with "@@ ".
#
#   XDG_CACHE_HOME               netnsd-tests in it keeps packages; default: /var/cache, or ~/.cache

modules=(
  virtio_pci 9p 9pnet_virtio overlay virtio_net
  veth bridge dummy ifb 8021q macvlan macvtap ipvlan vrf vxlan
  loop ext4 crc32c_generic
)

# What follows works in a directory of its own, $work.
qemu_begin() {
  [ "$(uname -m)" = x86_64 ] || skip "emulates a machine of x86_64, this is $(uname -m)"
  need_program qemu-system-x86_64 apt-get dpkg-deb
  grep -q '"virtio-9p-pci"' <<<"$(qemu-system-x86_64 -device help)" || skip "this qemu has no virtio-9p-pci"
  work=$(mktemp -d "${TMPDIR:-/tmp}/netnsd-qemu.XXXXXX") || exit 1
  log=$work/console
  trap 'rm -rf "$work"' EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  find_cache
}

find_cache() {
  cache=${XDG_CACHE_HOME-}
  if [ -z "$cache" ]; then
    [ "$(id -u)" = 0 ] && cache=/var/cache || cache=${HOME-}/.cache
  fi
  cache=$cache/netnsd-tests
  if ! mkdir -p "$cache" 2>/dev/null || ! [ -w "$cache" ]; then
    cache=$work/cache
    mkdir "$cache"
  fi
}

# The second time with lists of our own, as those of the machine may be missing or old.
download() { # PACKAGE: the file appears in the present directory
  local package=$1 attempt options=(-q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
  for attempt in 1 2; do
    if [ $attempt = 2 ]; then
      mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
      options+=(-o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache")
      apt-get "${options[@]}" update || return 1
    fi
    # linux-image-amd64 is empty and depends on the kernel of the day.
    [ "$1" != linux-image-amd64 ] ||
      package=$(apt-cache "${options[@]}" depends "$1" | awk '$2 ~ /^linux-image-[0-9]/ { print $2; exit }')
    [ -z "$package" ] || ! apt-get "${options[@]}" download "$package" || return 0
  done
  return 1
}

# The path goes to $DEB. What is in the cache will do, so that the network is needed once.
find_package() { # PACKAGE PATTERN
  local file
  for file in "$cache"/$2; do
    DEB=$file
    [ ! -f "$file" ] || return 0
  done
  mkdir -p "$work/download"
  (cd "$work/download" && download "$1") >"$work/apt.log" 2>&1 ||
    skip "there is no package $1 to be had: $(grep -m 1 '^E:' "$work/apt.log")"
  for file in "$work/download"/$2; do
    DEB=$cache/${file##*/}
    { mv "$file" "$DEB.$$" && mv "$DEB.$$" "$DEB"; } || fail "$file cannot be kept in $cache"
  done
}

unpack() { # DEB MEMBER-PATTERN...
  local deb=$1
  shift
  dpkg-deb --fsys-tarfile "$deb" | tar -x --wildcards -C "$work" "$@" || fail "$deb cannot be unpacked"
}

# Modules in the order in which they can be loaded. There is no modules.dep in the package.
declare -A loaded=()
add_module() { # NAME
  local name=$1 dependency
  [ -z "${loaded[$name]-}" ] || return 0
  loaded[$name]=yes
  [ -f "$work/ko/$name.ko" ] || fail "$KERNEL has no module $name"
  for dependency in $(tr '\0' '\n' <"$work/ko/$name.ko" | sed -n 's/^depends=//p' | tr ',-' ' _'); do
    add_module "$dependency"
  done
  cp "$work/ko/$name.ko" "$work/root/modules/"
  echo "$name" >>"$work/root/modules/list"
}

# It executes $init, and finds variables in /run/environment.
make_initramfs() {
  local file name
  mkdir -p "$work/ko" "$work/root"/{modules,proc,sys,dev,new,mem}
  find "$work/lib/modules" -name '*.ko' >"$work/list"
  while read -r file; do
    name=${file##*/}
    mv "$file" "$work/ko/${name//-/_}"
  done <"$work/list"
  for name in "${modules[@]}"; do
    add_module "$name"
  done
  cp "$work/bin/busybox" "$work/root/busybox"
  cp "$NETNSD_SRCDIR/tests/system/qemu/initramfs.sh" "$work/root/init"
  chmod 755 "$work/root/init"
  for name in init NETNSD NETNSCTL NETNSD_PLUGIN_PATH NETNSD_SRCDIR NETNSD_BUILDDIR ASAN_OPTIONS UBSAN_OPTIONS tests each; do
    printf 'export %s=%q\n' $name "${!name-}"
  done >"$work/root/environment"
  (cd "$work/root" && find . | "$work/bin/busybox" cpio -o -H newc) >"$work/initramfs" 2>/dev/null ||
    fail "there is no initramfs"
}

# The kernel, and all that an initramfs is made of.
qemu_packages() {
  find_package busybox-static 'busybox-static_*_amd64.deb'
  BUSYBOX_DEB=$DEB
  find_package linux-image-amd64 'linux-image-[0-9]*_amd64.deb'
  KERNEL=${DEB##*/}
}

qemu_unpack() {
  qemu_packages
  unpack "$BUSYBOX_DEB" './bin/busybox'
  unpack "$DEB" --exclude='*/drivers/net/ethernet' --exclude='*/drivers/net/wireless' './boot/vmlinuz-*' \
    './lib/modules/*/kernel/'{net,lib,crypto,drivers/net,drivers/virtio,drivers/block,fs/9p,fs/netfs,fs/fscache,fs/overlayfs,fs/ext4,fs/jbd2}'/*' \
    './lib/modules/*/kernel/fs/mbcache.ko'
}

# Two cards on one wire. A panic is a restart, and with -no-reboot the end.
boot() { # ROOT SECONDS
  local i arguments=(
    -M pc -accel tcg -cpu "qemu64,+rdrand" -smp 1 -m 768 -nodefaults -no-user-config -no-reboot
    -display none -serial stdio
    -kernel "$work"/boot/vmlinuz-* -initrd "$work/initramfs"
    -append "console=ttyS0 quiet panic=-1 mitigations=off"
    -fsdev "local,id=root,path=$1,security_model=none,readonly=on,multidevs=remap"
    -device "virtio-9p-pci,fsdev=root,mount_tag=root"
  )
  for i in 1 2; do
    arguments+=(
      -netdev "hubport,hubid=0,id=wire$i"
      -device "virtio-net-pci,netdev=wire$i,mac=52:54:00:00:00:0$i,romfile="
    )
  done
  timeout --foreground --kill-after=5 "$2" qemu-system-x86_64 "${arguments[@]}" </dev/null 2>&1 | tr -d '\r' | tee "$log"
}

# All of it ran, and nothing failed.
qemu_verdict() { # NAME...
  local failed name
  failed=$(awk '$1 == "@@" && $2 == "failed" { print $3 }' "$log" | xargs)
  [ -z "$failed" ] || fail "in the machine failed: $failed"
  grep -q '^@@ end' "$log" || fail "the machine ended before its tests did, or took too long"
  for name; do
    grep -qx "@@ passed $name" "$log" || fail "$name did not pass"
  done
}
