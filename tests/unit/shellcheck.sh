#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs shellcheck over every shell script of the tree, known by its first line or its name.
set -u

command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; exit 77; }
cd "${NETNSD_SRCDIR:-$(dirname "$0")/../..}" || exit 1
mapfile -t scripts < <(
  find autogen.sh .ci tools tests conf debian -type f \( -name '*.sh' -o -name '*.bash' -o -name 'netnsd.p*' -o ! -name '*.*' \) -print0 2>/dev/null |
    xargs -0r awk 'FNR == 1 && (/^#!.*[\/ ](ba|da|)sh( |$)/ || /^# shellcheck shell=/) { print FILENAME } { nextfile }' | sort
)
[ ${#scripts[@]} -gt 0 ] || { echo "no scripts were found"; exit 1; }
# SC1091: a file that is sourced is checked for itself.
shellcheck --external-sources --exclude=SC1091 --format=gcc "${scripts[@]}" || exit 1
echo "${#scripts[@]} scripts are clean"
