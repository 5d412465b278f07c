#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The end of the road: 800 lines a file, 80 a function, 150 for main.c. (The aim is 250 and 20.)
# A function's body begins with "{" and ends with "}" in the first column, as clang-format puts them.
set -u

# FILES...: prints what is too long
check() {
  awk -v max_file=800 -v max_main=150 -v max_function=80 '
    function end_file() {
      if (file == "") return
      limit = file ~ /(^|\/)src\/main\.c$/ ? max_main : max_file
      if (lines > limit) print file ": " lines " lines, expected at most " limit
    }
    FNR == 1 { end_file(); file = FILENAME; head = "" }
    { lines = FNR }
    /^[A-Za-z_].*\(/ { head = $0 }
    /^\{/ { start = FNR }
    /^\}/ && start {
      if (FNR - start + 1 > max_function)
        print file ":" start ": a function of " FNR - start + 1 " lines, expected at most " max_function ": " head
      start = 0
    }
    END { end_file() }' "$@"
}

self_test() {
  local dir out
  dir=$(mktemp -d) || return 1
  mkdir "$dir/src"
  { echo 'int f(void)'; echo '{'; seq -f '	x(%g);' 79; echo '}'; } >"$dir/src/function.c"
  seq 151 >"$dir/src/main.c"
  seq 801 >"$dir/src/file.c"
  seq 800 >"$dir/src/fine.c"
  out=$(check "$dir"/src/*.c)
  rm -rf "$dir"
  [ "$(grep -c . <<<"$out")" = 3 ] && return 0
  printf 'sizes.sh: its self test failed; it printed:\n%s\n' "$out"
  return 1
}

cd "${NETNSD_SRCDIR:-$(dirname "$0")/../..}" || exit 1
self_test || exit 1
mapfile -t files < <(find src plugins include -name '*.[ch]' ! -path src/idl.c | sort)
violations=$(check "${files[@]}")
[ -z "$violations" ] || { printf '%s\n' "$violations"; exit 1; }
echo "${#files[@]} files are short enough"
