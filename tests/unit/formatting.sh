#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every C file is as clang-format 14 (Debian 12's) leaves it, and begins with its licence.
set -u

cd "${NETNSD_SRCDIR:-$(dirname "$0")/../..}" || exit 1
mapfile -t files < <(find src include plugins tests -name '*.[ch]' ! -path src/idl.c | sort)

bad=0
for file in "${files[@]}"; do
  head -n 1 "$file" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' || {
    echo "$file:1: expected an SPDX line that says LGPL-2.1-or-later"
    bad=1
  }
done
[ $bad = 0 ] || exit 1

formatter=$(command -v clang-format-14 || command -v clang-format)
[ -n "$formatter" ] || { echo "clang-format is not installed"; exit 77; }
version=$("$formatter" --version)
[[ $version == *"version 14."* ]] || { echo "expected clang-format 14, found: $version"; exit 77; }
"$formatter" --style=file --dry-run --Werror "${files[@]}" || exit 1
echo "${#files[@]} files are formatted"
