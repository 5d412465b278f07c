# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A root of busybox, and S68: containers whose root is a disk image. After lib.sh, and lib_container.sh of the
# integration tests.

busybox_root() { # ROOT
  local applet
  mkdir -p "$1"/{usr/bin,etc,proc,sys,dev,run,tmp,shared}
  ln -s usr/bin "$1/bin"
  cp /bin/busybox "$1/bin/busybox"
  for applet in sh dd mknod sleep cat echo head mount mkdir awk xargs ls; do
    ln -s busybox "$1/bin/$applet"
  done
  : >"$1/etc/os-release"
}

loops() { # image files that a loop device holds
  losetup --noheadings --list --output BACK-FILE | sed 's/^/a loop device: /'
}
no_loops() {
  [ -z "$(loops)" ]
}
holds() { # COUNT IMAGE...: these are held so often, and no others
  local expected=''
  while [ $# -gt 0 ]; do
    expected+=$(yes "a loop device: $MACHINES/$2" | head -n "$1")$'\n'
    shift 2
  done
  [ "$(loops | sort)" = "$(sort <<<"${expected%$'\n'}")" ]
}
said() { # NAME LINE
  grep -qxF -- "$2" "$SHARED/$1/log"
}
await_said() { # NAME LINE...
  local name=$1 line
  shift
  for line; do
    wait_for 60 said "$name" "$line" || fail "the payload of $name never said '$line': $(log_of "$name")"
  done
}
image_conf() { # NAME IMAGE [SECTION.KEY=VALUE...]
  payload_conf "$1" "" Container.Directory= "Container.Image=$MACHINES/$2" "Exec.Parameters=/bin/sh /payload" \
    Container.Namespace=box Service.TimeoutStartSec=90 Service.TimeoutStopSec=30 "${@:3}"
}
# A run with Restart= ends by SIGKILL of its nspawn; the image is held as before.
assert_run_after_kill() { # NAME LINE COUNT IMAGE...: what the payload says then, and what is held
  local before
  before=$(identity_of "$1")
  kill -KILL "$(nspawn_of "$1")"
  wait_for 60 is_another_than "$before" "$1" || fail "it does not run again"
  await_said "$1" "$2"
  holds "${@:3}" || fail "$(loops)"
}

# bare.raw, a file system, and gpt.raw, one in a partition. The payload writes down what it finds.
make_images() { # DIRECTORY
  local root=$1/root
  busybox_root "$root"
  echo "of the image" >"$root/marker"
  cat >"$root/payload" <<'X'
exec >>/shared/log
trap exit TERM
cat /marker
if { echo run >>/runs; } 2>/dev/null; then echo "runs: $(cat /runs | xargs)"; else echo "no write"; fi
awk '$2 == "/" { print "root:", $3 }' /proc/mounts
mkdir /tmp/dev
mount -t devtmpfs dev /tmp/dev
set -- /tmp/dev/loop[0-9]
if [ -b "$1" ] && ! head -c 0 <"$1" 2>/dev/null; then echo "loop: refused"; else echo "loop: open"; fi
sleep 1000 &
wait
X
  truncate -s 8M "$1/bare.raw"
  assert_ok mkfs.ext4 -q -F -d "$root" "$1/bare.raw"
  truncate -s 10M "$1/gpt.raw"
  sfdisk -q "$1/gpt.raw" <<<'label: gpt
start=2048, size=16384, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709' || fail "no partition table" # root of x86-64
  assert_ok mkfs.ext4 -q -F -E offset=$((2048 * 512)) -d "$root" "$1/gpt.raw" 8M
}
