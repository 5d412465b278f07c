#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What systemd 257 of Debian 13 and netnsd do together: descriptor store, machinectl, units, old names.
. "$(dirname "$0")/lib_system.sh" || exit 1
boot_and_run trixie second
