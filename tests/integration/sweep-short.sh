#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Some points of the sweep (tests/sweep), always the same: system calls that fail, and kills. All of
# them: make sweep.
export SWEEP_SAMPLE=${SWEEP_SAMPLE:-50} SWEEP_SEED=${SWEEP_SEED:-1}
exec "$(dirname "$0")/../sweep/sweep.sh" "$@"
