#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Includes point down the layers only (ARCHITECTURE.md). Reads every #include of src, src/ctl and
# plugins: a file belongs to the longest name of the table below that its own name is or begins with
# (rtnl_query.c is part of rtnl), and may include its own part, lower layers, and its own layer where
# the table says that parts of a layer know each other. A file that no name fits is an error, so a new
# part is put into the table by whoever adds it.
set -u

table='
0 clock loop nested file log cleanup error str parse diag list
1 ini key rtnl worker varlink idl process fdstore cgroup scope console notify enter
2 restart nspawn supervise root netns desired kind plugin actual event drift fight request plan reconcile link address route graph
3 config config_load notice watch checkpoint apply transaction survey round operation manager container health
4 api reexec
5 main
'
# Decide, and have no effects: no loop, no sockets, no log.
pure='error str parse diag ini key desired kind request plan reconcile event drift fight link address route restart supervise graph'
# What pure files must not include.
impure='ev.h log.h rtnl.h worker.h varlink.h sys/socket.h sys/un.h netlink/socket.h netlink/netlink.h pthread.h sys/epoll.h systemd/sd-daemon.h'

check() { # DIRECTORY: prints violations
  (cd "$1" && grep -HnE '^[[:space:]]*#[[:space:]]*include' src/*.[ch] src/ctl/*.[ch] plugins/*.[ch] 2>/dev/null) |
    awk -v table="$table" -v pure="$pure" -v impure="$impure" '
    function part(file,   name, p, best) {
      name = file
      sub(/.*\//, "", name)
      sub(/\.[ch]$/, "", name)
      for (p in layer)
        if ((name == p || index(name, p "_") == 1) && length(p) > length(best))
          best = p
      return best
    }
    BEGIN {
      n = split(table, lines, "\n")
      for (i = 1; i <= n; i++) {
        m = split(lines[i], words, " ")
        for (j = 2; j <= m; j++)
          layer[words[j]] = words[1]
      }
      n = split(pure, words, " ")
      for (i = 1; i <= n; i++) is_pure[words[i]] = 1
      n = split(impure, words, " ")
      for (i = 1; i <= n; i++) is_impure[words[i]] = 1
    }
    {
      split($0, at, ":")
      file = at[1]
      where = file ":" at[2]
      text = $0
      sub(/^[^:]*:[^:]*:/, "", text)
      quoted = text ~ /include[ \t]*"/
      target = text
      sub(/^[^"<]*["<]/, "", target)
      sub(/[">].*$/, "", target)

      if (file ~ /^plugins\//) {
        if (quoted || target ~ /^\.|^src\//)
          print where ": a plugin includes <netnsd/plugin.h> and system headers only, not \"" target "\""
        else if (target ~ /^netnsd\// && target != "netnsd/plugin.h")
          print where ": a plugin includes <netnsd/plugin.h> only, not <" target ">"
        else if (target ~ /^(ev|jansson|uthash|utlist|systemd\/.*)\.h$/ || target ~ /^netlink\/route\//)
          print where ": a plugin uses libc, linux headers and libnl core only, not <" target ">"
        next
      }
      ctl = file ~ /^src\/ctl\//
      from = ctl ? "ctl" : part(file)
      if (from == "") {
        print where ": no layer is known for " file "; put it into the table of tests/unit/layers.sh"
        next
      }
      if (is_pure[from] && is_impure[target])
        print where ": " from " is pure and must not include " target
      if (!quoted || target == "netnsd/plugin.h")
        next
      if (!ctl && target ~ /(^|\/)ctl\//) {
        print where ": nothing but ctl includes ctl headers"
        next
      }
      if (ctl && (system("test -e src/ctl/" target) == 0))
        next
      to = part(target)
      if (to == "") {
        print where ": no layer is known for " target "; put it into the table of tests/unit/layers.sh"
        next
      }
      if (ctl) {
        if (layer[to] > 2 && to !~ /^config/)
          print where ": netnsctl may include layers 0-2 and config_load, not " target " of layer " layer[to]
      } else if (layer[to] > layer[from]) {
        print where ": " from " is of layer " layer[from] " and must not include " target " of layer " layer[to]
      }
    }'
}

# The check itself must find what it is there for.
self_test() {
  local dir out
  dir=$(mktemp -d) || return 1
  mkdir -p "$dir/src/ctl" "$dir/plugins"
  echo '#include "manager.h"' >"$dir/src/rtnl_query.c"
  echo '# include <ev.h>' >"$dir/src/reconcile_link.c"
  echo '#include "error.h"' >"$dir/src/wormhole.c"
  echo '#include "api.h"' >"$dir/src/ctl/verb.c"
  echo '#include "str.h"' >"$dir/plugins/bad.c"
  printf '%s\n' '#include "manager.h"' '#include <ev.h>' >"$dir/src/api.c"
  out=$(cd "$dir" && check "$dir")
  rm -rf "$dir"
  [ "$(grep -c . <<<"$out")" = 5 ] &&
    grep -q '^src/rtnl_query.c:1: rtnl is of layer 1' <<<"$out" &&
    grep -q '^src/reconcile_link.c:1: reconcile is pure' <<<"$out" &&
    grep -q '^src/wormhole.c:1: no layer is known' <<<"$out" &&
    grep -q '^src/ctl/verb.c:1: netnsctl may include' <<<"$out" &&
    grep -q '^plugins/bad.c:1: a plugin includes' <<<"$out" && return 0
  printf 'layers.sh: its self test failed; it printed:\n%s\n' "$out"
  return 1
}

top=${NETNSD_SRCDIR:-$(dirname "$0")/../..}
cd "$top" || exit 1
self_test || exit 1
violations=$(check .)
[ -z "$violations" ] || { printf '%s\n' "$violations"; exit 1; }
echo "$(find src plugins -name '*.[ch]' | wc -l) files include downwards only"
