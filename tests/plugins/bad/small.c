/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The right number, and nothing behind it. */
#include <stdint.h>

extern const uint32_t netnsd_plugin;
const uint32_t netnsd_plugin = 1;
