#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The short form of "make chaos": the same 50 steps each time.
export CHAOS_STEPS=${CHAOS_STEPS:-50} CHAOS_SEED=${CHAOS_SEED:-2}
exec "$BASH" "$(dirname "$0")/../chaos/chaos.sh" "$@"
