#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian packages, made by dpkg-buildpackage from what `make dist` packs, clean for lintian, and their life in a
# booted Debian 12 and 13 (inside/package.sh). Both get what is built here: libev4 of Debian 12 is provided by the
# libev4t64 of Debian 13.
. "$(dirname "$0")/lib_system.sh" || exit 1

# --- inside the sandbox of one machine ----------------------------------------------------------

box_install() {
  cp "$PACKAGE_WORK"/netnsd_*.deb "$BOX/root/srv/"
}

if [ -n "${PACKAGE_SUITE-}" ]; then
  export NETNSD_SYSTEM_TESTS=package
  boot_and_run "$PACKAGE_SUITE"
  exit 0
fi

# --- outside ------------------------------------------------------------------------------------

result() { # NAME COMMAND...
  local status=0 name=$1
  shift
  echo "[ RUN      ] $name"
  ("$@") || status=$?
  case $status in
    0) echo "[       OK ] $name" ;;
    77) echo "[  SKIPPED ] $name" ;;
    *) echo "[  FAILED  ] $name"; FAILURES=$((FAILURES + 1)) ;;
  esac
}

# Quietly; the jobserver of a make that runs us is not for this one.
logged_as() { # NAME COMMAND...
  local name=$1
  shift
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@" >"$work/$name.log" 2>&1 || { tail -n 30 "$work/$name.log"; fail "$1 failed"; }
}

build() {
  local missing version
  missing=$(cd "$NETNSD_SRCDIR" && dpkg-checkbuilddeps 2>&1) || skip "$missing"
  logged_as dist make -C "$NETNSD_BUILDDIR" distdir "distdir=$work/netnsd"
  cd "$work/netnsd" || fail "there is no $work/netnsd"
  version=$(dpkg-parsechangelog -S Version)
  assert_eq "$version" "$(sed -n 's/^AC_INIT(\[netnsd\], \[\(.*\)\])$/\1/p' configure.ac)" "the version in debian/changelog"
  # Sources too, for lintian. The tests have run already, and nobody looks at the symbols
  # or waits for the last bit of speed.
  logged_as build env DEB_CFLAGS_APPEND='-g0 -O1' DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" dpkg-buildpackage -us -uc
  # The next version: the same with another number, which takes no minute.
  dpkg-deb -R "$work"/netnsd_*.deb "$work/next"
  sed -i "s/^Version: .*/&+next/" "$work/next/DEBIAN/control"
  logged_as next dpkg-deb -b --root-owner-group -Zgzip -z1 "$work/next" "$work"
  step "built in $SECONDS s: $(cd "$work" && echo netnsd*.deb)"
}

clean_for_lintian() {
  lintian --allow-root --fail-on error,warning "$work"/netnsd_*.changes
}

# A plugin, by what netnsd-dev says; it goes where the packaged netnsd looks for it.
plugin_by_dev() {
  dpkg-deb -x "$work"/netnsd-dev_*.deb "$work/dev"
  export PKG_CONFIG_SYSROOT_DIR=$work/dev PKG_CONFIG_LIBDIR
  PKG_CONFIG_LIBDIR=$(echo "$work"/dev/usr/lib/*/pkgconfig):$(pkg-config --variable pc_path pkg-config)
  # shellcheck disable=SC2046
  assert_ok "${CC:-cc}" -shared -fPIC -o "$work/dummy.so" "$NETNSD_SRCDIR/plugins/dummy.c" $(pkg-config --cflags netnsd)
  [ -f "$work/next$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=plugindir netnsd)/dummy.so" ] ||
    fail "netnsd has no plugins in $(pkg-config --variable=plugindir netnsd)"
  [ -n "$(find "$work/dev" -name 'netnsd-plugin.3*')" ] || fail "netnsd-dev has no manual page"
}

need_program dpkg-buildpackage dh lintian pkg-config
find_programs
NETNSD_BUILDDIR=${NETNSD_BUILDDIR:-$(dirname "$NETNSD")}
work=$(mktemp -d "${TMPDIR:-/tmp}/netnsd-package.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

result package/build build
[ "$FAILURES" = 0 ] || exit 1
set -- "$work"/netnsd-dev_*.deb
[ -e "$1" ] || exit 0 # was skipped
# All at the same time: they wait more than they work.
suites=(bookworm trixie)
for suite in "${suites[@]}"; do
  PACKAGE_SUITE=$suite PACKAGE_WORK=$work "$BASH" "$0" >"$work/$suite.log" 2>&1 &
  boxes+=($!)
done
result package/lintian clean_for_lintian
result package/plugin plugin_by_dev
for i in "${!suites[@]}"; do
  status=0
  wait "${boxes[i]}" || status=$?
  cat "$work/${suites[i]}.log"
  # Its own results are among what it has printed, unless it did not come so far.
  [ $status = 0 ] || grep -q '^\[  FAILED  \]' "$work/${suites[i]}.log" || result "${suites[i]}/package" exit $status
  [ $status = 0 ] || [ $status = 77 ] || FAILURES=$((FAILURES + 1))
done
[ "$FAILURES" = 0 ]
