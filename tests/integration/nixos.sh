#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The NixOS module: what it refuses, what it writes, and that netnsctl takes it; the page for those who move.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_nixos.sh" || exit 1
sandbox "$@"
nixos_setup

triggers() { # KIND MODULE...
  evaluate "${@:2}" | jq -S -c ".services.netnsd.${1}Triggers"
}

refuses() { # PART MODULE: this part of an option has an error that says PART
  assert_status 1 evaluate "{ networking.namespaces.enable = true; }" "{ networking.namespaces.$2; }"
  assert_contains "$OUTPUT" "$1"
}

asserts() { # MESSAGE MODULE: exactly this one
  assert_json '.failed' "[\"$1\"]" evaluate "$2"
}

# --- what is refused --------------------------------------------------------------------------

step "S1: not enabled, nothing is done"
assert_json '[.failed, .etc, .services, .checks, .packages, .groups]' '[null,{},{},[],[],[]]' evaluate '{ }'

step "S2: containers and namespaces without enable"
NEED_ENABLE="netns containers and namespaces require netnsd: set networking.namespaces.enable = true"
asserts "$NEED_ENABLE" '{ networking.namespaces.containers.a.config = { }; }'
asserts "$NEED_ENABLE" '{ networking.namespaces.netns.a = { }; }'

step "names that netnsd would not even read"
for name in a/b .a -a ''; do
  asserts "networking.namespaces: \\\"$name\\\" cannot be the name of a namespace or container: letters, digits and -_.:+@, not beginning with - or ." \
    "{ networking.namespaces = { enable = true; netns.\"$name\" = { }; }; }"
done
asserts 'networking.namespaces: \"x/y\" cannot be the name of a namespace or container: letters, digits and -_.:+@, not beginning with - or .' \
  '{ networking.namespaces = { enable = true; containers.a = { netns = "x/y"; config = { }; }; }; }'

step "what a line of a file cannot carry"
for value in '"a\nb"' '"a\r"' '"a\n"' '" a"' '"a "' '"a\t"' '"a\\"' '"a\\\\\\"'; do
  refuses "Description= in [Namespace] of a.netns cannot be written into a file: a value is one line" \
    "netns.a.Description = $value"
done
refuses "\"De[s\" in [Namespace] of a.netns is no key" 'netns.a."De[s" = 1'
refuses "cannot be a section: one line, without [ and ]" 'netns.a.links."e]\n[Route x" = { kind = "Veth"; }'
refuses "cannot be a section" 'netns.a.routes."x\n" = { }'
refuses "networking.namespaces.netns.a.links.e.kind' " 'netns.a.links.e = { MTUBytes = 1400; }'
refuses "is not of type" 'netns.a.Description = { }'
assert_status 1 evaluate "$LAB" '{ networking.namespaces.netns.upstream.links.eth0.MTUBytes = 1500; }'
assert_contains "$OUTPUT" "conflicting definition"

# --- what is written --------------------------------------------------------------------------

step "the files, checked as when a system is built"
build "$LAB"
assert_ok run_check
assert_eq "$(jq -r '.etc | keys | map(select(startswith("netnsd/"))) | join(" ")' <<<"$SYSTEM")" \
  "netnsd/host.netns netnsd/lab@.netns netnsd/lab@one.netns.d/nixos.conf netnsd/lab@two.netns.d/nixos.conf netnsd/netnsd.conf \
netnsd/nixos.container netnsd/nixos.netns netnsd/plain.container netnsd/two.container netnsd/upstream.netns"
for name in rt_protos.d sysctl.d; do
  path=$(jq -r --arg name $name '.etc | to_entries[] | select(.key | contains($name)) | .value' <<<"$SYSTEM")
  assert_eq "$(readlink -f "$path")" "$(readlink -f "$NETNSD_SRCDIR/conf/$name/$(basename "$path")")"
done
assert_json '[.packages[], .groups[]]' "[\"$STORE/netnsd\",\"$STORE/netnsd\",\"$STORE/netnsd\",\"netnsd\"]" echo "$SYSTEM"

