# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tools/check and tools/try share: Debian packages, a copy of the tree to build in, progress lines.

# What a build needs, and what using it from a shell needs.
BUILD_PACKAGES=(
  autoconf automake gcc libc6-dev make pkg-config
  libcap-dev libcmocka-dev libev-dev libjansson-dev libnl-3-dev libsmartcols-dev libsystemd-dev uthash-dev
)
TRY_PACKAGES=(busybox-static iproute2 iputils-ping mount procps systemd-container util-linux)
CHECK_PACKAGES=(
  "${TRY_PACKAGES[@]}" clang clang-format clang-tidy debhelper dpkg-dev e2fsprogs fdisk fish graphviz jq
  libcap2-bin libclang-rt-14-dev lintian llvm man-db mandoc mmdebstrap nix-bin python3 qemu-system-x86 shellcheck
  strace udev varlink-go zsh
)

complain() {
  echo "${0##*/}: $*" >&2
}

started=$SECONDS
progress() {
  printf '[%3d s] %s\n' $((SECONDS - started)) "$*"
}

# Installs those that are missing; says nothing when none is.
install_packages() { # PACKAGE...
  local package missing=()
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    complain "these packages are missing; install them, or run as root: ${missing[*]}"
    return 1
  fi
  progress "installing ${missing[*]}"
  local apt=(apt-get -q -y -o DPkg::Lock::Timeout=600)
  export DEBIAN_FRONTEND=noninteractive
  "${apt[@]}" install --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 && return 0
  # The lists of packages may be missing or old.
  { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$work/apt.log" 2>&1 ||
    { tail -n 20 "$work/apt.log" >&2; complain "apt-get could not install ${missing[*]}"; return 1; }
}

# Trees of Debian that tests boot, and that have a varlinkctl (trixie, systemd 257): made once a machine and
# kept, and made anew when what should be in them changes. Tests that want one are skipped, and say so, where
# it cannot be had.
TREE_PACKAGES=(
  busybox-static dbus iproute2 jq libasan8 libcap2 libcmocka0 libjansson4 libnl-3-200 libnss-mymachines libsmartcols1
  libsystemd0 libubsan1 procps systemd systemd-container systemd-sysv
)
# Of these only the units are there, below /usr/share/netnsd-tests: for tests of the order of a boot. And udev.deb, as it
# is, for a machine that has devices.
UNIT_PACKAGES=(cloud-init ifupdown)
prepare_trees() {
  local suite making=() pid
  export NETNSD_TREES=${NETNSD_TREES:-/var/cache/netnsd-tests}
  export NETNSD_TRIXIE=${NETNSD_TRIXIE:-$NETNSD_TREES/trixie}
  [ "$(id -u)" = 0 ] || return 0
  for suite in bookworm:libev4 trixie:libev4t64; do
    if ! tree_marker "${suite#*:}" | cmp -s - "$NETNSD_TREES/${suite%:*}/etc/netnsd-tests"; then
      progress "making a tree of ${suite%:*}"
      make_tree "${suite%:*}" "${suite#*:}" &
      making+=($!)
    fi
  done
  for pid in ${making[@]+"${making[@]}"}; do
    wait "$pid"
  done
}

tree_packages() { # PACKAGE...: besides those that all trees have
  printf '%s\n' "${TREE_PACKAGES[@]}" "$@" | sort
}

tree_marker() { # PACKAGE...: what is in the tree, as the tree says it
  tree_packages "$@"
  echo "units of ${UNIT_PACKAGES[*]}, and udev.deb"
}

# A hook of mmdebstrap. The suite's own, by the apt that it uses itself.
# shellcheck disable=SC2016
UNITS_HOOK='export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" && mkdir -p "$1/usr/share/netnsd-tests" &&
  cd "$1/usr/share/netnsd-tests" && apt-get -q -o APT::Sandbox::User=root download '"${UNIT_PACKAGES[*]}"' &&
  for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --wildcards "./*lib/systemd/system/*"; done && rm *.deb &&
  apt-get -q -o APT::Sandbox::User=root download udev && mv udev_*.deb udev.deb'

# In a mount namespace of its own: what it mounts in there goes with it.
make_tree() { # SUITE PACKAGE...
  local suite=$1 new=$NETNSD_TREES/$1.$$ packages
  shift
  packages=$(tree_packages "$@")
  mkdir -p "$NETNSD_TREES"
  if timeout 600 unshare -mpf --mount-proc --kill-child -- mmdebstrap --quiet --mode=root --variant=essential \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --include="${packages//$'\n'/,}" --customize-hook="$UNITS_HOOK" \
    "$suite" "$new" >"$work/$suite.log" 2>&1; then
    tree_marker "$@" >"$new/etc/netnsd-tests"
    # Another run may have been faster.
    if ! cmp -s "$new/etc/netnsd-tests" "$NETNSD_TREES/$suite/etc/netnsd-tests"; then
      [ ! -e "$NETNSD_TREES/$suite" ] || mv -T "$NETNSD_TREES/$suite" "$new.old"
      mv -T "$new" "$NETNSD_TREES/$suite"
    fi
  else
    complain "there will be no tree of $suite: $(grep -m 1 '^E:' "$work/$suite.log" || tail -n 1 "$work/$suite.log")"
  fi
  rm -rf --one-file-system "$new" "$new.old"
}

# Copies the checkout, with changes that are not committed, so that autogen.sh and runs side by side
# leave it as it is.
copy_tree() { # FROM TO
  mkdir -p "$2"
  if [ -e "$1/.git" ] && command -v git >/dev/null; then
    (
      cd "$1" || exit 1
      git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do
          if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
        done | tar -c --null --no-recursion -T - -f -
    ) | tar -x --no-same-owner -C "$2" -f -
  else
    tar -c -C "$1" --exclude=./.git --exclude='*.o' --exclude='*.trs' . | tar -x --no-same-owner -C "$2" -f -
  fi
}
