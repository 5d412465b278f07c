#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Manual pages: clean for mandoc and groff, named as their .TH says, and what they refer to in this
# project exists.
set -u

cd "${NETNSD_SRCDIR:-$(dirname "$0")/../..}" || exit 1
shopt -s nullglob
pages=(man/*.[1-8])
[ ${#pages[@]} -gt 0 ] || { echo "there are no manual pages yet"; exit 77; }
for tool in mandoc man; do
  command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done

bad=0
complain() {
  echo "$*"
  bad=1
}
for page in "${pages[@]}"; do
  out=$(mandoc -Tlint -W warning "$page" 2>&1) || complain "${out:-$page: mandoc complains}"
  out=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
  [ -z "$out" ] || complain "$page: $out"
  name=${page#man/}
  section=${name##*.}
  name=${name%.*}
  # .TH NAME SECTION
  read -r th_name th_section < <(sed -nE 's/^\.TH +"?([^ "]+)"? +"?([0-9])"?.*/\1 \2/p;T;q' "$page" | tr -d '\134')
  { [ "${th_name,,}" = "${name,,}" ] && [ "$th_section" = "$section" ]; } ||
    complain "$page: .TH says '${th_name-} ${th_section-}', expected '$name $section'"
done

# netnsd-veth(5), \fBnetnsd.netns\fR(5), .BR netnsctl (1) ...
while IFS=: read -r page reference; do
  reference=${reference//\\f[BIRP]/}
  reference=${reference//\\/}
  reference=${reference// /}
  file=man/${reference%%(*}.${reference##*(}
  file=${file%)*}
  [ -e "$file" ] || complain "$page: refers to $reference, and there is no $file"
done < <(grep -oHE 'netns(d|ctl)[A-Za-z0-9.\-]*(\\f[BIRP])? ?\([1-8]\)' "${pages[@]}" | sort -u)

[ $bad = 0 ] && echo "${#pages[@]} manual pages are clean"
exit $bad
