# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tools/check and tools/try share: Debian packages, a copy of the tree to build in, progress lines.

# What a build needs, and what using it from a shell needs.
BUILD_PACKAGES=(
  autoconf automake gcc libc6-dev make pkg-config
  libcap-dev libcmocka-dev libev-dev libjansson-dev libnl-3-dev libsmartcols-dev libsystemd-dev uthash-dev
)
TRY_PACKAGES=(iproute2 iputils-ping mount procps util-linux)
CHECK_PACKAGES=(
  "${TRY_PACKAGES[@]}" clang clang-format clang-tidy debootstrap jq libcap2-bin libclang-rt-14-dev llvm man-db
  mandoc python3 qemu-system-x86 shellcheck strace varlink-go
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

# A tree of Debian 13, for the varlinkctl of its systemd 257: made once a machine and kept. Without one
# the test that wants it is skipped, and says so.
prepare_trixie() {
  export NETNSD_TRIXIE=${NETNSD_TRIXIE:-/var/cache/netnsd-tests/trixie}
  [ ! -x "$NETNSD_TRIXIE/usr/bin/varlinkctl" ] && [ "$(id -u)" = 0 ] || return 0
  progress "debootstrap trixie"
  mkdir -p "$(dirname "$NETNSD_TRIXIE")"
  if debootstrap --variant=minbase --include=systemd trixie "$NETNSD_TRIXIE.$$" >"$work/debootstrap.log" 2>&1; then
    mv -T "$NETNSD_TRIXIE.$$" "$NETNSD_TRIXIE" && return 0
  fi
  tail -n 3 "$work/debootstrap.log" >&2
  rm -rf --one-file-system "$NETNSD_TRIXIE.$$"
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
