/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must hold of any input: said and aborted otherwise, also where NDEBUG takes assert() out. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                                   \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                      \
			abort();                                                                             \
		}                                                                                            \
	} while (0)
