#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A kind is plugins/KIND.c + man/netnsd-KIND.5 + tests/plugins/KIND.c. Prints what is missing, also
# the other way round: a page or a test without its plugin.
set -u

# DIRECTORY: prints one line for each missing file
check() {
  local dir=$1 file kind
  for file in "$dir"/plugins/*.c; do
    [ -f "$file" ] || { echo "plugins: there is none"; continue; }
    kind=$(basename "$file" .c)
    [ -f "$dir/man/netnsd-$kind.5" ] || echo "plugins/$kind.c: its manual page man/netnsd-$kind.5 is missing"
    [ -f "$dir/tests/plugins/$kind.c" ] || echo "plugins/$kind.c: its test tests/plugins/$kind.c is missing"
    grep -q "\.name = \"$kind\"" "$file" || echo "plugins/$kind.c: does not call itself $kind"
  done
  for file in "$dir"/tests/plugins/*.c; do
    kind=$(basename "$file" .c)
    case $kind in
    lib_* | conformance | '*') continue ;;
    esac
    [ -f "$dir/plugins/$kind.c" ] || echo "tests/plugins/$kind.c: its plugin plugins/$kind.c is missing"
  done
}

# PLUGIN PAGE: every key of the table has a paragraph in the page
check_keys() {
  local plugin=$1 page=$2 key
  [ -f "$page" ] || return 0
  while read -r key; do
    grep -q "^\.BR\? \"\?$key=" "$page" || grep -q "^\.IR\? \"\?$key=" "$page" ||
      echo "${page##*/}: says nothing of $key="
  done < <(sed -n 's/.*\.name = "\([A-Z][A-Za-z0-9]*\)",.*/\1/p; s/.*\(SWITCH\|TIMER\)(\([A-Z_]*, \)\?"\([A-Za-z0-9]*\)".*/\3/p' "$plugin" |
    sort -u)
}

self_test() {
  local dir out
  dir=$(mktemp -d) || return 1
  mkdir -p "$dir"/{plugins,man,tests/plugins}
  echo '.name = "good",' >"$dir/plugins/good.c"
  echo '.name = "other",' >"$dir/plugins/lonely.c"
  touch "$dir/man/netnsd-good.5" "$dir/tests/plugins/"{good,orphan,conformance,lib_x}.c
  printf '%s\n' '{.name = "Known",' 'SWITCH(ONE, "Unknown", "x")' >"$dir/table.c"
  echo '.BR Known= NUMBER' >"$dir/page.5"
  out=$(check "$dir"; check_keys "$dir/table.c" "$dir/page.5")
  rm -rf "$dir"
  [ "$(grep -c lonely <<<"$out")" = 3 ] && [ "$(grep -c orphan <<<"$out")" = 1 ] &&
    [ "$(grep -c 'nothing of Unknown=' <<<"$out")" = 1 ] && [ "$(grep -c . <<<"$out")" = 5 ] && return 0
  printf 'plugins-complete.sh: its self test failed; it printed:\n%s\n' "$out"
  return 1
}

cd "${NETNSD_SRCDIR:-$(dirname "$0")/../..}" || exit 1
self_test || exit 1
missing=$(
  check .
  for plugin in plugins/*.c; do
    check_keys "$plugin" "man/netnsd-$(basename "$plugin" .c).5"
  done
)
[ -z "$missing" ] || { printf '%s\n' "$missing"; exit 1; }
echo "every plugin has its page and its test"
