/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a message of nspawn: what is told of it is clean, and within its bounds. */
#include "notify.h"
#include "require.h"
#include "str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify_message m;

	if (notify_parse((const char *)data, size, &m) < 0)
		return 0;
	REQUIRE(memchr(m.status, '\0', sizeof(m.status)));
	REQUIRE(text_is_clean(m.status, strlen(m.status)));
	REQUIRE(m.leader == 0 || m.leader > 1);
	REQUIRE(m.error >= 0);
	REQUIRE(m.has_status || !m.status[0]);
	return 0;
}
