#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# doc/plugin-in-an-hour.md, as its reader would do it, with the header and the plugins as installed.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
. "$(dirname "$0")/lib_guide.sh" || exit 1
if [ "${NETNSD_SANDBOX-}" = "" ]; then
  need_program make gcc pkg-config
  need_build_directory
  [ -c /dev/net/tun ] || skip "needs /dev/net/tun"
fi
container_sandbox "$@"
need_kind bridge

# Installed below another root, so netnsd.pc has to say so.
make_install "$SANDBOX/dest"
mkdir "$SANDBOX/pkgconfig"
find "$SANDBOX/dest" -name netnsd.pc -exec sed "s|^\([a-z_]*\)=/|\1=$SANDBOX/dest/|" {} \; >"$SANDBOX/pkgconfig/netnsd.pc"
export PKG_CONFIG_PATH=$SANDBOX/pkgconfig
NETNSD_PLUGIN_PATH=$(pkg-config --variable=plugindir netnsd)
[ -f "$NETNSD_PLUGIN_PATH/bridge.so" ] || fail "netnsd.pc says that plugins are in $NETNSD_PLUGIN_PATH"
guide_test doc/plugin-in-an-hour.md