step "a mistake is told when a system is built"
build "$LAB" '{ networking.namespaces.netns.upstream.links.eth0.Gatewy = "10.30.0.1"; }'
assert_status 1 run_check
assert_contains "$OUTPUT" "[Veth eth0] Gatewy: unknown key 'Gatewy' in [Veth], did you mean 'Gateway'?"
build "$LAB" '{ networking.namespaces.containers.bad = { }; }'
assert_status 1 run_check
assert_contains "$OUTPUT" "there is nothing to run"
assert_json .checks '[]' evaluate "$LAB" '{ networking.namespaces.checkConfig = false; }'

step "the page for those who move: its options give its files (S4, S5, S52, S55, S62, S70, S71, S72)"
mkdir "$SANDBOX/page"
awk -v to="$SANDBOX/page/" '
  /^ *```$/ { out = "" }
  out == "/" && /^# \/etc\/netnsd\// { out = to substr($2, 13); next }
  out != "" && out != "/" { print >out }
  /^ *```nix$/ { out = to (++n) ".nix" }
  /^ *```ini$/ { out = "/" }' "$NETNSD_SRCDIR/doc/moving-from-nixos.md"
assert_eq "$(cd "$SANDBOX/page" && echo *)" "1.nix 2.nix upstream.netns web.container"
build "(import $SANDBOX/page/1.nix)" "(import $SANDBOX/page/2.nix)"
assert_ok run_check
activate
assert_eq "$(cd /etc/netnsd && echo *)" "host.netns netnsd.conf upstream.netns web.container"
for name in upstream.netns web.container; do
  sed '1,2d' "/etc/netnsd/$name" | diff "$SANDBOX/page/$name" - || fail "$name is not as the page says"
done
build "(import $SANDBOX/page/1.nix)"
activate
assert_eq "$(sed '1,2d' /etc/netnsd/upstream.netns)" $'[Namespace]\nAutoStart=no' "a namespace that nobody declares"

step "the package is that of this tree"
assert_json '.package | [.pname, .version, .configureFlags[0]]' \
  "[\"netnsd\",\"$(sed -n 's/^AC_INIT(\[netnsd\], \[\(.*\)\])$/\1/p' "$NETNSD_SRCDIR/configure.ac")\",\"--sysconfdir=/etc\"]" \
  evaluate '{ networking.namespaces.enable = true; }'

step "a reload when an object changes, a restart when netnsd.conf does, nothing when nothing does"
OBJECTS=$(triggers reload "$LAB")
DAEMON=$(triggers restart "$LAB")
changed() { # RELOAD RESTART MODULE: true or false each
  local reload restart
  reload=$(triggers reload "$LAB" "$3")
  restart=$(triggers restart "$LAB" "$3")
  assert_eq "$([ "$reload" != "$OBJECTS" ] && echo true || echo false)" "$1" "reload for $3"
  assert_eq "$([ "$restart" != "$DAEMON" ] && echo true || echo false)" "$2" "restart for $3"
}
changed false false '{ }'
changed true false '{ networking.namespaces.netns.upstream.DNS = [ "10.30.0.3" ]; }'
changed true false '{ networking.namespaces.netns.another = { }; }'
changed true false '{ networking.namespaces.containers.plain.Service.Restart = "always"; }'
changed false true '{ networking.namespaces.settings.Manager.AuditSec = "2s"; }'
assert_ne "$(triggers reload '{ networking.namespaces = { enable = true; netns.a = { }; }; }')" \
  "$(triggers reload '{ networking.namespaces = { enable = true; netns.b = { }; }; }')" "another name"
assert_json '[.services["netns@", "netns-up@", "netns-container@"] | .restartIfChanged, .overrideStrategy] | unique' \
  '[false,"asDropin"]' echo "$SYSTEM"
assert_json .sockets.netnsd.wantedBy '["sockets.target"]' echo "$SYSTEM"
assert_json '[.services.netnsd.stopIfChanged, .services."netnsd-shutdown".restartIfChanged, .services.netnsd.wantedBy[0]]' \
  '[false,false,"multi-user.target"]' evaluate "$LAB"

finish
