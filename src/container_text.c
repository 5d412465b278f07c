/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a container in words, for people. */
#include "container.h"
#include "str.h"

const char *container_reason(const struct container *c)
{
	return c->reason.code ? c->reason.text : c->s.reason;
}

void container_state_text(const struct container *c, char *buffer, size_t size)
{
	const char *why = container_reason(c);

	(void)str_format(buffer, size, "%s%s%s", container_state_to_string(c->s.state), *why ? ": " : "",
			 why);
}
