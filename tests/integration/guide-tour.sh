#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# doc/tour.md, as its reader would do it.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
. "$(dirname "$0")/lib_guide.sh" || exit 1
container_sandbox "$@"
need_kind bridge
need_kind veth
guide_test doc/tour.md
