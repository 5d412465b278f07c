#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A plugin that nobody here knows: built against the installed header alone, in a directory of its
# own, and the daemon makes links of its kind. Beside it lie plugins that must be refused by name
# without keeping the daemon, or the others, from working.
. "$(dirname "$0")/lib.sh" || exit 1

if [ "${NETNSD_SANDBOX-}" = "" ]; then
  need_program make "${CC:-cc}"
  need_build_directory
fi
sandbox "$@"

DEST=$SANDBOX/dest
OUT=$SANDBOX/plugins
mkdir -p "$DEST" "$OUT" "$SANDBOX/tree"

step "make install"
make_install "$DEST"
header=$(find "$DEST" -path '*/include/netnsd/plugin.h')
[ -f "$header" ] || fail "the header is not installed"
include=${header%/netnsd/plugin.h}
assert_eq "$(find "$include/netnsd" -type f | wc -l)" 1 "headers installed"
installed=$(find "$DEST" -name veth.so -printf '%h\n')
[ -d "$installed" ] || fail "the plugins are not installed"
assert_eq "$(find "$installed" -name '*.so' -printf '%f\n' | sort | tr '\n' ' ')" \
  "$(find "$PLUGINS" -maxdepth 1 -name '*.so' -printf '%f\n' | sort | tr '\n' ' ')" "plugins installed"
assert_eq "$(find "$installed" -name '*.so' -perm /022)" "" "plugins that others can write"

step "a plugin against the header alone"
cat >"$SANDBOX/tree/switch.c" <<'FILE'
/* The kernel's bridge under another name, with one key. */
#include <linux/if_link.h>
#include <netnsd/plugin.h>

struct switch_config {
	uint16_t priority;
};

static const struct conf_key switch_keys[] = {
	{.name = "Rank",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_BR_PRIORITY,
	 .offset = offsetof(struct switch_config, priority),
	 .max = 1000,
	 .doc = "the lowest becomes root"},
	{.name = NULL},
};

static const struct link_kind switch_kind = {
	.name = "bridge",
	.section = "Switch",
	.flags = NETNSD_KIND_MASTER,
	.config_size = sizeof(struct switch_config),
	.keys = switch_keys,
};

static const struct link_kind *const kinds[] = {&switch_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .name = "switch", .kinds = kinds};
FILE
compile() { # SOURCE RESULT
  (cd "$SANDBOX/tree" && "${CC:-cc}" -std=c11 -Wall -Wextra -Werror -pedantic -shared -fPIC -I"$include" -o "$2" "$1")
}
assert_ok compile switch.c "$OUT/switch.so"
if command -v c++ >/dev/null; then
  echo '#include <netnsd/plugin.h>' >"$SANDBOX/tree/header.cc"
  assert_ok c++ -Wall -Wextra -Werror -fsyntax-only -I"$include" "$SANDBOX/tree/header.cc"
fi
if command -v pkg-config >/dev/null; then
  pc=$(find "$DEST" -name netnsd.pc)
  export PKG_CONFIG_PATH=${pc%/*}
  [[ $(find "$DEST$(pkg-config --variable=plugindir netnsd)" -name veth.so) ]] ||
    fail "netnsd.pc says that plugins are in $(pkg-config --variable=plugindir netnsd)"
  [[ "$DEST$(pkg-config --variable=includedir netnsd)" -ef $include ]] ||
    fail "netnsd.pc says that the header is in $(pkg-config --variable=includedir netnsd)"
fi
cp "$installed"/{veth,static}.so "$OUT"
conformance=$NETNSD_BUILDDIR/tests/plugins/conformance.t
[ ! -x "$conformance" ] || assert_ok "$conformance" "$OUT"

step "and some that must be refused"
sed 's/NETNSD_PLUGIN_API,/NETNSD_PLUGIN_API + 1,/; s/"switch"/"newer"/' "$SANDBOX/tree/switch.c" >"$SANDBOX/tree/newer.c"
sed 's/"Switch"/"Other"/; s/"switch"/"twin"/' "$SANDBOX/tree/switch.c" >"$SANDBOX/tree/twin.c"
echo 'int netnsd;' >"$SANDBOX/tree/blank.c"
sed 's/"bridge"/"ifb"/; s/"Switch"/"Loose"/; s/"switch"/"loose"/' "$SANDBOX/tree/switch.c" >"$SANDBOX/tree/loose.c"
for name in newer twin blank loose; do
  assert_ok compile $name.c "$OUT/$name.so"
done
chmod 0777 "$OUT/loose.so"
cp "$OUT/switch.so" "$OUT/given.so"
chown 65534 "$OUT/given.so"

step "the daemon takes it"
export NETNSD_PLUGIN_PATH=$OUT
conf lab <<'FILE'
[Namespace]
[Switch sw0]
Rank=777
[Veth eth0]
Bridge=sw0
PeerName=ns-lab
Address=10.0.0.2/24
FILE
conf broken <<'FILE'
[Namespace]
[Loose x0]
FILE
start_daemon
assert_json '.[0].linkinfo | [.info_kind, .info_data.priority]' '["bridge",777]' nsjson lab link show sw0
assert_json '.[0].master' sw0 nsjson lab link show eth0
log=$(daemon_log)
for name in newer twin blank loose given; do
  assert_contains "$log" "$name.so: " "the refused plugin in the log"
done
assert_contains "$log" "newer.so: is made for plugin API"
assert_contains "$log" "twin.so: plugin switch has the kind bridge already"
assert_contains "$log" "blank.so: does not export the symbol netnsd_plugin"
assert_contains "$log" "loose.so: is writable"
assert_contains "$log" "given.so: belongs to user 65534"
assert_contains "$log" "Loose" "the file that needs a refused plugin"
[ ! -e /run/netns/broken ] || fail "a file that needs a refused plugin was applied"
rm /etc/netnsd/broken.netns
assert_plan_empty

step "its key is checked, and changes in place"
before=$(fingerprint lab)
sed -i 's/^Rank=.*/Rank=1001/' /etc/netnsd/lab.netns
assert_status 1 ctl apply
assert_contains "$OUTPUT" "0 to 1000"
sed -i 's/^Rank=.*/Rank=5/' /etc/netnsd/lab.netns
assert_ok ctl apply
assert_json '.[0].linkinfo.info_data.priority' 5 nsjson lab link show sw0
assert_eq "$(fingerprint lab)" "$before" "what did not change"
assert_plan_empty
finish
