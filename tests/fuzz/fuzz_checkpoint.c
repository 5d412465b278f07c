/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the state of a checkpoint. What is taken has sane values and, written down again, is read as
 * the same; the list of addresses never crashes on a tree without any. */
#include "checkpoint.h"
#include "require.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct checkpoint *c)
{
	REQUIRE(c->state >= CHECKPOINT_APPLYING && c->state <= CHECKPOINT_ROLLED_BACK);
	REQUIRE(c->span <= CHECKPOINT_SPAN_MAX);
	REQUIRE(text_is_clean(c->reason, strlen(c->reason)));
	REQUIRE(c->state != CHECKPOINT_WAITING || (c->deadline > 0 && c->boot_id[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct checkpoint first = {0}, second = {0};
	struct desired *d;
	char *text;

	if (checkpoint_parse((const char *)data, size, &first) == 0) {
		check(&first);
		text = checkpoint_print(&first);
		REQUIRE(text && checkpoint_parse(text, strlen(text), &second) == 0);
		REQUIRE(first.state == second.state && first.atomic == second.atomic &&
			first.span == second.span && first.deadline == second.deadline);
		free(text);
	}
	text = strndup((const char *)data, size);
	if (text && desired_new(&d) == 0) {
		checkpoint_order_addresses(d, text);
		desired_unref(d);
	}
	free(text);
	return 0;
}
