/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the record of a container. What is taken is sound and, written down again, is read as the
 * same. */
#include "container_record.h"
#include "require.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container_record first, second;
	char *text, *again;

	if (container_record_parse((const char *)data, size, &first) < 0)
		return 0;
	REQUIRE(first.s.state < CONTAINER_STATE_COUNT && first.s.result < RESULT_COUNT);
	REQUIRE(first.pid >= 0 && first.leader >= 0);
	REQUIRE(!first.cgroup[0] || first.cgroup[0] == '/');
	text = container_record_print(&first);
	REQUIRE(text && container_record_parse(text, strlen(text), &second) == 0);
	again = container_record_print(&second);
	REQUIRE(again && strcmp(text, again) == 0);
	free(text);
	free(again);
	return 0;
}
