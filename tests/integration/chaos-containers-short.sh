#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The short form of "make chaos CHAOS_WHAT=containers": the same 35 steps each time.
export CHAOS_STEPS=${CHAOS_STEPS:-35} CHAOS_SEED=${CHAOS_SEED:-2}
exec "$BASH" "$(dirname "$0")/../chaos/containers.sh" "$@"
