#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsd as a service of Debian 12, and its containers as scopes of systemd 252.
. "$(dirname "$0")/lib_system.sh" || exit 1
boot_and_run bookworm first
