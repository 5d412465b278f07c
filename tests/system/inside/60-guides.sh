#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guides that have blocks for systemd, as installed, from their first line to their last, on a machine that has it.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/../../integration/lib_guide.sh" || exit 1

# shellcheck disable=SC2034 # lib_guide.sh looks
GUIDE_SYSTEMD=yes
GUIDES=$(dirname "$(dirname "$NETNSD")")/share/doc/netnsd
# The tree has no other; the guides do not show what differs.
command -v ping >/dev/null || ln -s "$(command -v busybox)" /usr/local/bin/ping
# As any machine has one: netnsctl exec puts that of a namespace over it.
[ -e /etc/resolv.conf ] || : >/etc/resolv.conf
mapfile -t guides < <(grep -l '^```console systemd' "$GUIDES"/doc/*.md)
[ ${#guides[@]} -gt 0 ] || fail "no guide is installed in $GUIDES"
for guide in "${guides[@]}"; do
  start_netnsd
  guide_shell
  guide_blocks "doc/${guide##*/}"
  guide_shell_end
  finish
done
