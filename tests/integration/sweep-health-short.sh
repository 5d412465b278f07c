#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Some points of the sweep of HealthCmd= (tests/sweep/health.py), always the same. All of them: make sweep.
export SWEEP_SAMPLE=${SWEEP_SAMPLE:-15} SWEEP_SEED=${SWEEP_SEED:-1}
exec "$(dirname "$0")/../sweep/containers.sh" c-health "$@"
