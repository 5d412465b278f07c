#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# README.md and the guides in doc/: what they link to is there, each is linked from README.md, and a test names it.
# And the comparison that the guides' tests rest on sees a difference.
set -u

cd "${NETNSD_SRCDIR:-$(dirname "$0")/../..}" || exit 1
bad=0
complain() {
  echo "$*"
  bad=1
}

pages=(doc/*.md)
for page in README.md "${pages[@]}"; do
  while read -r link; do
    [ -e "$(dirname "$page")/$link" ] || complain "$page: links to $link, and there is no such file"
  done < <(grep -oE '\]\([^)#:]+\)' "$page" | tr -d '])(')
done
for page in "${pages[@]}"; do
  grep -q -F "($page)" README.md || complain "README.md: expected a link to $page"
  grep -rq -F "$page" tests/integration || complain "$page: no test in tests/integration names it"
done

NETNSD_SRCDIR=$PWD SANDBOX=/nowhere
# shellcheck source=tests/integration/lib_guide.sh
. tests/integration/lib_guide.sh
# PRINTED EXPECTED: as they are after "printf %b"
differs() {
  PRINTED=$(printf %b "$1"; echo .)
  PRINTED=${PRINTED%.}
  ! guide_prints "$(printf %b "$2"; echo)"
}
while IFS='|' read -r verdict printed expected; do
  if differs "$printed" "$expected"; then now=differs; else now=same; fi
  [ "$now" = "$verdict" ] || complain "lib_guide.sh: '$printed' and '$expected': expected $verdict, found $now"
done <<'TABLE'
same|a\nb\n|a\nb\n
same||
differs|a\n|
differs||a\n
differs|a\nb\n|a\n
differs|a\n|a\nb\n
same|a 1 c\n|a ... c\n
differs|a 1 d\n|a ... c\n
differs|a 1\n2 c\n|a ... c\n
same|1\n2\na\n|...\na\n
same|a\n|...\na\n
same|a\n1\n2\n|a\n...\n
same||...\n
differs|1\nb\n2\n|...\na\n...\n
same|1\na\n2\n|...\na\n...\n
same|(a+b)*[c].$\n|(a+b)*[c].$\n
differs|axb\n|a.b\n
TABLE

[ $bad = 0 ] && echo "${#pages[@]} guides have links that lead somewhere, and a test"
exit $bad
